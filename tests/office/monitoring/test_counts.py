"""Counts that the database keeps itself agree with counting every row, whatever happened to the rows."""

from datetime import timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Q

from coaching.models import IN_PERSON, Contact, ContactCount
from coaching.services import Talk, correct_contact, log_contact, void_contact
from participants import services as joining
from participants.models import NewestStep, Step, StepCount, StepKind
from participants.selectors import counts_by_step, exclusion_counts
from randomization.models import Allocation, GroupSize
from randomization.selectors import arm_sizes
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import clock
from trialmgr.core.errors import DomainError

LATER = make.TODAY + timedelta(7)
pytestmark = pytest.mark.django_db


def steps_one_by_one():
    rows = Step.objects.values_list("person__trial", "kind", "reason").annotate(n=Count("pk"))
    return set(rows.order_by())


def steps_as_kept():
    return set(StepCount.objects.values_list("trial", "kind", "reason", "persons"))


def contacts_one_by_one():
    arms = dict(Allocation.objects.values_list("household_id", "arm"))
    found = {}
    for talk in Contact.objects.filter(voided_at=None).select_related("person"):
        sums = found.setdefault((arms[talk.person.household_id], talk.day), [0, 0, 0])
        sums[0] += talk.attended
        sums[1] += talk.attended and talk.channel in IN_PERSON
        sums[2] += not talk.attended
    return {key: tuple(sums) for key, sums in found.items()}


def contacts_as_kept():
    rows = ContactCount.objects.filter(~Q(held=0, in_person=0, missed=0))
    return {(row.arm, row.day): (row.held, row.in_person, row.missed) for row in rows}


def newest_one_by_one():
    rows = Step.objects.order_by("person__household", "-recorded_at", "-pk").distinct("person__household")
    return set(rows.values_list("person__household", "pk", "kind"))


def newest_as_kept():
    return set(NewestStep.objects.values_list("household", "step", "kind"))


def note(coach, person, **over):
    """A contact, noted a week after the draw."""
    key = uuid4()
    talk = Talk(**({"day": LATER, "channel": "office", "note": str(key)} | over))
    with clock.at(make.NOW + timedelta(days=7)):
        return log_contact(trial="tilburg", person_id=person.pk, talk=talk, key=key, by=coach)


@pytest.fixture
def busy(tilburg):
    """A trial in which something of everything happened; a second one beside it."""
    make.make_trial("wageningen")
    make.make_household("wageningen")
    make.make_drawn(3)
    excluded = make.make_household().persons.get()
    answers = make.right_answers() | {"full_time_study": True}
    joining.check_eligibility(person_id=excluded.pk, answers=answers, day=make.TODAY, by=make.someone())
    coach, home = make.make_guided(members=2)
    one, other = home.persons.all()
    talks = [note(coach, one, day=LATER - timedelta(days)) for days in (0, 0, 1, 2)]
    talks += [note(coach, other, channel="phone"), note(coach, other, attended=False)]
    joining.stop(person_id=other.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    return coach, talks


def test_steps_are_counted_as_they_are_taken(busy):
    assert ("tilburg", StepKind.EXCLUDED, "full_time_study", 1) in steps_as_kept()
    assert ("wageningen", StepKind.SIGNED_UP, "", 1) in steps_as_kept()
    assert steps_as_kept() == steps_one_by_one()
    assert (counts_by_step("tilburg")["randomised"], counts_by_step("tilburg")["declined"]) == (5, 0)
    assert exclusion_counts("tilburg") == {"full_time_study": 1}


def test_the_newest_step_of_a_household_is_known_whoever_took_it_and_whenever_it_was_recorded(busy):
    assert newest_as_kept() == newest_one_by_one()
    home = make.make_eligible(members=2)
    with clock.at(make.NOW - timedelta(days=3)):  # recorded by a clock that runs behind
        make.agree(home.persons.first())
    assert newest_as_kept() == newest_one_by_one()
    assert NewestStep.objects.get(household=home).kind == StepKind.ELIGIBLE
    with clock.at(make.NOW + timedelta(days=1)):
        make.agree(home.persons.last())
    assert newest_as_kept() == newest_one_by_one()
    assert NewestStep.objects.get(household=home).kind == StepKind.CONSENTED


def test_contacts_are_counted_as_they_are_noted_corrected_and_struck_out(busy):
    coach, (talk, wrong, *_rest) = busy
    assert contacts_as_kept() == contacts_one_by_one()
    moved = Talk(day=LATER - timedelta(7), channel="phone", attended=False)
    correct_contact(contact_id=talk.pk, talk=moved, version=1, reason="", by=coach)
    void_contact(contact_id=wrong.pk, version=1, reason="Andere mevrouw Bakker", by=coach)
    assert contacts_as_kept() == contacts_one_by_one()
    assert {key[1]: sums for key, sums in contacts_as_kept().items()} == {
        LATER: (1, 0, 1),
        LATER - timedelta(1): (1, 1, 0),
        LATER - timedelta(2): (1, 1, 0),
        LATER - timedelta(7): (0, 0, 1),
    }


def test_a_contact_with_a_household_that_was_not_drawn_is_refused(tilburg):
    coach, _home = make.make_guided()
    with pytest.raises(DomainError, match="was not drawn"):
        note(coach, make.make_ready().persons.get())


def test_groups_keep_their_size_as_drawn(busy):
    rows = Allocation.objects.values_list("draw", "stratum", "arm").annotate(n=Count("pk")).order_by()
    assert set(GroupSize.objects.values_list("draw", "stratum", "arm", "households")) == set(rows)
    assert sum(persons for _homes, persons in arm_sizes("tilburg").values()) == 5
    assert arm_sizes("wageningen") == {}


@pytest.mark.parametrize(
    "statement", ["UPDATE randomization_groupsize SET persons = 9", "DELETE FROM randomization_groupsize"]
)
def test_the_size_of_a_group_is_final(busy, statement):
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_twelve_people_who_sign_up_at_one_moment_are_twelve():
    make.make_trial()
    members = [[make.make_member()] for _ in range(12)]
    assert faults(together(*[lambda one=one: make.make_household(members=one) for one in members])) == []
    assert counts_by_step("tilburg")["signed_up"] == 12


@pytest.mark.parametrize(
    ("migration", "kept"),
    [
        ("participants.migrations.0004_steps_are_counted", steps_as_kept),
        ("participants.migrations.0007_newest_steps_are_noted", newest_as_kept),
        ("coaching.migrations.0004_contacts_are_counted", contacts_as_kept),
        ("randomization.migrations.0008_pages_read_no_record", lambda: arm_sizes("tilburg")),
    ],
)
def test_what_was_there_before_the_counts_is_counted_too(busy, migration, kept):
    before, steps = kept(), import_module(migration)
    assert before
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(steps.REVERSE)
        cursor.execute("DELETE FROM randomization_groupsize" if "randomization" in migration else "SELECT 1")
        cursor.execute(steps.FORWARD)
    assert kept() == before
