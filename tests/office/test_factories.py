"""The quick way of the tests to a household leaves in the tables what the services leave there."""

import pytest

from participants import services
from participants.marks import record_baselines
from participants.models import (
    Baseline,
    Check,
    Consent,
    Contact,
    Household,
    NewestStep,
    Person,
    Step,
    StepCount,
)
from tests.office import factories as make

OF_HOUSEHOLD = {Household: "pk", Person: "household", NewestStep: "household"}
OF_PERSON = dict.fromkeys((Contact, Step, Check, Consent, Baseline), "person__household")
OWN = {"id", "pid", "code", "client_number", "first_name", "email", "likeness", "words", "person", "household", "step"}


def by_the_services(**over):
    home = make.make_household(**over)
    said = {"day": make.TODAY, "by": make.someone()}
    for person in home.persons.order_by("pk"):
        services.check_eligibility(person_id=person.pk, answers=make.right_answers(), **said)
        make.agree(person)
    record_baselines(pids=home.persons.values_list("pid", flat=True))
    return home


def left_behind(home):
    """What stands in the tables about a household, without what is its own."""
    found = {}
    for model, path in (OF_HOUSEHOLD | OF_PERSON).items():
        names = [field.attname for field in model._meta.fields if field.name not in OWN]
        rows = model.objects.filter(**{path: home.pk})
        found[model.__name__] = sorted(str([getattr(row, name) for name in names]) for row in rows)
    return found


def counted():
    return dict(StepCount.objects.values_list("kind", "persons"))


@pytest.mark.django_db
@pytest.mark.parametrize("members", [1, 2])
def test_a_household_is_the_same_either_way(tilburg, members):
    slowly = left_behind(by_the_services(members=members))
    assert [len(slowly[name]) for name in ("Household", "Step", "Baseline")] == [1, 3 * members, members]
    once = counted()
    assert left_behind(make.make_ready(members=members)) == slowly
    assert counted() == {kind: 2 * persons for kind, persons in once.items()}
