"""Withdrawing a draw whose public event will not come, so that nobody can use it to shop for a result.

One person announces it in public, with the reason; a second confirms. Before the day of the event nobody can know the
result, so that may be at once. From that day on somebody might, so the announcement stands a week, in which whoever
knows the number can bring it and the draw goes on. While a number stands entered nothing is withdrawn; one that was
taken back stays in public, and the week begins anew. The secret is published with the withdrawal: should the number
turn up, all can work out what the draw would have given.
"""

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from randomization.errors import DrawNotReady, DrawRefused
from randomization.models import Draw, Status, Withdrawal
from randomization.refusals import recorded
from randomization.sealing import unseal
from randomization.selectors import locked, taken_back
from trialmgr.core import anchors, audit, clock
from trialmgr.core.models import User

NOTICE = timedelta(days=7)


def can_be_withdrawn(row: Draw) -> bool:
    """Whether the draw is published and waits for its number; one that was taken back stands in public."""
    return row.status == Status.COMMITTED and (row.entered_at is None or taken_back(row).exists())


def confirmable_from(row: Draw, announced: Withdrawal) -> date:
    """The first day on which a second person may confirm, as seen today."""
    day, today = timezone.localdate(announced.announced_at), clock.today()
    if row.event_on is not None and today < row.event_on:
        return day
    last = taken_back(row).aggregate(last=Max("taken_back_at"))["last"]
    return max(day, row.event_on or day, timezone.localdate(last) if last else day) + NOTICE


@recorded
@transaction.atomic
def announce_withdrawal(*, draw_id: int, reason: str, by: User) -> None:
    """The first person gives the reason; it is published at once."""
    row = _lock(draw_id)
    if not reason.strip():
        raise DrawRefused(_("Say why: the reason is published."), code="reason_missing", field="reason")
    if Withdrawal.objects.filter(draw=row).exists():
        raise DrawNotReady(_("The withdrawal of this draw has been announced."), code="announced_already")
    Withdrawal.objects.create(draw=row, reason=reason.strip(), announced_at=clock.now(), announced_by=by)
    audit.record("draw.withdrawal_announced", f"draw:{row.pk}", by=by, reason=reason.strip(), trial=row.trial_id)


@recorded
@transaction.atomic
def confirm_withdrawal(*, draw_id: int, by: User) -> None:
    """A second person confirms; the draw ends, its secret is published, and the round can be drawn from a new list."""
    row = _lock(draw_id)
    announced = Withdrawal.objects.filter(draw=row).first()
    if announced is None:
        raise DrawNotReady(_("Announce the withdrawal of this draw first."), code="not_announced")
    if announced.announced_by == by:
        text = _("Somebody else must confirm the withdrawal: two persons vouch for it.")
        raise DrawRefused(text, code="same_person")
    first_day = confirmable_from(row, announced)
    if clock.today() < first_day:
        text = _("The number of this event may be known by now. The withdrawal can be confirmed from %(day)s on.")
        raise DrawNotReady(text % {"day": date_format(first_day, "SHORT_DATE_FORMAT")}, code="too_early")
    announced.confirmed_at, announced.confirmed_by, announced.secret = clock.now(), by, _opened(row)
    announced.save(update_fields=["confirmed_at", "confirmed_by", "secret"])
    row.status = Status.WITHDRAWN
    row.save(update_fields=["status"])
    opened = bool(announced.secret)
    audit.record("draw.withdrawn", f"draw:{row.pk}", by=by, reason=announced.reason, trial=row.trial_id, opened=opened)
    transaction.on_commit(anchors.write, robust=True)


def _opened(row: Draw) -> str:
    """The secret in hex digits; nothing when the office lost its key, which the public page then says."""
    try:
        return unseal(row).hex()
    except DrawNotReady:
        return ""


def _lock(draw_id: int) -> Draw:
    row = locked(draw_id)
    if not can_be_withdrawn(row):
        raise DrawNotReady(_("Only a published draw that waits for its number can be withdrawn."))
    return row
