"""Background work between the office and the study."""

import logging

from celery import shared_task

from analysis.monitoring import services
from surveys.mailing.vault_client import VaultDown

log = logging.getLogger("trialmgr.monitoring")


@shared_task
def exchange() -> None:
    """Send the outcomes that approved runs wait for, and fetch what was released."""
    try:
        services.send_wanted_outcomes()
        services.receive_results()
    except VaultDown as error:
        log.warning("the study waits: %s", type(error).__name__)
