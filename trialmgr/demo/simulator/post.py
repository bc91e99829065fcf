"""The mail of a wave goes out. Runs under the worker's login, as it does in life."""

from surveys.mailing.services import queue_due, send_due
from trialmgr.demo.simulator import calendar
from trialmgr.demo.simulator.calendar import TRIAL

DAYS = {"baseline": calendar.BASELINE_MAILED, "mid": calendar.MID_MAILED}


def run(wave: str) -> None:
    calendar.set_present(DAYS[wave])
    queue_due(trial=TRIAL)
    send_due()
