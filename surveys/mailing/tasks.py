"""Background work of the mailing. Each ring finds its work in the database."""

import logging

from celery import shared_task

from surveys.mailing import services
from surveys.mailing.vault_client import VaultDown

log = logging.getLogger("trialmgr.mailing")


@shared_task
def send_due() -> None:
    try:
        services.send_due()
    except (VaultDown, OSError) as error:
        log.warning("mail waits: %s", type(error).__name__)


@shared_task
def nightly() -> None:
    """Ask who answered, then queue what is due: the order spares a reminder to those who answered yesterday."""
    for trial in services.trials():
        try:
            services.update_status(trial=trial)
        except VaultDown as error:
            log.warning("status waits: %s", type(error).__name__)
        services.queue_due(trial=trial)
    send_due.delay()
