"""Background work of the mailing. Each ring finds its work in the database."""

import logging

from celery import shared_task

from surveys.mailing import services
from surveys.mailing.vault_client import VaultDown, VaultRefused

log = logging.getLogger("trialmgr.mailing")


@shared_task
def send_due() -> None:
    try:
        services.send_due()
    except (VaultDown, OSError) as error:
        log.warning("mail waits: %s", type(error).__name__)


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
