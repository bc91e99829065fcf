"""Background work on the audit chain."""

from celery import shared_task

from trialmgr.core import anchors, checking


@shared_task(ignore_result=True)
def anchor_audit() -> None:
    anchors.write()


@shared_task(ignore_result=True)
def check_audit() -> None:
    checking.check()
