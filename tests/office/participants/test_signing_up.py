"""Entering households: who may join, when, and nobody twice."""

from datetime import date

import pytest
from django.db import connection

from participants import entering, importing, selectors, services
from participants.marks import record_baselines
from participants.models import Contact, Household, Person, Step, StepKind
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User

pytestmark = pytest.mark.django_db


def kinds(home):
    return [step.kind for step in Step.objects.filter(person__household=home).order_by("pk")]


def row(**over):
    facts = {
        "line": 2, "client_number": "K1", "household": "D1", "household_type": "", "first_name": "Ans", "infix": "",
        "surname": "Smit", "born_on": date(1970, 1, 2), "email": "", "phone": "", "street": "", "postcode": "",
        "city": "", "site": "tilburg", "benefit_since": None, "language": "nl",
    }  # fmt: skip
    return importing.Row(**(facts | over))


def solicit(rows, **over):
    facts = {"trial": "tilburg", "round_code": "first", "rows": rows, "day": make.TODAY, "by": make.someone()}
    return services.solicit(**(facts | over))


def test_a_couple_signs_up_together(tilburg, recorded, as_role):
    with recorded() as verbs, as_role("office_web"):
        home = make.make_household(members=2)
    assert home.persons.count() == 2
    assert kinds(home) == [StepKind.SIGNED_UP] * 2
    assert verbs == ["household.signed_up"]


def test_the_code_of_a_household_tells_nothing_and_is_never_the_same(tilburg):
    codes = {make.make_household().code for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) == 14 and code.startswith("H-") for code in codes)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"members": []}, "one or two adult members"),
        ({"site": "elsewhere"}, "Choose from the list"),
        ({"household_type": "commune"}, "Choose from the list"),
        ({"round_code": "second"}, "second is not in the protocol"),
        ({"day": date(2017, 10, 1)}, "opens on"),
        ({"day": date(2019, 1, 1)}, "closed on"),
    ],
)
def test_what_the_protocol_does_not_know_cannot_be_entered(tilburg, over, message):
    with pytest.raises(DomainError, match=message):
        make.make_household(**over)
    assert Household.objects.count() == 0


@pytest.mark.parametrize("day", [date(2017, 10, 2), date(2018, 12, 31)])
def test_the_first_and_the_last_day_of_a_round_belong_to_it(tilburg, day):
    assert kinds(make.make_household(day=day)) == [StepKind.SIGNED_UP]


def test_two_adults_are_not_a_person_alone(tilburg):
    with pytest.raises(DomainError, match="Two adults are a couple"):
        make.make_household(members=[make.make_member(), make.make_member()], household_type="lone_parent")


def test_a_benefit_may_be_older_than_the_younger_partner(tilburg):
    older = make.make_member(born_on=date(1960, 1, 1))
    younger = make.make_member(born_on=date(1995, 1, 1))
    home = make.make_household(members=[older, younger], benefit_since=date(1990, 5, 1))
    assert home.benefit_since == date(1990, 5, 1)
    with pytest.raises(DomainError, match="begins after the birth"):
        make.make_household(members=[make.make_member(born_on=date(1995, 1, 1))], benefit_since=date(1990, 5, 1))


def test_a_person_is_known_wherever_the_infix_was_taken_to_end(tilburg):
    make.make_household(members=[make.make_member(first_name="Ana", infix="de", surname="la Cruz")])
    again = make.make_member(first_name="Ana", infix="de la", surname="Cruz")
    with pytest.raises(DomainError, match="in this trial already"):
        make.make_household(members=[again])


def test_a_client_number_is_entered_once(tilburg):
    make.make_household(members=[make.make_member(client_number="K9")])
    with pytest.raises(entering.AlreadyKnown, match="client number K9"):
        make.make_household(members=[make.make_member(client_number="K9")])


def test_the_same_person_under_another_address_and_number_is_known(tilburg):
    make.make_household(members=[make.make_member(first_name="José", surname="Ünal")])
    again = make.make_member(first_name="jose", surname="UNAL", email="other@post.example")
    with pytest.raises(entering.AlreadyKnown, match="name and day of birth"):
        make.make_household(members=[again])
    assert Person.objects.count() == 1


def test_a_person_stays_known_when_the_secret_key_is_replaced(tilburg, settings):
    twice = make.make_member()
    make.make_household(members=[twice])
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new key for the office"
    with pytest.raises(entering.AlreadyKnown, match="name and day of birth"):
        make.make_household(members=[make.make_member(first_name=twice.first_name)])


def test_partners_cannot_be_the_same_person(tilburg):
    one = make.make_member()
    with pytest.raises(entering.AlreadyKnown, match="stands here twice"):
        make.make_household(members=[one, make.make_member(first_name=one.first_name)], household_type="couple")


