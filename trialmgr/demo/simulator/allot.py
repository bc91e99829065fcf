"""The night counts the baseline, and the lots are drawn in public by two persons."""

import hashlib
import time

from coaching.services import divide_evenly
from randomization import services as draws
from randomization.freezing import freeze_list
from randomization.models import Draw, Status
from surveys.mailing.services import update_status
from trialmgr.core import anchors
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.simulator import accounts, calendar
from trialmgr.demo.simulator.calendar import TRIAL
from trialmgr.protocol.selectors import current_protocol

PATIENCE = 150  # seconds: a lost bell is rung again every minute
EVENT = "20171204"
SOURCE = (
    "Op 4 december 2017 om 8.30 uur gooit een wethouder tien keer een dobbelsteen in de raadzaal. "
    "Publiek is welkom. Het getal is de SHA-256 van de plaats, de dag en de worpen."
)
THROWS = "Tilburg 4-12-2017: 3 6 1 1 5 2 4 6 2 3"


def count() -> None:
    """Runs under the worker's login, which alone may know who answered."""
    calendar.set_present(calendar.BASELINE_COUNTED, 3)
    update_status(trial=TRIAL)


def freeze() -> None:
    for row in Draw.objects.filter(trial=TRIAL, status=Status.REQUESTED):
        freeze_list(draw_id=row.pk)


def run(step: str) -> None:
    """`count` and `freeze` under the worker's login; `request` and `draw` under the web login, as pages do."""
    {"count": count, "request": request, "freeze": freeze, "draw": draw}[step]()


def request() -> None:
    """The list is closed some days before the dice are thrown."""
    calendar.set_present(calendar.LISTED)
    if not Draw.objects.filter(trial=TRIAL).exists():
        first = current_protocol(TRIAL).rounds[0].code
        by = accounts.of("statisticus@demo.example")
        announced = {"event": EVENT, "event_on": calendar.DRAWN, "source": SOURCE}
        draws.request_draw(trial=TRIAL, round_code=first, by=by, **announced)


def draw() -> None:
    """Dice were thrown in the town hall; their digest is the public number. Safe to repeat."""
    calendar.set_present(calendar.DRAWN)
    number = f"{EVENT}:{hashlib.sha256(THROWS.encode()).hexdigest()}"
    row = Draw.objects.get(trial=TRIAL, number=1)
    if row.status == Status.COMMITTED:
        first = accounts.of("statisticus@demo.example")
        draws.enter_beacon(draw_id=row.pk, beacon=number, by=first, evidence=THROWS)
    if row.status in {Status.COMMITTED, Status.ENTERED}:
        draws.confirm_beacon(draw_id=row.pk, beacon=number, by=accounts.of("leider@demo.example"))
    wait_for_the_lots()
    divide_evenly(trial=TRIAL, day=calendar.DRAWN, by=accounts.of("leider@demo.example"))
    anchors.write()


def wait_for_the_lots() -> None:
    """The office's worker draws them, as it does for people."""
    deadline = time.monotonic() + PATIENCE
    while not Draw.objects.filter(trial=TRIAL, number=1, status=Status.DRAWN).exists():
        if time.monotonic() > deadline:
            raise LaunchError("the office worker did not draw the lots: look in its log")
        time.sleep(0.2)
