"""A draw that a restored office forgot, entered again from its public record.

Its groups are known to everybody, so they stand. The record proves itself, two persons vouch that it is the one that
was drawn in public, and only an office that lacks anchored events takes one.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from participants.selectors import consented
from randomization.drawing import store
from randomization.freezing import design_of
from randomization.lottery.record import Record
from randomization.lottery.verify import Difference, check
from randomization.models import Allocation, Draw, Status
from trialmgr.core import anchors, audit, clock
from trialmgr.core.access import may
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.models import User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.selectors import current_protocol


@dataclass(frozen=True)
class Witnessed:
    """What two persons remember of a draw: its round, its days, and the record that was published.

    `listed_on` is the day on which the list was closed: the strata of the record are those of that day.
    """

    trial: str
    round: str
    listed_on: date
    event_on: date
    day: date
    text: str
    first: User
    second: User
    reason: str


@transaction.atomic
def readmit(seen: Witnessed) -> Draw:
    """Enter the draw again, with the groups of its record. Raises BadInput with every reason against it."""
    Trial.objects.select_for_update(of=("self",), no_key=True).get(code=seen.trial)
    if anchors.lost() is None:
        raise BadInput(Fault("office", "lacks no anchored event", "nothing was forgotten: draw as always"))
    _check_witnesses(seen)
    record = _proven(seen.text)
    if faults := [*_against_design(seen, record), *_against_people(seen, record)]:
        raise BadInput(faults)
    row = _entered(seen, record)
    store(row, record, at=_noon(seen.day))
    known = {"result_hash": record.result_hash, "confirmed_by": seen.second.pk, "day": seen.day}
    target = f"draw:{row.pk}"
    audit.record("draw.readmitted", target, by=seen.first, trial=seen.trial, reason=seen.reason, **known)
    return row


def _noon(day: date) -> datetime:
    """The moment of a day of which the hour is not known."""
    return datetime.combine(day, time(12), timezone.get_current_timezone())


def _check_witnesses(seen: Witnessed) -> None:
    if seen.first == seen.second:
        raise BadInput(Fault("witnesses", "are one person", "two persons vouch for a draw"))
    for user in (seen.first, seen.second):
        if not may(user, "approve_beacon", trial=seen.trial):
            raise BadInput(Fault(user.email, "may not vouch for a draw", "a leader or statistician of the trial does"))


def _proven(text: str) -> Record:
    record = Record.from_json(text)
    try:
        check(json.loads(text))
    except (Difference, LookupError, TypeError, ValueError, ArithmeticError) as error:
        what = str(error) if isinstance(error, Difference) else "is no lottery"
        raise BadInput(Fault("record", what, "give the record that was published")) from None
    if record.result is None or record.event is None or record.beacon is None:
        raise BadInput(Fault("record", "is not drawn yet", "give the record as it was after the draw"))
    return record


def _against_design(seen: Witnessed, record: Record) -> list[Fault]:
    earlier = Draw.objects.filter(trial=seen.trial, status=Status.DRAWN).order_by("-number").first()
    faults = []
    if not seen.listed_on <= seen.event_on <= seen.day <= clock.today():
        remedy = "the list is closed before the event, and the lots are drawn after it"
        faults.append(Fault("days", "are not in order", remedy))
    if record.params.get("after") != (earlier.result_hash if earlier else None):
        faults.append(Fault("record", "does not follow the last draw of this office", "enter the earlier draws first"))
    arms = design_of(current_protocol(seen.trial), seen.round).arms
    if set(record.params["arms"]) != set(arms):
        faults.append(Fault("record", "has other arms than the protocol", f"they are {', '.join(arms)}"))
    return faults


def _against_people(seen: Witnessed, record: Record) -> list[Fault]:
    """Each household of the record must be here, as it was then: a code may have been given to another since."""
    here = consented(seen.trial, [unit for unit, _, _ in record.result or ()], on=seen.listed_on)
    keys = [unit.household_id for unit in here.values()]
    drawn = set(Allocation.objects.filter(household__in=keys).values_list("household__code", flat=True))
    faults = []
    for code, stratum, _arm in record.result or ():
        if code not in here:
            faults.append(Fault(code, "is not here, or nobody of it consented", "enter it again first"))
        elif code in drawn:
            faults.append(Fault(code, "was drawn already", "a household is drawn once"))
        elif (here[code].round, here[code].stratum) != (seen.round, stratum):
            what = f"is in {here[code].round}, {here[code].stratum} here, in {seen.round}, {stratum} in the record"
            faults.append(Fault(code, what, "mend what differs"))
    return faults


def _entered(seen: Witnessed, record: Record) -> Draw:
    last = Draw.objects.filter(trial=seen.trial).aggregate(last=Max("number"))["last"] or 0
    return Draw.objects.create(
        trial_id=seen.trial,
        number=last + 1,
        round=seen.round,
        status=Status.CONFIRMED,
        event=record.event,
        event_on=seen.event_on,
        requested_at=clock.now(),
        requested_by=seen.first,
        record=record.to_json(),
        units=len(record.units),
        commitment=record.commitment,
        list_hash=record.list_hash,
        params_hash=record.params_hash,
        committed_at=_noon(seen.listed_on),
        beacon=record.beacon,
        entered_at=_noon(seen.day),
        entered_by=seen.first,
        confirmed_at=_noon(seen.day),
        confirmed_by=seen.second,
    )
