"""A no that becomes a yes: while recruitment is open and before the draw, with the no kept on record."""

from datetime import UTC, date, datetime, timedelta

import pytest

from participants import services
from participants.marks import record_baselines
from participants.models import Consent, StepKind
from randomization.models import Allocation
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Role, User

pytestmark = pytest.mark.django_db
PURPOSES = ("take_part", "questionnaires", "register_data", "statistics_netherlands")
NO, YES = dict.fromkeys(PURPOSES, False), dict.fromkeys(PURPOSES, True)
LATER = make.TODAY + timedelta(days=3)
CLOSED = datetime(2019, 1, 2, 9, tzinfo=UTC)
TOO_LATE = "while recruitment is open, before the draw"


@pytest.fixture
def person(tilburg):
    return make.make_eligible().persons.get()


@pytest.fixture
def later():
    with clock.at(make.NOW + timedelta(days=3)):
        yield LATER


def said(person):
    """Every record of the person, oldest first: purpose, given, day, ended on."""
    return list(person.consents.order_by("pk").values_list("purpose", "given", "day", "ended_on"))


def change(person, purposes, day=LATER, **over):
    return make.agree(person, purposes=purposes, day=day, **over)


def test_a_no_becomes_a_yes_and_stays_on_record(person, later, recorded, as_role):
    assert not make.agree(person, purposes=NO)
    with recorded() as verbs, as_role("office_web"):
        assert change(person, YES)
    refused = [(code, False, make.TODAY, later) for code in PURPOSES]
    assert said(person) == refused + [(code, True, later, None) for code in PURPOSES]
    step = person.steps.get(kind=StepKind.CONSENTED)
    assert (step.day, verbs) == (later, ["person.consent_changed"])
    event = list(audit.events())[-1]
    assert (event.object, event.trial, event.site) == (f"person:{person.pk}", "tilburg", "tilburg")


def test_who_changed_their_mind_can_be_drawn(person, later):
    make.agree(person, purposes=NO)
    change(person, YES)
    record_baselines(pids=[person.pid])
    make.make_draw()
    assert Allocation.objects.filter(household=person.household).count() == 1


def test_a_yes_to_some_of_what_is_needed_is_kept_but_is_no_consent_yet(person, later):
    make.agree(person, purposes=NO)
    assert not change(person, NO | {"take_part": True})
    assert not person.steps.filter(kind=StepKind.CONSENTED).exists()
    rest = {code: True for code in PURPOSES if code != "take_part"}
    assert change(person, rest)
    assert person.steps.filter(kind=StepKind.CONSENTED).count() == 1


def test_one_who_takes_part_may_agree_later_to_what_is_not_needed(person, later, recorded):
    make.agree(person, purposes=YES | {"statistics_netherlands": False})
    with recorded() as verbs:
        assert change(person, {"statistics_netherlands": True})
    assert said(person)[-2:] == [
        ("statistics_netherlands", False, make.TODAY, later),
        ("statistics_netherlands", True, later, None),
    ]
    assert person.steps.filter(kind=StepKind.CONSENTED).count() == 1
    assert verbs == ["person.consent_changed"]


@pytest.mark.parametrize("again", [NO, {}, {"take_part": True}, YES | {"something_else": True}])
def test_the_same_answer_or_half_a_form_changes_nothing(person, later, again):
    make.agree(person, purposes=NO)
    with pytest.raises(DomainError, match="has been recorded"):
        change(person, again)
    assert said(person) == [(code, False, make.TODAY, None) for code in PURPOSES]


def test_a_yes_does_not_become_a_no_on_this_way(person, later):
    make.agree(person, purposes=YES | {"statistics_netherlands": False})
    with pytest.raises(DomainError, match="has been recorded"):
        change(person, {"statistics_netherlands": True, "take_part": False})
    assert person.consents.filter(ended_on=None, given=True).count() == 3


def test_after_the_round_has_closed_a_no_stays_a_no(person):
    make.agree(person, purposes=NO)
    with clock.at(CLOSED), pytest.raises(services.NotAllowedYet, match=TOO_LATE):
        change(person, YES)
    assert not person.consents.filter(given=True).exists()


def test_on_the_last_day_of_the_round_a_no_can_still_become_a_yes(person):
    make.agree(person, purposes=NO)
    last = date(2018, 12, 31)
    with clock.at(datetime(2018, 12, 31, 12, tzinfo=UTC)):
        assert change(person, YES, day=last)


def test_after_the_draw_a_no_stays_a_no(person, later):
    make.agree(person, purposes=YES | {"statistics_netherlands": False})
    record_baselines(pids=[person.pid])
    make.make_draw()
    with pytest.raises(services.NotAllowedYet, match=TOO_LATE):
        change(person, {"statistics_netherlands": True})
    assert said(person)[-1] == ("statistics_netherlands", False, make.TODAY, None)


