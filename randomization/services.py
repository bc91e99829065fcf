"""The draw, step by step: request, freeze and publish, enter the public number, confirm it; a job draws the lots.

Who may act and in which order is guarded here; the lottery itself is `randomization.lottery`, which needs no database.
A step that is refused leaves an audit event.
"""

import re
from datetime import date

from django.db import transaction
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from participants.selectors import waiting_for_a_draw
from randomization import tasks
from randomization.errors import DrawNotReady, DrawRefused, NumbersDiffer
from randomization.freezing import refuse_after_a_restore
from randomization.models import NO_LIST, OPEN, Draw, Status, TakenBack
from randomization.refusals import recorded
from randomization.sealing import unseal
from randomization.selectors import locked
from trialmgr.core import audit, clock
from trialmgr.core.jobs import ring_on_commit
from trialmgr.core.models import User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.schema import Round
from trialmgr.protocol.selectors import current_protocol

EVENT = re.compile(r"0|[1-9][0-9]{0,19}")
DAY = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})")
DIGITS = 64


@recorded
@transaction.atomic
def request_draw(*, trial: str, round_code: str, event: str, event_on: date, source: str, by: User) -> Draw:
    """Ask for a draw of every household of the round that is ready; the worker makes the list.

    `event` numbers the public number to come: a drand round, or the day of a notary's dice as 20180312; `event_on` is
    the day on which it comes, and `source` says where and how the number is made, for all to know.
    """
    Trial.objects.select_for_update(of=("self",), no_key=True).get(code=trial)
    refuse_after_a_restore()
    _check_round(current_protocol(trial).round(round_code), clock.today())
    event, source = event.strip(), source.strip()
    if Draw.objects.filter(trial=trial, round=round_code, status__in=OPEN).exists():
        raise DrawNotReady(_("A draw of this round is open already; finish it first."), code="round_open")
    _check_event(trial, event, event_on)
    if not source:
        raise DrawRefused(_("Say where and how the number is made."), code="source_missing", field="source")
    if not waiting_for_a_draw(trial).filter(round=round_code).exists():
        raise DrawNotReady(_("Nobody of this round waits for a draw."), code="nobody_waits", field="round")
    number = (Draw.objects.filter(trial=trial).aggregate(last=Max("number"))["last"] or 0) + 1
    announced = {"round": round_code, "event": event, "event_on": event_on, "source": source}
    made = Draw.objects.create(trial_id=trial, number=number, requested_at=clock.now(), requested_by=by, **announced)
    audit.record("draw.requested", f"draw:{made.pk}", by=by, trial=trial, **announced)
    ring_on_commit(tasks.freeze_list, made.pk)
    return made


def _check_round(entry: Round, today: date) -> None:
    """A batch is drawn when nobody can join any more; people who come in one by one, from the first day on."""
    if today < entry.opens:
        raise DrawNotReady(_("This recruitment round has not opened yet."), code="round_not_open", field="round")
    if entry.entry == "batch" and today <= entry.closes:
        text = _("This round is drawn in one batch, after its last day.")
        raise DrawNotReady(text, code="round_not_closed", field="round")


def _check_event(trial: str, event: str, event_on: date) -> None:
    """The number must be unknown when the list is closed: its day has yet to come, and no draw used it before."""
    if not EVENT.fullmatch(event):
        text = _("Give the public event as a whole number of at most 20 digits.")
        raise DrawRefused(text, code="event_malformed", field="event")
    if event_on <= clock.today():
        text = _("The event has yet to come: give a day after today.")
        raise DrawRefused(text, code="event_not_to_come", field="event_on")
    named = _day_named(event)
    if named not in {None, event_on}:
        text = _("The event reads as the day %(day)s: give that day, or an event with another number.")
        shown = {"day": date_format(named, "SHORT_DATE_FORMAT")}
        raise DrawRefused(text % shown, code="event_of_another_day", field="event_on")
    earlier = Draw.objects.filter(trial=trial, event=event).exclude(status__in=NO_LIST).first()
    if earlier:
        text = _("Draw %(number)s announced this event already: choose another.")
        raise DrawRefused(text % {"number": earlier.number}, code="event_used", field="event")