def test_another_trial_may_know_the_same_person(tilburg):
    make.make_trial("wageningen")
    one = make.make_member()
    make.make_household(members=[one])
    home = make.make_household("wageningen", members=[one], day=date(2018, 3, 5))
    assert home.trial_id == "wageningen"


def test_recipients_are_invited_and_sign_up_later(tilburg, recorded):
    assert (
        solicit(
            [row(), row(client_number="K2", first_name="Bo"), row(client_number="K3", household="D2", first_name="C")]
        )
        == 2
    )
    home = Household.objects.get(persons__client_number="K1")
    assert home.household_type == "couple"
    with recorded() as verbs:
        services.accept_invitation(household_id=home.pk, day=make.TODAY, by=make.someone())
        services.accept_invitation(household_id=home.pk, day=make.TODAY, by=make.someone())
    assert kinds(home) == [StepKind.SOLICITED] * 2 + [StepKind.SIGNED_UP] * 2
    assert verbs == ["household.signed_up"]


def test_recipients_come_in_all_or_not_at_all(tilburg):
    make.make_household(members=[make.make_member(client_number="K2")])
    with pytest.raises(entering.AlreadyKnown):
        solicit([row(), row(client_number="K2", household="D2", first_name="Bo")])
    assert Person.objects.count() == 1


def test_nobody_is_invited_after_the_round_closed(tilburg):
    with pytest.raises(services.RoundNotOpen):
        solicit([row()], day=date(2019, 1, 1))


def test_an_invitation_cannot_be_accepted_after_the_round_closed(tilburg):
    solicit([row()])
    home = Household.objects.get()
    with pytest.raises(services.RoundNotOpen, match="closed"):
        services.accept_invitation(household_id=home.pk, day=date(2019, 1, 1), by=make.someone())
    assert kinds(home) == [StepKind.SOLICITED]


def test_a_household_declines_once_and_may_change_its_mind(tilburg):
    solicit([row()])
    home = Household.objects.get()
    for _ in range(2):
        services.decline_invitation(household_id=home.pk, day=make.TODAY, by=make.someone())
    services.accept_invitation(household_id=home.pk, day=make.TODAY, by=make.someone())
    assert kinds(home) == [StepKind.SOLICITED, StepKind.DECLINED, StepKind.SIGNED_UP]
    with pytest.raises(services.NotAllowedYet, match="signed up already"):
        services.decline_invitation(household_id=home.pk, day=make.TODAY, by=make.someone())


def test_who_was_not_invited_can_neither_accept_nor_decline(tilburg):
    home = make.make_household()
    for act in (services.accept_invitation, services.decline_invitation):
        with pytest.raises(services.NotAllowedYet, match="invited"):
            act(household_id=home.pk, day=make.TODAY, by=make.someone())


@pytest.mark.django_db(transaction=True)
def test_the_same_household_entered_at_one_moment_is_one_household():
    make.make_trial()
    member, by = make.make_member(), User.objects.get()

    def enter():
        make.make_household(members=[member], by=by)

    results = together(*[enter] * 8)
    assert len(faults(results)) == 7
    assert all(isinstance(fault, entering.AlreadyKnown) for fault in faults(results)), results
    assert (Household.objects.count(), Person.objects.count(), Contact.objects.count()) == (1, 1, 1)
    assert [event.verb for event in audit.events()].count("household.signed_up") == 1


def test_without_its_audit_event_nothing_is_entered(tilburg, monkeypatch):
    monkeypatch.setattr(audit, "record", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make.make_household()
    assert Household.objects.count() == 0


def test_a_list_of_a_thousand_takes_a_few_statements(tilburg, queries):
    many = [row(client_number=f"K{n}", household=f"D{n}", first_name=f"N{n}") for n in range(1000)]
    few = queries(lambda: solicit(many[:10]))
    assert queries(lambda: solicit(many[10:])) == few
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM participants_person")
        assert cursor.fetchone() == (1000,)


def test_seventy_thousand_values_are_asked_for_in_one_statement(tilburg, queries):
    home = make.make_household(members=[make.make_member(client_number="K9")])
    person = home.persons.get()
    others = [f"{n:032}" for n in range(70_000)]
    assert selectors.person_ids(tilburg, [*others, person.pid]) == [person.pk]
    assert selectors.household_ids(tilburg, [*others, home.code]) == {home.code: home.pk}
    assert Person.objects.filter(household__pk__any_of=[*range(10**9, 10**9 + 70_000), home.pk]).count() == 1
    assert record_baselines(pids=[*others, person.pid]) == 1
    assert queries(lambda: selectors.person_ids(tilburg, others)) == 1
