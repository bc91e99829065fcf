"""The coach's day and case, and the leader's page of coaches."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from coaching.models import Assignment, Contact
from participants.services import stop
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def guided(tilburg):
    return make.make_guided()


@pytest.fixture
def coach(guided):
    return make.log_in(guided[0])


@pytest.fixture
def home(guided):
    return guided[1]


def page(response):
    return response.content.decode()


def form(home, **over):
    filled = {
        "key": str(uuid4()),
        "person": str(home.persons.first().pk),
        "day": "2018-03-05",
        "channel": "phone",
        "attended": "yes",
        "minutes": "15",
        "topics": ["work", "money"],
        "note": "Zoekt werk in de zorg",
        "next_on": "",
    }
    return filled | over


def test_a_contact_is_logged_from_the_case_page(coach, home, recorded):
    assert "Rules of this group" in page(coach.get(f"/t/tilburg/caseload/{home.code}/"))
    with recorded() as verbs:
        response = coach.post(f"/t/tilburg/caseload/{home.code}/", form(home), follow=True)
    assert "Contact saved" in page(response)
    contact = Contact.objects.get()
    assert (contact.topics, contact.note, contact.minutes) == (["work", "money"], "Zoekt werk in de zorg", 15)
    assert verbs == ["contact.logged"]


def test_pressing_save_twice_is_one_contact(coach, home):
    filled = form(home)
    answers = [coach.post(f"/t/tilburg/caseload/{home.code}/", filled).status_code for _ in range(3)]
    assert answers == [302, 302, 302]
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"day": "2018-03-06"}, "yet to come"),
        ({"day": "yesterday"}, "Enter a valid date"),
        ({"next_on": "2018-03-01"}, "comes after this one"),
        ({"minutes": "17"}, "valid choice"),
        ({"key": "x"}, "valid UUID"),
        ({"note": "n" * 2001}, "at most "),
    ],
)
def test_a_fault_keeps_what_was_typed(coach, home, over, message):
    response = coach.post(f"/t/tilburg/caseload/{home.code}/", form(home) | {"note": "Mijn tekst"} | over)
    assert response.status_code == 422
    assert message in page(response)
    assert over.get("note", "Mijn tekst") in page(response)
    assert not Contact.objects.exists()


def test_a_contact_with_somebody_of_another_household_is_refused(coach, home):
    stranger = make.make_household().persons.get()
    response = coach.post(f"/t/tilburg/caseload/{home.code}/", form(home, person=str(stranger.pk)))
    assert response.status_code == 422
    assert not Contact.objects.exists()


def test_fields_that_the_form_does_not_have_change_nothing(coach, home, guided):
    forged = {"arm": "control", "coach": "1", "version": "9", "recorded_at": "2000-01-01", "voided_at": "2000-01-01"}
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home) | forged)
    contact = Contact.objects.get()
    assert (contact.coach, contact.version, contact.voided_at) == (guided[0], 1, None)
    assert contact.recorded_at == make.NOW


def test_when_a_colleague_saved_meanwhile_both_texts_are_shown(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home))
    url = f"/t/tilburg/contacts/{Contact.objects.get().pk}/"
    assert coach.post(url, form(home, version="1", note="Tekst van A")).status_code == 302
    response = coach.post(url, form(home, version="1", note="Tekst van B", topics=["health"]))
    assert response.status_code == 409
    shown = page(response)
    assert "What stands there now" in shown
    assert "Tekst van A" in shown
    assert re.search(r"<textarea[^>]*>\s*Tekst van B</textarea>", shown)
    assert re.search(r'value="health"[^>]* checked', shown)
    assert Contact.objects.get().note == "Tekst van A"
    again = re.search(r'name="version" value="(\d+)"', shown).group(1)
    assert coach.post(url, form(home, version=again, note="A en B")).status_code == 302
    assert (Contact.objects.get().note, Contact.objects.get().version) == ("A en B", 3)


def test_a_contact_of_odd_length_can_be_corrected_and_keeps_its_minutes(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home))
    Contact.objects.update(minutes=45)
    url = f"/t/tilburg/contacts/{Contact.objects.get().pk}/"
    assert 'value="45"' in page(coach.get(url))
    assert coach.post(url, form(home, version="1", minutes="45", note="anders")).status_code == 302
    assert Contact.objects.get().minutes == 45


def test_striking_out_a_contact_needs_a_reason_later(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home))
    url = f"/t/tilburg/contacts/{Contact.objects.get().pk}/void/"
    with clock.at(make.NOW + timedelta(hours=1)):
        shown = page(coach.post(url, {"version": "1", "reason": ""}))
        assert "This field is required" in shown
        assert '<details class="panel prose" open>' in shown
        for bad in (
            {"version": "x", "reason": "r"},
            {"version": "1", "reason": "r\0"},
            {"version": "9" * 30, "reason": "r"},
        ):
            coach.post(url, bad)
        assert Contact.objects.get().voided_at is None
        coach.post(url, {"version": "1", "reason": "verkeerde persoon"})
    assert Contact.objects.get().voided_at
    shown = page(coach.get(url.removesuffix("void/"), follow=True))
    assert "This contact was struck out" in shown
    assert "struck out: verkeerde persoon" in shown


def test_the_day_shows_who_waits_and_search_finds_by_name_number_and_code(coach, home):
    person = home.persons.get()
    assert str(person.contact) in page(coach.get("/t/tilburg/today/"))
    for text in (person.contact.first_name.upper(), person.client_number, home.code):  # the only one: opened at once
        found = coach.get("/t/tilburg/today/", {"q": text}, follow=True)
        assert found.redirect_chain == [(f"/t/tilburg/caseload/{home.code}/", 302)]
        assert str(person.contact) in page(found)
    assert "Nobody in your caseload matches" in page(coach.get("/t/tilburg/today/", {"q": "Zwanenburg"}))


def test_a_coach_sees_only_the_own_caseload(coach, home):
    other_coach, other = make.make_guided()
    name = str(other.persons.get().contact)
    assert name not in page(coach.get("/t/tilburg/today/"))
    assert "Nobody in your caseload" in page(coach.get("/t/tilburg/today/", {"q": name}))
    assert coach.get(f"/t/tilburg/caseload/{other.code}/").status_code == 404
    assert coach.post(f"/t/tilburg/caseload/{other.code}/", form(other)).status_code == 404
    make.log_in(other_coach).post(f"/t/tilburg/caseload/{other.code}/", form(other))
    contact = Contact.objects.get().pk
    assert coach.get(f"/t/tilburg/contacts/{contact}/").status_code == 404
    assert coach.post(f"/t/tilburg/contacts/{contact}/void/", {"version": "1"}).status_code == 404


def test_a_household_that_withdrew_takes_no_more_contacts(coach, home):
    stop(person_id=home.persons.get().pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    shown = page(coach.get(f"/t/tilburg/caseload/{home.code}/"))
    assert "Nothing more is recorded" in shown
    assert coach.post(f"/t/tilburg/caseload/{home.code}/", form(home)).status_code == 422
    assert not Contact.objects.exists()


def test_only_the_partner_who_was_drawn_can_be_met(tilburg):
    coach, home = make.make_guided(members=2)
    first, second = home.persons.all()
    stop(person_id=second.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    shown = make.log_in(coach).post(f"/t/tilburg/caseload/{home.code}/", form(home, person=str(second.pk)))
    assert shown.status_code == 422
    assert f'name="person" value="{first.pk}"' in page(make.log_in(coach).get(f"/t/tilburg/caseload/{home.code}/"))


def test_the_list_of_contacts_tells_what_was_noted_and_what_was_changed(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home, by_participant="on", next_on="2018-04-05"))
    url = f"/t/tilburg/contacts/{Contact.objects.get().pk}/"
    coach.post(url, form(home, version="1", note="Zoekt werk in de bouw"))
    shown = page(coach.get(f"/t/tilburg/caseload/{home.code}/"))
    for text in (
        "work, money and debts",
        "the participant asked for it",
        "Zoekt werk in de bouw",
        "Zoekt werk in de zorg",
    ):
        assert text in shown
    assert "Before that:" in shown


def test_what_was_typed_is_kept_when_the_contact_was_struck_out_meanwhile(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home))
    url = f"/t/tilburg/contacts/{Contact.objects.get().pk}/"
    coach.post(f"{url}void/", {"version": "1"})
    response = coach.post(url, form(home, version="1", note="Mijn lange verhaal"))
    assert response.status_code == 409
    assert "log it anew" in page(response)
    assert "Mijn lange verhaal" in page(response)


def test_the_partner_who_was_not_drawn_is_not_named(tilburg):
    coach, drawn, excluded = make.make_half_guided()
    for address in ("/t/tilburg/today/", f"/t/tilburg/caseload/{drawn.household.code}/"):
        shown = page(make.log_in(coach).get(address))
        assert str(drawn.contact) in shown
        assert str(excluded.contact) not in shown


def test_a_note_with_a_script_is_inert(coach, home):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home, note="<img src=x onerror=alert(1)> {{7*7}}"))
    shown = page(coach.get(f"/t/tilburg/caseload/{home.code}/"))
    assert "<img src=x" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt; {{7*7}}" in shown


def test_the_day_takes_the_same_queries_for_one_household_and_for_thirty(tilburg, page_queries):
    coach, _home = make.make_guided()
    client = make.log_in(coach)
    one = page_queries(client, "/t/tilburg/today/")
    for home in make.make_drawn(29):
        Assignment.objects.create(household=home, coach=coach, from_day=make.TODAY, assigned_by=coach)
    assert page_queries(client, "/t/tilburg/today/") == one


def test_a_case_takes_the_same_queries_for_one_contact_and_for_thirty(coach, home, page_queries):
    coach.post(f"/t/tilburg/caseload/{home.code}/", form(home))
    one = page_queries(coach, f"/t/tilburg/caseload/{home.code}/")
    for number in range(29):
        coach.post(f"/t/tilburg/caseload/{home.code}/", form(home, note=f"gesprek {number}"))
    assert page_queries(coach, f"/t/tilburg/caseload/{home.code}/") == one


@pytest.fixture
def leader(tilburg):
    return make.log_in(make.make_user(Role.LEADER))


def test_the_leader_divides_the_waiting_households(leader):
    make.make_user(Role.COACH)
    make.make_drawn(8)
    assert "wait for a coach" in page(leader.get("/t/tilburg/coaches/"))
    assert "got a coach" in page(leader.post("/t/tilburg/coaches/divide/", follow=True))
    assert Assignment.objects.exists()


def test_the_leader_gives_a_household_to_another_coach(leader, home):
    newer = make.make_user(Role.COACH)
    url = f"/t/tilburg/coaches/{home.code}/"
    assert "Coach now" in page(leader.get(url))
    assert leader.post(url, {"coach": str(newer.pk), "day": "2018-03-06"}).status_code == 422
    assert leader.post(url, {"coach": str(newer.pk), "day": "2018-03-05"}).status_code == 302
    assert Assignment.objects.get(until_day=None).coach == newer


def test_a_household_before_its_draw_gets_no_coach(leader):
    home = make.make_ready()
    coach = make.make_user(Role.COACH)
    url = f"/t/tilburg/coaches/{home.code}/"
    assert "was not drawn yet" in page(leader.get(url))
    assert leader.post(url, {"coach": str(coach.pk), "day": "2018-03-05"}).status_code == 422
    assert not Assignment.objects.exists()


def test_a_leader_of_one_site_sees_and_moves_nobody_of_another(db):
    make.make_trial("tilburg", make.TWO_SITES)
    there = make.make_user(Role.COACH, site="goirle")
    _coach, home = make.make_guided(site="tilburg")
    leader = make.log_in(make.make_user(Role.LEADER, site="goirle"))
    shown = page(leader.get("/t/tilburg/coaches/"))
    assert there.name in shown
    assert leader.get(f"/t/tilburg/coaches/{home.code}/").status_code == 404
    assert (
        leader.post(f"/t/tilburg/coaches/{home.code}/", {"coach": str(there.pk), "day": "2018-03-05"}).status_code
        == 404
    )


def test_the_page_of_coaches_takes_the_same_queries_for_one_and_for_thirty(leader, page_queries):
    make.make_user(Role.COACH)
    one = page_queries(leader, "/t/tilburg/coaches/")
    for _ in range(29):
        make.make_user(Role.COACH)
    assert page_queries(leader, "/t/tilburg/coaches/") == one


def test_a_trial_without_coaches_of_its_own_has_a_page_of_coaches(db):
    make.make_trial("tilburg", ("worker: trial_coach", "worker: regular"))
    assert "no coaches yet" in page(make.log_in(make.make_user(Role.LEADER)).get("/t/tilburg/coaches/"))
