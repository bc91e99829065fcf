"""Who coaches whom: at the household's own site, one coach at a time, evenly."""

from datetime import timedelta
from uuid import uuid4

import pytest

from coaching import selectors, services
from coaching.models import Assignment
from participants.services import record_exit, stop
from randomization.selectors import arms_of
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Membership, Role

pytestmark = pytest.mark.django_db
EVERYBODY_COACHED = (
    "caseload: {worker: regular, low: 100, high: 125}",
    "caseload: {worker: trial_coach, low: 50, high: 75}",
)

EVERYBODY_COACHED_AND_SEEN = (EVERYBODY_COACHED, ("by: phone", "by: in_person"))


@pytest.fixture
def two_sites(db):
    return make.make_trial("tilburg", make.TWO_SITES, EVERYBODY_COACHED)


def divide(**over):
    return services.divide_evenly(trial="tilburg", day=make.TODAY, by=make.someone(), **over)


def assign(home, coach, day=make.TODAY):
    return services.assign_coach(household_id=home.pk, coach=coach, day=day, by=make.someone())


def test_households_are_divided_evenly_over_the_coaches(two_sites, recorded):
    coaches = [make.make_user(Role.COACH) for _ in range(3)]
    make.make_drawn(6)
    with recorded() as verbs:
        assert divide() == 6
    assert selectors.caseload_sizes("tilburg") == {coach.pk: 2 for coach in coaches}
    assert divide() == 0
    assert verbs == ["households.coaches_assigned"]


def test_a_group_without_a_coach_of_the_trial_gets_none(tilburg):
    make.make_user(Role.COACH)
    homes = make.make_drawn(8)
    divide()
    arms = arms_of([home.pk for home in homes])
    coached = {arms[home] for home in Assignment.objects.values_list("household", flat=True)}
    assert coached <= {"coaching", "coaching_disregard"}
    assert coached


def test_households_stay_with_coaches_of_their_own_site(two_sites):
    here, there = make.make_user(Role.COACH, site="tilburg"), make.make_user(Role.COACH, site="goirle")
    make.make_ready(site="tilburg")
    make.make_drawn(2, site="goirle")
    assert divide() == 3
    assert selectors.caseload_sizes("tilburg") == {here.pk: 1, there.pk: 2}


def test_a_leader_of_one_site_divides_that_site_only(two_sites):
    make.make_user(Role.COACH)
    make.make_ready(site="tilburg")
    make.make_drawn(2, site="goirle")
    assert divide(sites={"goirle"}) == 2
    assert [site for _pk, site, _n in selectors.unassigned("tilburg")] == ["tilburg"]


def test_without_a_coach_at_the_site_the_leader_is_told(two_sites):
    make.make_user(Role.COACH, site="goirle")
    make.make_drawn(site="tilburg")
    with pytest.raises(DomainError, match="no coaches at the site"):
        divide()


def test_another_coach_takes_over_and_the_former_one_sees_nothing_any_more(tilburg, recorded):
    former, home = make.make_guided()
    newer = make.make_user(Role.COACH)
    with recorded() as verbs:
        assign(home, newer)
        assign(home, newer)
    assert list(selectors.caseload_of(newer, trial="tilburg")) == [home]
    assert not selectors.caseload_of(former, trial="tilburg").exists()
    assert Assignment.objects.get(coach=former).until_day == make.TODAY
    assert verbs == ["household.coach_assigned"]


@pytest.mark.parametrize(
    ("coach", "day", "message"),
    [
        (lambda: make.make_user(Role.COACH, site="goirle"), make.TODAY, "not a coach of the site"),
        (lambda: make.make_user(Role.LEADER), make.TODAY, "not a coach of the site"),
        (lambda: make.make_user(Role.COACH, trial="wageningen"), make.TODAY, "not a coach of the site"),
        (lambda: make.make_user(Role.COACH), make.TODAY + timedelta(1), "yet to come"),
        (lambda: make.make_user(Role.COACH), make.TODAY - timedelta(1), "were drawn on"),
    ],
)
def test_whom_a_household_cannot_be_given(two_sites, coach, day, message):
    _coach, home = make.make_guided(site="tilburg")
    with pytest.raises(DomainError, match=message):
        assign(home, coach(), day)
    assert Assignment.objects.count() == 1


def test_a_coach_comes_after_the_draw(tilburg):
    with pytest.raises(DomainError, match="not drawn yet"):
        assign(make.make_ready(), make.make_user(Role.COACH))


def test_no_coach_is_given_for_a_time_that_another_coach_had(tilburg):
    coach, home = make.make_guided()
    with clock.at(make.NOW + timedelta(10)):
        Assignment.objects.update(until_day=clock.today())
        with pytest.raises(DomainError, match="had another coach on that day"):
            assign(home, make.make_user(Role.COACH), make.TODAY + timedelta(5))
        assign(home, coach, clock.today())
    assert Assignment.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_leaders_who_assign_at_one_moment_give_one_coach():
    make.make_trial("tilburg", EVERYBODY_COACHED)
    home = make.make_drawn()[0]
    coaches = [make.make_user(Role.COACH) for _ in range(4)]
    calls = [lambda coach=coach: assign(home, coach) for coach in coaches]
    assert faults(together(*calls, divide, divide)) == []
    assert Assignment.objects.filter(until_day=None).count() == 1


