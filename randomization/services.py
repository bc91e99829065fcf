"""The draw, step by step: request, freeze and publish, enter the public number, confirm it; a job draws the lots.

Who may act and in which order is guarded here; the lottery itself is `randomization.lottery`, which needs no database.
"""

import re
from datetime import date

from django.db import transaction
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from randomization import tasks
from randomization.errors import DrawNotReady, NumbersDiffer
from randomization.freezing import refuse_after_a_restore
from randomization.lottery.draw import check_beacon
from randomization.models import OPEN, Draw, Status
from randomization.sealing import unseal
from randomization.selectors import locked
from trialmgr.core import audit, clock
from trialmgr.core.errors import BadInput, DomainError
from trialmgr.core.jobs import ring_on_commit
from trialmgr.core.models import User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.schema import Round
from trialmgr.protocol.selectors import current_protocol

EVENT = re.compile(r"0|[1-9][0-9]{0,19}")


@transaction.atomic
def request_draw(*, trial: str, round_code: str, event: str, event_on: date, by: User) -> Draw:
    """Ask for a draw of every household of the round that is ready; the worker makes the list.

    `event` numbers the public number to come: a drand round, or the day of a notary's dice as 20180312; `event_on` is
    the day on which it comes, for all to know.
    """
    Trial.objects.select_for_update(of=("self",), no_key=True).get(code=trial)
    refuse_after_a_restore()
    _check_round(current_protocol(trial).round(round_code), clock.today())
    event = event.strip()
    if not EVENT.fullmatch(event):
        raise DomainError(_("Give the public event as a whole number of at most 20 digits."), field="event")
    if event_on < clock.today():
        raise DomainError(_("The event has yet to come: give its day."), field="event_on")
    if Draw.objects.filter(trial=trial, round=round_code, status__in=OPEN).exists():
        raise DrawNotReady(_("A draw of this round is open already; finish it first."))
    number = (Draw.objects.filter(trial=trial).aggregate(last=Max("number"))["last"] or 0) + 1
    announced = {"round": round_code, "event": event, "event_on": event_on}
    made = Draw.objects.create(trial_id=trial, number=number, requested_at=clock.now(), requested_by=by, **announced)
    audit.record("draw.requested", f"draw:{made.pk}", by=by, trial=trial, **announced)
    ring_on_commit(tasks.freeze_list, made.pk)
    return made


def _check_round(entry: Round, today: date) -> None:
    """A batch is drawn when nobody can join any more; people who come in one by one, from the first day on."""
    if today < entry.opens:
        raise DrawNotReady(_("This recruitment round has not opened yet."), field="round")
    if entry.entry == "batch" and today <= entry.closes:
        raise DrawNotReady(_("This round is drawn in one batch, after its last day."), field="round")


@transaction.atomic
def enter_beacon(*, draw_id: int, beacon: str, by: User) -> None:
    """The first of two persons types the public number, as `event:64 hex digits`."""
    row = locked(draw_id)
    if row.status != Status.COMMITTED:
        raise DrawNotReady(_("This draw does not wait for a public number."))
    if row.event_on is not None and clock.today() < row.event_on:
        day = date_format(row.event_on, "SHORT_DATE_FORMAT")
        raise DomainError(_("The event is on %(day)s: nobody can know its number yet.") % {"day": day}, field="beacon")
    _check_number(row, beacon.strip())
    row.beacon, row.entered_at, row.entered_by, row.status = beacon.strip(), clock.now(), by, Status.ENTERED
    row.save(update_fields=["beacon", "entered_at", "entered_by", "status"])
    audit.record("draw.beacon_entered", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)


def confirm_beacon(*, draw_id: int, beacon: str, by: User) -> None:
    """A second person types the same number; a job then draws the lots. Safe to repeat."""
    try:
        _confirm_beacon(draw_id, beacon.strip(), by)
    except NumbersDiffer:
        with transaction.atomic():  # what was undone is evidence too
            trial = Draw.objects.values_list("trial", flat=True).get(pk=draw_id)
            audit.record("draw.beacon_refused", f"draw:{draw_id}", by=by, trial=trial)
        raise


@transaction.atomic
def _confirm_beacon(draw_id: int, beacon: str, by: User) -> None:
    row = locked(draw_id)
    if row.status in {Status.CONFIRMED, Status.DRAWN}:
        return
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("This draw does not wait for a confirmation."))
    if row.entered_by == by:
        raise DomainError(_("Somebody else must confirm the public number: two persons vouch for it."))
    if beacon != row.beacon:
        raise NumbersDiffer(
            _("This differs from the number entered first. Compare both with the source."), field="beacon"
        )
    unseal(row)  # what cannot be drawn is found now, not by the job
    row.confirmed_by, row.confirmed_at, row.status = by, clock.now(), Status.CONFIRMED
    row.save(update_fields=["confirmed_by", "confirmed_at", "status"])
    audit.record("draw.confirmed", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)
    ring_on_commit(tasks.draw_lots, row.pk)


@transaction.atomic
def reopen_beacon(*, draw_id: int, by: User) -> None:
    """Take back a mistyped public number before anybody confirmed it. That one was entered stays known."""
    row = locked(draw_id)
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("There is no number to take back."))
    audit.record("draw.beacon_taken_back", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)
    row.beacon, row.entered_by, row.status = "", None, Status.COMMITTED
    row.save(update_fields=["beacon", "entered_by", "status"])


def _check_number(row: Draw, beacon: str) -> None:
    """Find a malformed number now, not in front of the council."""
    try:
        check_beacon(beacon, row.event)
    except BadInput as error:
        raise DomainError(str(error), field="beacon") from None
