"""Background work between the office and the study."""

import logging

from celery import shared_task

from analysis.monitoring import services
from surveys.mailing.vault_client import VaultDown, VaultRefused

log = logging.getLogger("trialmgr.monitoring")


@shared_task
def exchange() -> None:
    """Send the outcomes that approved runs wait for, and fetch what was released."""
    for work in (services.send_wanted_outcomes, services.receive_results):
        try:
            work()
        except (VaultDown, VaultRefused) as error:
            log.warning("%s waits: %s", work.__name__, type(error).__name__)
