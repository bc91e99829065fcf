"""The lots themselves: a job of the worker, once two persons vouch for the public number.

The row that says `confirmed` is the order; a bell only rings for it. All of a draw is one transaction, so a job that is
killed leaves nothing behind, and a second one finds the row locked or drawn.
"""

from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from participants.marks import mark_randomised
from participants.models import StepKind
from participants.selectors import household_ids
from randomization.balance import count_traits
from randomization.lottery.draw import draw
from randomization.lottery.record import Record
from randomization.models import Allocation, Draw, GroupSize, Status
from randomization.sealing import unseal
from trialmgr.core import anchors, audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.jobs import allow_long_statements
from trialmgr.protocol.services import record_first_draw

ALLOT = "COPY randomization_allocation (household_id, draw_id, trial, arm, stratum, allocated_on) FROM STDIN"
DRAWN = ["record", "sealed_secret", "status", "result_hash", "drawn_at", "fault"]


def draw_lots(*, draw_id: int) -> bool:
    """Draw the lots of a confirmed draw; False when they are drawn, or another job is drawing them.

    What makes it impossible is kept with the draw for the page; the next bell tries again.
    """
    try:
        return _draw_lots(draw_id)
    except DomainError as error:
        Draw.objects.filter(pk=draw_id, status=Status.CONFIRMED).update(fault=str(error))
        raise


@transaction.atomic
def _draw_lots(draw_id: int) -> bool:
    allow_long_statements()
    waiting = Draw.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = waiting.filter(pk=draw_id, status=Status.CONFIRMED).first()
    if row is None:
        return False
    record = draw(Record.from_json(row.record), unseal(row), row.beacon)
    store(row, record, at=clock.now())
    told = {"result_hash": row.result_hash, "units": len(record.units)}
    audit.record("draw.drawn", f"draw:{row.pk}", by="draw_lots", trial=row.trial_id, **told)
    transaction.on_commit(anchors.write, robust=True)
    return True


def store(row: Draw, record: Record, *, at: datetime) -> None:
    """Write the groups of a drawn record, within the caller's transaction, which has checked everything."""
    day = timezone.localdate(at)
    _allot(row, record, day)
    drawn = Allocation.objects.filter(draw=row).values("household_id")
    mark_randomised(household_ids=drawn, day=day, by=row.confirmed_by)
    _count_groups(row)
    count_traits(row, on=timezone.localdate(row.committed_at))
    record_first_draw(trial=row.trial_id, at=at)
    row.record, row.sealed_secret, row.status, row.fault = record.to_json(), None, Status.DRAWN, ""
    row.result_hash, row.drawn_at = record.result_hash or "", at
    row.save(update_fields=DRAWN)


def _allot(row: Draw, record: Record, day: date) -> None:
    result = record.result or ()
    homes = household_ids(row.trial_id, [unit for unit, _stratum, _arm in result])
    with connection.cursor() as cursor, cursor.copy(ALLOT) as copy:
        for unit, stratum, arm in result:
            copy.write_row((homes[unit], row.pk, row.trial_id, arm, stratum, day))


def _count_groups(row: Draw) -> None:
    """Keep how many were drawn into each group: neither an allocation nor the step of a person ever changes."""
    drawn = Allocation.objects.filter(draw=row).values_list("stratum", "arm").order_by("stratum", "arm")
    took_part = drawn.filter(household__persons__steps__kind=StepKind.RANDOMISED)
    persons = {(stratum, arm): n for stratum, arm, n in took_part.annotate(n=Count("household__persons"))}
    GroupSize.objects.bulk_create(
        GroupSize(draw=row, stratum=stratum, arm=arm, households=n, persons=persons.get((stratum, arm), 0))
        for stratum, arm, n in drawn.annotate(n=Count("pk"))
    )
