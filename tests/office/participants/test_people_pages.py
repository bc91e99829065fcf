"""The pages about people: the list, entering, and one household's way."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection

from participants import selectors, services
from participants.models import Contact, Exit, Household, StepKind
from tests.office import factories as make
from tests.office.participants.test_signing_up import row, solicit
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
PEOPLE = "/t/tilburg/people/"


@pytest.fixture
def support(tilburg):
    return make.log_in(make.make_user(Role.SUPPORT))


def page(response):
    return response.content.decode()


def entry(**over):
    home = {
        "site": "tilburg",
        "round": "first",
        "household_type": "single",
        "benefit_since": "2015-06-01",
        "day": "2018-03-05",
    }
    person = {
        "client_number": "K77",
        "first_name": "Noor",
        "surname": "van der Meer",
        "born_on": "1980-05-17",
        "language": "nl",
    }
    second = {"client_number": "", "first_name": "", "surname": "", "born_on": "", "language": "nl"}
    filled = home | {f"first-{name}": value for name, value in person.items()}
    return filled | {f"second-{name}": value for name, value in second.items()} | over


def partner(**over):
    person = {"client_number": "K78", "first_name": "Bo", "surname": "Smit", "born_on": "1981-02-01"} | over
    return {f"second-{name}": value for name, value in person.items()} | {"household_type": "couple"}


def test_a_household_is_entered_checked_and_consents(support, recorded):
    with recorded() as verbs:
        response = support.post(f"{PEOPLE}add/", entry())
        home = Household.objects.get()
        assert response["Location"] == f"{PEOPLE}{home.code}/"
        person = home.persons.get()
        assert (person.contact.infix, person.contact.surname) == ("van der", "Meer")
        at, mark = f"{PEOPLE}{home.code}/{person.pk}/", f"p{person.pk}-"
        answers = {mark + code: "yes" if right else "no" for code, right in make.right_answers().items()}
        assert support.post(f"{at}checks/", answers | {f"{mark}day": "2018-03-05"}).status_code == 302
        purposes = ("take_part", "questionnaires", "register_data", "statistics_netherlands")
        agreed = {mark + code: "yes" for code in purposes} | {f"{mark}day": "2018-03-05", f"{mark}channel": "paper"}
        assert support.post(f"{at}consent/", agreed).status_code == 302
    assert [step.kind for step in person.steps.order_by("pk")] == ["signed_up", "eligible", "consented"]
    assert verbs == ["household.signed_up", "person.eligible", "person.consent_recorded"]
    assert "consented" in page(support.get(f"{PEOPLE}{home.code}/"))


def test_a_fault_is_named_at_the_top_with_a_link_to_its_field(support):
    found = page(support.post(f"{PEOPLE}add/", entry(**{"first-surname": "", "second-surname": "Smit"})))
    assert 'href="#id_first-surname">Surname, with what comes before it</a>: This field is required.' in found
    assert 'href="#id_second-client_number">' in found


def test_who_is_entered_again_is_named_by_the_number_that_is_known(support):
    support.post(f"{PEOPLE}add/", entry())
    found = page(support.post(f"{PEOPLE}add/", entry(**{"first-client_number": "K99"})))
    assert "is in this trial already: client number K77 (here K99)." in found


def test_a_partner_who_is_known_is_named_as_the_partner(support):
    make.make_household(members=[make.make_member(client_number="K78")])
    found = page(support.post(f"{PEOPLE}add/", entry() | partner()))
    assert (
        'href="#id_second-client_number">Partner: Client number</a>: Already in this trial: client number K78.' in found
    )


def test_every_form_of_a_household_has_ids_of_its_own(support):
    support.post(f"{PEOPLE}add/", entry() | partner())
    home = Household.objects.get()
    ids = re.findall(r'\sid="([^"]+)"', page(support.get(f"{PEOPLE}{home.code}/")))
    assert len(ids) > 40
    assert sorted(ids) == sorted(set(ids))


def test_the_leader_comes_from_a_drawn_household_to_its_coach(support, tilburg):
    home, fresh = make.make_drawn(1)[0], make.make_household()
    leader = make.log_in(make.make_user(Role.LEADER))
    link = f'href="/t/tilburg/coaches/{home.code}/"'
    assert link in page(leader.get(f"{PEOPLE}{home.code}/"))
    assert leader.get(f"/t/tilburg/coaches/{home.code}/").status_code == 200
    assert link not in page(support.get(f"{PEOPLE}{home.code}/"))
    assert "/t/tilburg/coaches/H-" not in page(leader.get(f"{PEOPLE}{fresh.code}/"))


def test_a_couple_is_entered_together(support):
    assert support.post(f"{PEOPLE}add/", entry(**partner())).status_code == 302
    assert Household.objects.get().persons.count() == 2


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"first-surname": ""}, "This field is required"),
        ({"first-phone": "nummer"}, "Write a number like 06-12345678"),
        ({"day": "2018-03-06"}, "yet to come"),
        ({"day": "2017-09-30"}, "opens on"),
        ({"site": "elsewhere"}, "valid choice"),
        (partner() | {"household_type": "single"}, "Two adults are a couple"),
        (partner(born_on=""), "This field is required"),
        (partner(client_number="K77"), "same person stands here twice"),
        ({"household_type": "couple"}, 'href="#id_second-client_number">Partner: Client number</a>: A couple has two'),
        (partner(client_number=""), 'href="#id_second-client_number">Partner: Client number</a>: This field'),
        ({"first-surname": "Meer, Noor"}, "Write the surname only: Noor does not come before a surname"),
        ({"first-born_on": "2000-03-06"}, "Who takes part is 18 to 110 years old"),
        ({"first-born_on": "0019-05-12"}, "Who takes part is 18 to 110 years old"),
        (partner(born_on="2018-01-01"), 'href="#id_second-born_on">Partner: Day of birth</a>: Who takes part is 18'),
        ({"benefit_since": "1979-01-01"}, "A benefit begins after the birth"),
    ],
)
def test_a_fault_is_shown_and_what_was_typed_stays(support, over, message):
    response = support.post(f"{PEOPLE}add/", entry(**over))
    assert response.status_code == 422
    assert message in page(response)
    assert 'value="Noor"' in page(response)
    assert not Household.objects.exists()


def test_fields_that_the_form_does_not_have_change_nothing(support):
    support.post(
        f"{PEOPLE}add/",
        entry(trial="other", code="H-1", pid="0" * 32, arm="control", stratum="x", created_at="2000-01-01"),
    )
    home = Household.objects.get()
    assert (home.trial_id, home.created_at) == ("tilburg", make.NOW)
    assert home.code != "H-1"
    assert home.persons.get().pid != "0" * 32


def test_one_site_can_enter_people_of_that_site_only(db):
    make.make_trial("tilburg", make.TWO_SITES)
    there = make.log_in(make.make_user(Role.SUPPORT, site="goirle"))
    assert there.post(f"{PEOPLE}add/", entry()).status_code == 422
    assert there.post(f"{PEOPLE}add/", entry(site="goirle")).status_code == 302


def test_who_reads_everywhere_and_works_at_one_site_changes_nothing_at_another(db):
    make.make_trial("tilburg", make.TWO_SITES)
    both = make.make_user(Role.CUSTODIAN)
    make.give(both, Role.SUPPORT, site="goirle")
    client = make.log_in(both)
    for site, offered, status in (("tilburg", False, 404), ("goirle", True, 422)):
        home = make.make_household(site=site)
        shown = page(client.get(f"{PEOPLE}{home.code}/"))
        for form in ("checks/", "reach/", "stop/", "exit/"):
            assert (form in shown) == offered, (site, form)
        for action in ("checks", "consent", "stop", "reach"):
            url = f"{PEOPLE}{home.code}/{home.persons.get().pk}/{action}/"
            assert client.post(url).status_code == status, (site, action)
        assert client.post(f"{PEOPLE}{home.code}/exit/").status_code == status
        assert client.post(f"{PEOPLE}{home.code}/invitation/").status_code == (400 if offered else 404)


def say(client, person, **answers):
    mark = f"p{person.pk}-"
    said = dict.fromkeys(("take_part", "questionnaires", "register_data", "statistics_netherlands"), "yes") | answers
    form = {mark + code: answer for code, answer in said.items()} | {
        f"{mark}day": "2018-03-05",
        f"{mark}channel": "paper",
    }
    return page(client.post(f"{PEOPLE}{person.household.code}/{person.pk}/consent/", form, follow=True))


@pytest.mark.parametrize(
    ("known", "colour", "text"),
    [
        ({}, "success", "The first questionnaire follows by mail."),
        ({"email": "", "street": "Heuvel 1", "postcode": "5038 CP", "city": "Tilburg"}, "success", "by letter."),
        ({"email": "", "phone": "0612345678"}, "warning", "without one no questionnaire comes."),
    ],
)
def test_after_consent_the_page_says_how_the_questionnaire_comes(support, known, colour, text):
    person = make.make_eligible(members=[make.make_member(**known)]).persons.get()
    shown = say(support, person)
    assert re.search(rf'alert-{colour}" role="status">Consent recorded\. [^<]*{text}', shown)


def test_after_a_no_the_page_says_what_was_recorded_and_the_list_shows_it(support):
    person = make.make_eligible().persons.get()
    other = make.make_consented()
    shown = say(support, person, questionnaires="no")
    assert re.search(
        r'alert-info" role="status">Recorded: yes to [^<]*; no to [^<,]*\. This person does not take', shown
    )
    assert '<span class="tag tag-warn">gave no consent</span>' in shown
    for asked in ({"stage": "no_consent"}, {"q": person.client_number}):
        shown = page(support.get(PEOPLE, asked))
        assert '<span class="tag tag-warn">gave no consent</span>' in shown
        assert other.code not in shown
    with clock.at(make.NOW + timedelta(days=1)):
        make.agree(person, purposes={"questionnaires": True}, day=make.TODAY + timedelta(days=1))
        assert "Nobody matches" in page(support.get(PEOPLE, {"stage": "no_consent"}))


def test_a_no_to_what_is_not_needed_is_no_refusal(support):
    person = make.make_eligible().persons.get()
    say(support, person, statistics_netherlands="no")
    assert "gave no consent</span>" not in page(support.get(PEOPLE))
    assert "Nobody matches" in page(support.get(PEOPLE, {"stage": "no_consent"}))


def test_households_that_left_the_benefit_can_be_listed(support):
    away, back, other = make.make_household(), make.make_household(), make.make_household()
    for home, returned_on in ((away, None), (back, date(2018, 3, 1))):
        left = {"day": date(2018, 2, 1), "reason": "moved", "returned_on": returned_on}
        services.record_exit(household_id=home.pk, by=make.someone(), **left)
    shown = page(support.get(PEOPLE, {"stage": "off_benefit"}))
    assert [home.code in shown for home in (away, back, other)] == [True, False, False]


@pytest.mark.parametrize("action", ["checks", "consent", "stop", "reach", "exit", "invitation"])
def test_the_address_of_a_form_leads_back_to_its_household(support, action):
    home = make.make_eligible()
    at = f"{PEOPLE}{home.code}/"
    form = f"{at}{action}/" if action in {"exit", "invitation"} else f"{at}{home.persons.get().pk}/{action}/"
    assert support.get(form)["Location"] == at


def test_exit_and_return_are_recorded_on_the_page(support):
    home = make.make_household()
    url = f"{PEOPLE}{home.code}/exit/"
    assert support.post(url, {"day": "2018-03-06", "reason": "moved"}).status_code == 422
    assert support.post(url, {"day": "2018-03-01", "reason": "moved"}).status_code == 302
    assert "left the benefit on" in page(support.get(f"{PEOPLE}{home.code}/"))
    assert support.post(url, {"day": "2018-03-01"}).status_code == 422
    assert support.post(url, {"day": "2018-03-02"}).status_code == 302
    assert Exit.objects.get().returned_on


def test_stopping_asks_no_reason(support):
    person = make.make_consented().persons.get()
    url, mark = f"{PEOPLE}{person.household.code}/{person.pk}/stop/", f"p{person.pk}-"
    response = support.post(url, {f"{mark}day": "2018-03-05"})
    assert "Choose what the person stops with" in page(response)
    assert "reason" not in re.findall(rf'name="{mark}(\w+)"', page(response))
    for _ in range(2):
        assert support.post(url, {f"{mark}day": "2018-03-05", f"{mark}kinds": ["stopped_surveys"]}).status_code == 302
    assert person.last_step.kind == StepKind.STOPPED_SURVEYS
    early = support.post(url, {f"{mark}day": "2018-03-01", f"{mark}kinds": ["withdrew_data"]})
    assert (early.status_code, "consented after that day" in page(early)) == (422, True)


def test_before_the_draw_there_is_no_group_to_stop_with_or_to_stay_in(support):
    fresh, drawn = make.make_consented(), make.make_drawn()[0]
    for home, offered in ((fresh, False), (drawn, True)):
        shown = page(support.get(f"{PEOPLE}{home.code}/"))
        assert ("with the rules of the group" in shown) == offered
        assert ("stays in its group" in shown) == offered
        assert ("lots are drawn for it like for the others" in shown) != offered


def test_an_exit_before_a_later_one_asks_for_its_return_at_the_field(support):
    home = make.make_household()
    url = f"{PEOPLE}{home.code}/exit/"
    later = {"day": "2018-02-01", "reason": "moved", "returned_on": "2018-03-01"}
    assert support.post(url, later).status_code == 302
    earlier = {"day": "2018-01-01", "reason": "study"}
    assert 'href="#id_returned_on">Benefit again since</a>: The household left again on' in page(
        support.post(url, earlier)
    )
    assert support.post(url, earlier | {"returned_on": "2018-01-15"}).status_code == 302
    assert home.exits.count() == 2


def test_who_withdrew_has_no_next_step_on_the_page(support):
    person = make.make_eligible().persons.get()
    url, mark = f"{PEOPLE}{person.household.code}/{person.pk}/stop/", f"p{person.pk}-"
    support.post(url, {f"{mark}day": "2018-03-05", f"{mark}kinds": ["withdrew_data"]})
    shown = page(support.get(f"{PEOPLE}{person.household.code}/"))
    assert "Next: consent" not in shown
    assert "This person stops" not in shown


def test_people_are_found_by_name_number_code_and_step(support):
    home = make.make_household(members=[make.make_member(surname="Zwaan", client_number="K5")])
    other = make.make_consented()
    for asked in ({"q": "zwa"}, {"q": "k5"}, {"q": home.code.lower()}, {"stage": "signed_up"}):
        shown = page(support.get(PEOPLE, asked))
        assert home.code in shown, asked
        assert other.code not in shown, asked
    assert "Nobody matches" in page(support.get(PEOPLE, {"q": "niemand"}))


WAYS_TO_ASK = (
    "van den Berg", "Berg, van den", "Rachid van den Berg", "muller-de vries", "MULLER", "Müller", "O'Neill",
    "oneill", "neill", "d’Ancona", "ancona", "øl", "ol", "1002", "0023", "0234", "12-100234",
)  # fmt: skip


def test_people_are_found_by_what_the_list_prints_and_by_parts_of_it(tilburg):
    names = [("Rachid", "van den", "Berg"), ("Zoë", "", "Müller-de Vries"), ("Tess", "", "O'Neill")]
    for first, infix, surname in [*names, ("Bo", "", "d'Ancona"), ("Anna", "", "Ølsen")]:
        named = make.make_member(first_name=first, infix=infix, surname=surname, client_number=f"K-{first}")
        make.make_household(members=[named])
    make.make_household(members=[make.make_member(first_name="X", surname="Q", client_number="12-100234")])
    found = {asked: selectors.search(Household.objects.all(), asked).count() for asked in WAYS_TO_ASK}
    assert found == dict.fromkeys(WAYS_TO_ASK, 1)


def test_every_word_must_be_of_one_person(tilburg):
    members = [make.make_member(surname="Berg", infix="van den"), make.make_member(first_name="Zoë")]
    make.make_household(members=members)
    for asked in ("van der Berg", "Berg Zoë", "rg", "%_", "Noor Zoë"):
        assert not selectors.search(Household.objects.all(), asked).exists(), asked


def test_a_code_is_found_with_its_hyphens_or_without(support):
    home, _other = make.make_household(), make.make_household()
    bare = home.code.replace("-", "")
    for asked in (home.code, bare.lower(), bare[1:], home.code[:9]):
        assert page(support.get(PEOPLE, {"q": asked})).count('<th scope="row">') == 1, asked


def test_a_search_that_is_too_long_says_so_and_shows_nobody(support):
    home = make.make_household()
    shown = page(support.get(PEOPLE, {"q": "x" * 81}))
    assert 'href="#id_q">Name, client number or code</a>: Ensure this value has at most 80' in shown
    assert home.code not in shown
    assert "Nobody matches" not in shown


def test_a_search_reads_the_index(tilburg):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "contact_by_words" in Contact.objects.filter(words__has_words=["van", "berg"]).explain()


@pytest.mark.parametrize(
    "asked", [{"q": "\0"}, {"q": "x" * 500}, {"stage": "' OR 1=1"}, {"page": "-1"}, {"page": "x"}, {"q": "%_\\"}]
)
def test_odd_questions_break_nothing(support, asked):
    make.make_household()
    assert support.get(PEOPLE, asked).status_code == 200


def test_the_list_takes_the_same_queries_for_one_household_and_for_thirty(support, page_queries):
    make.make_consented(members=2)
    one = page_queries(support, PEOPLE)
    for _ in range(29):
        make.make_household()
    assert page_queries(support, PEOPLE) == one


def test_the_page_of_a_couple_takes_as_many_queries_as_that_of_one_person(support, page_queries):
    alone, couple = make.make_consented(), make.make_consented(members=2)
    assert page_queries(support, f"{PEOPLE}{couple.code}/") == page_queries(support, f"{PEOPLE}{alone.code}/")


def test_an_invited_household_signs_up_on_its_page(support):
    solicit([row()])
    home = Household.objects.get()
    url = f"{PEOPLE}{home.code}/invitation/"
    assert "invited by letter" in page(support.get(f"{PEOPLE}{home.code}/"))
    assert support.post(url, {"answer": "maybe"}).status_code == 400
    for _ in range(2):
        assert support.post(url, {"answer": "accept"}).status_code == 302
    assert "signed up already" in page(support.post(url, {"answer": "decline"}, follow=True))
