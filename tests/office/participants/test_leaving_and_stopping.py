"""Exit is not withdrawal is not attrition: three things, kept apart."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from participants import selectors, services
from participants.models import Exit, Step, StepKind
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core.errors import DomainError

pytestmark = pytest.mark.django_db
JANUARY, FEBRUARY = date(2018, 1, 1), date(2018, 2, 1)


def leave(home, day=FEBRUARY, reason="work_full", **more):
    return services.record_exit(household_id=home.pk, day=day, reason=reason, by=make.someone(), **more)


def come_back(home, day=date(2018, 3, 1)):
    return services.record_return(household_id=home.pk, day=day, by=make.someone())


def stop(person, *kinds, day=make.TODAY):
    services.stop(person_id=person.pk, kinds=kinds, day=day, by=make.someone())


def stops_of(person):
    return list(person.steps.filter(kind__in=services.STOPS).order_by("pk").values_list("kind", flat=True))


def test_who_leaves_the_benefit_stays_in_the_trial(tilburg, recorded, as_role):
    home = make.make_consented()
    with recorded() as verbs, as_role("office_web"):
        leave(home)
        come_back(home)
    person = home.persons.get()
    assert person in selectors.pids_open_for_surveys("tilburg")
    assert person.last_step.kind == StepKind.CONSENTED
    assert person.consents.filter(ended_on=None).count() == 4
    assert verbs == ["household.exited", "household.returned"]


def test_who_stops_with_questionnaires_has_not_left_the_benefit_nor_the_study(tilburg):
    home = make.make_drawn()[0]
    person = home.persons.get()
    stop(person, "stopped_surveys")
    assert not Exit.objects.exists()
    assert person not in selectors.pids_open_for_surveys("tilburg")
    assert person in selectors.persons_in_study("tilburg")


def test_who_does_not_answer_has_neither_stopped_nor_left(tilburg):
    person = make.make_drawn()[0].persons.get()
    assert stops_of(person) == []
    assert not Exit.objects.exists()
    assert person in selectors.pids_open_for_surveys("tilburg")


def test_who_withdraws_stops_with_everything_and_leaves_the_study(tilburg, recorded):
    person = make.make_drawn()[0].persons.get()
    with recorded() as verbs:
        stop(person, "withdrew_data")
    assert stops_of(person) == ["stopped_treatment", "stopped_surveys", "withdrew_data"]
    assert person not in selectors.persons_in_study("tilburg")
    assert set(person.consents.values_list("ended_on", flat=True)) == {make.TODAY}
    assert verbs == ["person.stopped"]


def test_who_stopped_with_questionnaires_can_still_withdraw(tilburg):
    person = make.make_consented().persons.get()
    stop(person, "stopped_surveys")
    stop(person, "withdrew_data", day=make.TODAY + timedelta(1))
    assert stops_of(person) == ["stopped_surveys", "withdrew_data"]
    assert person.steps.get(kind="stopped_surveys").day == make.TODAY


def test_who_withdraws_before_the_draw_stopped_with_no_rules_of_a_group(tilburg):
    person = make.make_consented().persons.get()
    stop(person, "withdrew_data")
    assert stops_of(person) == ["stopped_surveys", "withdrew_data"]
    assert selectors.counts_by_step("tilburg")["stopped_treatment"] == 0


def test_nobody_stops_before_they_joined(tilburg):
    person = make.make_household().persons.get()
    with pytest.raises(DomainError, match=r"\(signed up\) was on 5 Mar 2018") as refused:
        stop(person, "stopped_surveys", day=make.TODAY - timedelta(1))
    assert refused.value.field == "day"


def test_stopping_twice_is_stopping_once(tilburg, recorded):
    person = make.make_consented().persons.get()
    with recorded() as verbs:
        stop(person, "stopped_surveys")
        stop(person, "stopped_surveys")
    assert stops_of(person) == ["stopped_surveys"]
    assert verbs == ["person.stopped"]


@pytest.mark.parametrize("kinds", [(), ("excluded",), ("stopped_surveys", "nonsense")])
def test_only_what_can_be_stopped_can_be_chosen(tilburg, kinds):
    person = make.make_consented().persons.get()
    with pytest.raises(DomainError, match="Choose what the person stops with"):
        stop(person, *kinds)


def test_data_cannot_be_withdrawn_before_they_were_given(tilburg):
    person = make.make_consented().persons.get()
    with pytest.raises(DomainError, match="consented after that day") as refused:
        stop(person, "withdrew_data", day=make.TODAY - timedelta(1))
    assert refused.value.field == "day"
    assert stops_of(person) == []
    assert person.consents.filter(ended_on=None).count() == 4


def test_a_household_leaves_once_at_a_time(tilburg):
    home = make.make_household()
    leave(home)
    with pytest.raises(DomainError, match="record the return first"):
        leave(home, day=date(2018, 2, 10))
    come_back(home)
    leave(home, day=make.TODAY, reason="moved")
    assert Exit.objects.count() == 2


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda home: leave(home, reason="holiday"), "reason from the list"),
        (lambda home: leave(home, day=make.TODAY + timedelta(1)), "lies in the past"),
        (lambda home: come_back(home), "has not left"),
        (lambda home: (leave(home), come_back(home, day=FEBRUARY)), "return comes after"),
        (lambda home: (leave(home), come_back(home, day=make.TODAY + timedelta(1))), "lies in the past"),
        (lambda home: (leave(home), come_back(home), leave(home, day=date(2018, 2, 15))), "on that day already"),
        (lambda home: leave(home, day=date(2014, 3, 1)), "benefit began on 1 Mar 2014"),
        (lambda home: leave(home, returned_on=FEBRUARY), "return comes after"),
        (lambda home: leave(home, returned_on=make.TODAY + timedelta(1)), "A return lies in the past"),
        (lambda home: (leave(home), come_back(home), leave(home, day=JANUARY)), "left again on 1 Feb 2018"),
        (lambda home: (leave(home), leave(home, day=JANUARY, returned_on=date(2018, 2, 2))), "left again on 1 Feb"),
    ],
)
def test_episodes_lie_in_order_and_do_not_overlap(tilburg, act, message):
    with pytest.raises(DomainError, match=message):
        act(make.make_household())


def test_an_earlier_exit_is_recorded_later_with_its_return(tilburg):
    home = make.make_household()
    leave(home)
    leave(home, day=JANUARY, returned_on=date(2018, 1, 20))
    leave(home, day=date(2018, 1, 25), returned_on=FEBRUARY)
    assert [left.returned_on for left in home.exits.order_by("day")] == [date(2018, 1, 20), FEBRUARY, None]


def test_the_database_refuses_exits_that_overlap(tilburg):
    home = make.make_household()
    leave(home)
    noted = {"reason": "moved", "recorded_at": make.NOW, "recorded_by": make.someone()}
    with pytest.raises(IntegrityError, match="exits_do_not_overlap"), transaction.atomic():
        Exit.objects.create(household=home, day=JANUARY, returned_on=date(2018, 2, 2), **noted)
    Exit.objects.create(household=home, day=JANUARY, returned_on=FEBRUARY, **noted)


@pytest.mark.django_db(transaction=True)
def test_two_officers_record_the_same_exit_at_one_moment():
    make.make_trial()
    home = make.make_household()
    results = together(*[lambda: leave(home)] * 6)
    assert len(faults(results)) == 5
    assert all(isinstance(fault, DomainError) for fault in faults(results)), results
    assert Exit.objects.count() == 1


def test_steps_count_persons_and_exits_do_not_change_them(tilburg):
    make.make_drawn(2)
    before = selectors.counts_by_step("tilburg")
    leave(make.make_household())
    after = selectors.counts_by_step("tilburg")
    assert before["randomised"] == after["randomised"] == 2
    assert after["signed_up"] == 3
    assert after["withdrew_data"] == 0
    assert Step.objects.filter(kind="declined").count() == after["declined"] == 0