def test_a_coach_whose_role_at_the_site_ended_loses_its_households(two_sites):
    coach, _home = make.make_guided(make.make_user(Role.COACH, site="tilburg"), site="tilburg")
    make.give(coach, Role.COACH, site="goirle")
    Membership.objects.filter(site="tilburg").update(ended_at=make.NOW)
    assert not selectors.caseload_of(type(coach).objects.get(pk=coach.pk), trial="tilburg").exists()


def test_a_household_that_stopped_waits_for_nothing(tilburg):
    coach, home = make.make_guided()
    stop(person_id=home.persons.get().pk, kinds=["stopped_treatment"], day=make.TODAY, by=make.someone())
    assert selectors.cases_of(coach, trial="tilburg") == []
    assert list(selectors.caseload_of(coach, trial="tilburg")) == [home]
    assert selectors.caseload_sizes("tilburg") == {}


def test_a_group_that_left_the_protocol_still_has_its_households(tilburg, monkeypatch):
    coach, home = make.make_guided()
    protocol = selectors.current_protocol("tilburg")
    monkeypatch.setattr(selectors, "current_protocol", lambda trial: protocol.model_copy(update={"arms": ()}))
    (case,) = selectors.cases_of(coach, trial="tilburg")
    assert (case.household, case.arm) == (home, None)


def test_who_waits_longest_comes_first(two_sites):
    coach = make.make_user(Role.COACH)
    homes = make.make_drawn(3)
    for days, home in enumerate(homes):
        with clock.at(make.NOW + timedelta(days)):
            assign(home, coach, make.TODAY + timedelta(days))
    with clock.at(make.NOW + timedelta(weeks=30)):
        cases = selectors.cases_of(coach, trial="tilburg")
    assert {case.state for case in cases} == {"overdue"}
    assert cases == sorted(cases, key=lambda case: case.due)


def contact(home, coach, day, **over):
    talk = services.Talk(day=day, **({"channel": "home"} | over))
    with clock.at(max(clock.now(), make.NOW)):
        return services.log_contact(
            trial="tilburg", person_id=home.persons.first().pk, talk=talk, key=uuid4(), by=coach
        )


def the_case(coach):
    (found,) = selectors.cases_of(coach, trial="tilburg")
    return found


@pytest.fixture
def guided(db):
    make.make_trial("tilburg", *EVERYBODY_COACHED_AND_SEEN)
    return make.make_guided()


@pytest.fixture
def later(guided):
    """Half a year on, when everybody waits too long."""
    with clock.at(make.NOW + timedelta(weeks=30)):
        yield clock.today()


def test_an_appointment_is_moved_by_noting_the_attempt(guided, later):
    coach, home = guided
    contact(home, coach, later - timedelta(3), next_on=later + timedelta(2))
    assert (the_case(coach).planned, the_case(coach).state) == (later + timedelta(2), "soon")
    contact(home, coach, later, attended=False, next_on=later + timedelta(20))
    assert (the_case(coach).planned, the_case(coach).state) == (later + timedelta(20), "later")


def test_a_contact_that_was_planned_for_today_is_done_once_it_was_held(guided, later):
    coach, home = guided
    contact(home, coach, later - timedelta(7), next_on=later)
    assert the_case(coach).state == "today"
    contact(home, coach, later)
    assert (the_case(coach).planned, the_case(coach).state) == (None, "later")


def test_an_appointment_that_went_by_without_a_word_is_shown_first(guided, later):
    coach, home = guided
    contact(home, coach, later - timedelta(7), next_on=later - timedelta(1))
    assert the_case(coach).state == "missed"


def test_who_waits_too_long_is_late_also_when_planned(guided, later):
    coach, home = guided
    contact(home, coach, later - timedelta(weeks=28), next_on=later)
    assert the_case(coach).state == "today"
    assert the_case(coach).days_late > 0


def test_a_message_does_not_count_where_the_group_is_to_be_seen(guided, later):
    coach, home = guided
    arm = the_case(coach).arm
    assert arm.contact.by == "in_person"
    contact(home, coach, later, channel="digital")
    case = the_case(coach)
    assert (case.last, case.counted, case.state) == (later, None, "overdue")
    contact(home, coach, later, channel="home")
    assert the_case(coach).counted == later


def test_who_left_the_benefit_is_marked_and_not_late(guided, later):
    coach, home = guided
    record_exit(household_id=home.pk, day=later, reason="work_full", by=make.someone())
    case = the_case(coach)
    assert (case.state, case.left.day, case.days_late) == ("left", later, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("van den berg", True),
        ("berg rachid", True),
        ("Rachíd BERG", True),
        ("06 1473 1561", True),
        ("+31 6 14731561", True),
        ("412041", True),
        ("7nl9", False),
        ("berg piet", False),
        ("061", False),
        ("0000", False),
        ("3112", False),
    ],
)
def test_a_search_takes_what_a_coach_has_at_hand(two_sites, text, found):
    rachid = make.make_member(
        first_name="Rachid", infix="van den", surname="Berg", phone="06-14731561", client_number="41204170"
    )
    coach, home = make.make_guided(members=[rachid])
    assert the_case(coach).matches(text) is found
    assert the_case(coach).matches(home.code.replace("-", "").lower())
    assert the_case(coach).matches(home.code[:7])
