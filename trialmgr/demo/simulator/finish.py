"""The present day of the demo: the mid-term answers are counted, and a first run of the plan waits, sealed.

Each step imports what its own process has, and no more.
"""

import time

from trialmgr.demo.simulator import accounts, calendar
from trialmgr.demo.simulator.calendar import TRIAL

PATIENCE = 120.0


def run(side: str) -> None:
    {"count": count, "score": score, "study": study}[side]()


def count() -> None:
    from surveys.mailing.services import update_status
    from trialmgr.core import checking

    calendar.set_present(calendar.MID_COUNTED, 3)
    update_status(trial=TRIAL)
    calendar.set_present(calendar.PRESENT)
    checking.check()


def score() -> None:
    """Ring for the research worker, and wait until it has scored what was answered."""
    from surveys.answers import tasks
    from surveys.answers.services import waves_to_score

    tasks.pour.delay()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        tasks.score_due.delay()
        time.sleep(2)
        if not waves_to_score():
            return
    raise SystemExit("the research worker did not score the answers within two minutes: see var/log")


def study() -> None:
    """A researcher asks for a run; two others approve it. The office and the study worker do the rest."""
    from analysis.study import services
    from analysis.study.models import Run

    run = Run.objects.filter(trial=TRIAL).first() or services.request_run(
        trial=TRIAL,
        purpose="Eerste run na een jaar, voor de controle van het plan.",
        by=accounts.of("onderzoeker@demo.example"),
    )
    for email in ("hoofdonderzoeker@demo.example", "datasteward@demo.example"):
        if not run.approvals.filter(by__email=email).exists():
            services.approve_run(run_id=run.pk, by=accounts.of(email))
