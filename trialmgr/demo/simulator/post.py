"""The mail of a wave goes out. Runs under the worker's login, as it does in life."""

import time

from surveys.mailing.models import Invitation, Status
from surveys.mailing.services import LEASE, queue_due, send_due
from trialmgr.demo.simulator import calendar
from trialmgr.demo.simulator.calendar import TRIAL

DAYS = {"baseline": calendar.BASELINE_MAILED, "mid": calendar.MID_MAILED}
PATIENCE = LEASE.total_seconds() + 30  # until what an interrupted run claimed may be sent by another


def run(wave: str) -> None:
    """Safe to repeat; ends when nothing is under way, for those who answer next read their mail once."""
    calendar.set_present(DAYS[wave])
    queue_due(trial=TRIAL)
    send_due()
    deadline = time.monotonic() + PATIENCE
    while _under_way() and time.monotonic() < deadline:
        time.sleep(1)
        send_due()


def _under_way() -> bool:
    return Invitation.objects.filter(trial=TRIAL, status__in=(Status.QUEUED, Status.CLAIMED)).exists()
