"""What a draw and the nightly status note of persons, each in its own transaction."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from participants.models import Baseline, Person, Step, StepKind
from trialmgr.core import clock
from trialmgr.core.models import User

RANDOMISE = """
    INSERT INTO participants_step (person_id, kind, day, reason, recorded_at, recorded_by_id)
    SELECT id, 'randomised', %s::date, '', %s::timestamptz, %s::bigint FROM ({persons}) AS persons (id)
"""


@transaction.atomic
def mark_randomised(*, household_ids: Collection[int] | QuerySet[Any], day: date, by: User | None) -> None:
    """Called by the draw, in its transaction, with keys or a query that gives them. Safe to repeat.

    Who withdrew after the list was closed stays on the published list, but is not entered as drawn.
    """
    steps = Step.objects.filter(person=OuterRef("pk"))
    chosen = Person.objects.filter(
        Exists(steps.filter(kind=StepKind.CONSENTED)),
        ~Exists(steps.filter(kind__in=[StepKind.RANDOMISED, StepKind.WITHDREW_DATA])),
        household_id__in=household_ids,
    )
    persons, values = chosen.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:  # in one statement: a draw may hold a million persons
        cursor.execute(RANDOMISE.format(persons=persons), [day, clock.now(), by.pk if by else None, *values])


@transaction.atomic
def record_baselines(*, pids: Collection[str]) -> int:
    """Called by the nightly status, under the login that may know who answered; give how many are new."""
    persons = Person.objects.filter(pid__any_of=list(pids), baseline=None)
    made = Baseline.objects.bulk_create(Baseline(person=person) for person in persons)
    return len(made)
