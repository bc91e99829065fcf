"""Background work on people."""

from celery import shared_task

from participants import drafts


@shared_task
def drop_old_imports() -> None:
    drafts.drop_old_imports()