def test_a_partner_who_said_no_makes_the_household_wait_until_it_is_a_yes(tilburg, later):
    first, second = make.make_eligible(members=2).persons.order_by("pk")
    make.agree(first)
    make.agree(second, purposes=NO)
    record_baselines(pids=[first.pid, second.pid])
    make.make_consented()  # another household, for which there is something to draw
    assert make.make_draw(until="requested").status == "requested"
    assert change(second, YES)


@pytest.mark.parametrize("kind", ["stopped_treatment", "stopped_surveys"])
def test_who_stopped_does_not_come_back_by_a_form(person, later, kind):
    make.agree(person, purposes=NO)
    services.stop(person_id=person.pk, kinds=[kind], day=make.TODAY, by=make.someone())
    with pytest.raises(services.NotAllowedYet, match="did not stop"):
        change(person, YES)


@pytest.mark.parametrize("answers", [NO, YES])
def test_who_withdrew_before_the_draw_stays_withdrawn(person, later, answers):
    make.agree(person, purposes=answers)
    services.stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    with pytest.raises(services.Withdrawn):
        change(person, YES)
    assert not person.consents.filter(ended_on=None).exists()


def test_who_withdrew_after_the_draw_stays_withdrawn(tilburg, later):
    person = make.make_drawn()[0].persons.get()
    services.stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    with pytest.raises(services.Withdrawn):
        change(person, YES)
    assert not person.consents.filter(ended_on=None).exists()


def test_the_yes_does_not_come_before_the_no(person):
    make.agree(person, purposes=NO)
    with pytest.raises(DomainError, match="said no on 5 Mar 2018") as refused:
        change(person, YES, day=make.TODAY - timedelta(days=1))
    assert refused.value.field == "day"
    assert change(person, YES, day=make.TODAY), "on the same day they may think again"


def test_without_its_audit_event_the_no_stands(person, later, monkeypatch):
    make.agree(person, purposes=NO)
    monkeypatch.setattr(audit, "record", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        change(person, YES)
    assert said(person) == [(code, False, make.TODAY, None) for code in PURPOSES]


@pytest.mark.django_db(transaction=True)
def test_the_form_sent_by_two_at_one_moment_is_stored_once():
    make.make_trial()
    person, by = make.make_eligible().persons.get(), User.objects.order_by("pk")[0]
    make.agree(person, purposes=NO)

    def agree():
        with clock.at(make.NOW):
            make.agree(person, by=by)

    assert len(faults(together(*[agree] * 4))) == 3
    assert Consent.objects.filter(given=True).count() == 4


def form(person, purposes, day="2018-03-08"):
    mark = f"p{person.pk}-"
    return {f"{mark}day": day, f"{mark}channel": "paper"} | {
        mark + code: "yes" if given else "no" for code, given in purposes.items()
    }


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.LEADER])
def test_support_and_leader_enter_it_on_the_page_of_the_household(person, later, role):
    make.agree(person, purposes=NO)
    client = make.log_in(make.make_user(role))
    url = f"/t/tilburg/people/{person.household.code}/"
    shown = client.get(url).content.decode()
    assert "Said no, and now agrees" in shown
    assert "The earlier no stays on record" in shown
    assert client.post(f"{url}{person.pk}/consent/", form(person, YES)).status_code == 302
    shown = client.get(url).content.decode()
    assert "Said no, and now agrees" not in shown
    assert shown.count(", ended ") == shown.count(": no (") == 4
    assert shown.count(": yes (") == 4


def test_the_form_asks_only_what_was_refused(person, later):
    make.agree(person, purposes=YES | {"statistics_netherlands": False})
    client = make.log_in(make.make_user(Role.SUPPORT))
    shown = client.get(f"/t/tilburg/people/{person.household.code}/").content.decode()
    assert f'name="p{person.pk}-statistics_netherlands"' in shown
    assert f'name="p{person.pk}-take_part"' not in shown
    url = f"/t/tilburg/people/{person.household.code}/{person.pk}/consent/"
    after = client.post(url, form(person, {"statistics_netherlands": True}), follow=True).content.decode()
    assert "The change was saved." in after
    assert "The first questionnaire follows" not in after


def test_a_fault_in_the_form_is_shown_with_what_was_typed(person, later):
    make.agree(person, purposes=NO)
    client = make.log_in(make.make_user(Role.SUPPORT))
    url = f"/t/tilburg/people/{person.household.code}/{person.pk}/consent/"
    response = client.post(url, form(person, YES, day="2018-03-01"))
    assert response.status_code == 422
    assert "The person said no on" in response.content.decode()
    assert "<details open><summary>Said no, and now agrees" in response.content.decode()


def test_after_the_round_the_page_does_not_offer_it(person):
    make.agree(person, purposes=NO)
    user = make.make_user(Role.SUPPORT)
    with clock.at(CLOSED):
        shown = make.log_in(user).get(f"/t/tilburg/people/{person.household.code}/").content.decode()
    assert "Said no, and now agrees" not in shown


def test_who_only_reads_is_not_offered_the_form(person, later):
    make.agree(person, purposes=NO)
    custodian = make.log_in(make.make_user(Role.CUSTODIAN))
    assert "Said no" not in custodian.get(f"/t/tilburg/people/{person.household.code}/").content.decode()
