"""What only a demonstration does in the background."""

from celery import shared_task

from trialmgr.demo import night


@shared_task(ignore_result=True)
def notice_a_night() -> None:
    night.notice_one()
