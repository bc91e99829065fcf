"""Background work of the mailing. Each ring finds its work in the database."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from surveys.mailing import services
from surveys.mailing.vault_client import VaultDown, VaultRefused
from trialmgr.core import clock

log = logging.getLogger("trialmgr.mailing")


@shared_task
def send_due() -> None:
    """Send for half the time that a task may take, so that none is stopped amid a mail; then ring for the rest."""
    until = clock.machine_now() + timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT / 2)
    try:
        services.send_due(until=until)
    except (VaultDown, OSError) as error:
        log.warning("mail waits: %s", type(error).__name__)
        return
    if clock.machine_now() >= until:
        send_due.delay()


@shared_task
def nightly() -> None:
    """Erase what was withdrawn, ask who answered, then queue what is due.

    In this order those who answered yesterday are spared a reminder.
    """
    for trial in services.trials():
        for work in (services.erase_withdrawn, services.update_status):
            try:
                work(trial=trial)
            except (VaultDown, VaultRefused) as error:
                log.warning("%s waits: %s", work.__name__, type(error).__name__)
        services.queue_due(trial=trial)
    send_due.delay()
