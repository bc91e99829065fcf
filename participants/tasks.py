"""Background work on people."""

from celery import shared_task

from participants import services


@shared_task
def drop_old_imports() -> None:
    services.drop_old_imports()