def _day_named(event: str) -> date | None:
    """The day of an event such as 20180312; a drand round may look like one too, and then another round is chosen."""
    parts = DAY.fullmatch(event)
    try:
        return date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


@recorded
@transaction.atomic
def enter_beacon(*, draw_id: int, beacon: str, by: User, evidence: str = "") -> None:
    """The first of two persons types the public number, as `event:64 hex digits`, and how it came about."""
    row = locked(draw_id)
    if row.status != Status.COMMITTED:
        raise DrawNotReady(_("This draw does not wait for a public number."))
    if row.event_on is not None and clock.today() < row.event_on:
        text = _("The event is on %(day)s: nobody can know its number yet.")
        shown = {"day": date_format(row.event_on, "SHORT_DATE_FORMAT")}
        raise DrawRefused(text % shown, code="too_early", field="beacon")
    row.beacon = _checked_number(row, beacon)
    row.evidence, row.entered_at, row.entered_by, row.status = evidence.strip(), clock.now(), by, Status.ENTERED
    row.save(update_fields=["beacon", "evidence", "entered_at", "entered_by", "status"])
    told = {"beacon": row.beacon, "evidence": row.evidence}
    audit.record("draw.beacon_entered", f"draw:{row.pk}", by=by, trial=row.trial_id, **told)


@recorded
@transaction.atomic
def confirm_beacon(*, draw_id: int, beacon: str, by: User) -> None:
    """A second person types the same number; a job then draws the lots. Safe to repeat."""
    row = locked(draw_id)
    if row.status in {Status.CONFIRMED, Status.DRAWN} and row.confirmed_by == by:
        return
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("This draw does not wait for a confirmation."))
    if row.entered_by == by:
        text = _("Somebody else must confirm the public number: two persons vouch for it.")
        raise DrawRefused(text, code="same_person")
    if _checked_number(row, beacon) != row.beacon:
        text = _("This differs from the number entered first. Compare both with the source.")
        raise NumbersDiffer(text, code="numbers_differ", field="beacon")
    unseal(row)  # what cannot be drawn is found now, not by the job
    row.confirmed_by, row.confirmed_at, row.status = by, clock.now(), Status.CONFIRMED
    row.save(update_fields=["confirmed_by", "confirmed_at", "status"])
    audit.record("draw.confirmed", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)
    ring_on_commit(tasks.draw_lots, row.pk)


@recorded
@transaction.atomic
def reopen_beacon(*, draw_id: int, by: User) -> None:
    """Take back a mistyped public number before anybody confirmed it. It stays in public, with who entered it."""
    row = locked(draw_id)
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("There is no number to take back."))
    entered = {"beacon": row.beacon, "evidence": row.evidence}
    entered |= {"entered_at": row.entered_at, "entered_by": row.entered_by}
    TakenBack.objects.create(draw=row, taken_back_at=clock.now(), taken_back_by=by, **entered)
    audit.record("draw.beacon_taken_back", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)
    row.beacon, row.evidence, row.entered_by, row.status = "", "", None, Status.COMMITTED
    row.save(update_fields=["beacon", "evidence", "entered_by", "status"])


def _checked_number(row: Draw, typed: str) -> str:
    """The number as it is written in the record; a malformed one is found now, not in front of the council."""
    beacon = "".join(typed.split()).lower()
    event, colon, digits = beacon.partition(":")
    strange = re.search("[^0-9a-f]", digits)
    if not colon:
        text, code = _("Write the number of the event, a colon, and the 64 digits."), "no_colon"
    elif event != row.event:
        text, code = _("This draw waits for the number of event %(event)s."), "other_event"
    elif strange:
        text, code = _("The digits are 0-9 and a-f; %(sign)s is none of them."), "strange_digit"
    elif len(digits) != DIGITS:
        text, code = _("After the colon come 64 digits; these are %(typed)s."), "wrong_length"
    else:
        return beacon
    shown = {"event": row.event, "sign": strange[0] if strange else "", "typed": len(digits)}
    raise DrawRefused(text % shown, code=code, field="beacon")
