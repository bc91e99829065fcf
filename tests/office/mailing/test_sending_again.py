"""Who lost the link gets another, and nobody learns from it whether they had answered."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from participants.models import Contact
from participants.services import stop
from surveys.mailing import asking, selectors, services
from surveys.mailing.models import Invitation
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
HOME = {"email": "", "street": "Korvelseweg 12", "postcode": "5025 JA", "city": "Tilburg"}
LATER = make.NOW + timedelta(days=3)


@pytest.fixture
def people(tilburg, smtp, vault):
    """Twenty persons who were mailed the baseline."""
    found = make.make_persons(20)
    services.queue_due(trial="tilburg")
    services.send_due()
    smtp.taken.clear()
    return found


@pytest.fixture
def support(tilburg):
    return make.log_in(make.make_user(Role.SUPPORT))


def press(client, person):
    url = f"/t/tilburg/people/{person.household.code}/{person.pk}/link/"
    return client.post(url, follow=True).content.decode()


def test_support_staff_sends_the_link_again_and_it_goes_with_the_next_mail(people, support, smtp, recorded):
    shown = support.get(f"/t/tilburg/people/{people[0].household.code}/").content.decode()
    assert "Send the link again" in shown
    with recorded() as verbs, clock.at(LATER):
        assert "goes with the next mail or letters" in press(support, people[0])
        services.send_due()
    (mail,) = smtp.taken
    assert mail["To"] == people[0].contact.email
    assert mail["Subject"] == "Nog even over onze vragen (1 van 3)"
    assert "Hebt u al geantwoord? Dan hoeft u niets te doen." in mail.get_body(("plain",)).get_content()
    assert verbs == ["person.link_sent_again"]


def test_who_has_answered_gets_the_same_words_on_the_page_and_in_the_mail(people, support, smtp, vault):
    vault.submitted = [people[0].pid]
    with clock.at(LATER):
        services.update_status(trial="tilburg")
        answered, other = (press(support, person) for person in people[:2])
        services.send_due()
    assert "goes with the next mail or letters" in answered
    assert "goes with the next mail or letters" in other
    words = [mail.get_body(("plain",)).get_content().partition("http")[0] for mail in smtp.taken]
    assert words[0] == words[1]


def test_pressing_again_on_the_same_day_sends_one(people, support, smtp):
    press(support, people[0])
    assert "asked before" in press(support, people[0])
    services.send_due()
    assert "asked before" in press(support, people[0])
    services.send_due()
    assert len(smtp.taken) == 1
    with clock.at(LATER):
        press(support, people[0])
        services.send_due()
    assert len(smtp.taken) == 2


def test_a_new_address_gets_the_link(people, support, smtp):
    Contact.objects.filter(person=people[0]).update(email="nieuw@post.example")
    press(support, people[0])
    services.send_due()
    assert smtp.recipients == ["nieuw@post.example"]


def test_who_would_rather_have_a_letter_gets_it_with_the_next_printing_also_after_answering(people, support, vault):
    Contact.objects.filter(person=people[0]).update(**HOME)
    custodian = make.make_user(Role.CUSTODIAN)
    vault.submitted = [people[0].pid]
    press(support, people[0])
    services.send_due()
    with clock.at(LATER):
        services.update_status(trial="tilburg")
        services.queue_due(trial="tilburg")
        (state,) = selectors.letter_states(custodian, trial="tilburg")
    assert (state.code, state.ready) == ("baseline", 1)


def test_a_reminder_on_paper_still_comes_after_a_link_that_was_asked_for(people, support):
    Contact.objects.filter(person=people[0]).update(**HOME)
    custodian = make.make_user(Role.CUSTODIAN)
    with clock.at(LATER):
        press(support, people[0])
        services.send_due()
        assert make.log_in(custodian).post("/t/tilburg/waves/letters/baseline/print/").status_code == 200
    with clock.at(make.NOW + timedelta(days=23)):
        services.queue_due(trial="tilburg")
        waiting = selectors.letters_to_print(custodian, trial="tilburg", wave="baseline")
        assert list(waiting.values_list("person", "reminder")) == [(people[0].pk, 3)]


def test_it_changes_neither_the_reminders_nor_the_counts(people, support, vault):
    before = selectors.wave_states("tilburg")[0]
    with clock.at(make.NOW + timedelta(days=6)):
        press(support, people[0])
        services.send_due()
        assert selectors.wave_states("tilburg")[0] == before
    with clock.at(make.NOW + timedelta(days=7)):
        assert services.queue_due(trial="tilburg") == 20
        services.update_status(trial="tilburg")
    assert [len(body["pids"]) for verb, body in vault.asked if verb == "status"][:1] == [20]


def test_a_letter_that_would_come_too_late_is_not_promised(people, support):
    Contact.objects.filter(person=people[0]).update(**HOME)
    with clock.at(make.NOW + timedelta(days=41)):
        assert "the last day has passed" in press(support, people[0])
        assert "goes with the next mail" in press(support, people[1])


@pytest.mark.parametrize("days", [0, 43])
def test_when_nothing_is_open_the_page_says_so_and_nothing_is_queued(people, support, days):
    someone_new = make.make_consented().persons.get()
    person = people[0] if days else someone_new
    with clock.at(make.NOW + timedelta(days=days)):
        assert "No link went to this person yet" in press(support, person)
    assert not Invitation.objects.filter(asked=True).exists()


def test_who_stopped_is_sent_nothing_and_the_page_does_not_offer_it(people, support):
    stop(person_id=people[0].pk, kinds=["stopped_surveys"], day=make.TODAY, by=make.someone())
    page = press(support, people[0])
    assert "does not take part" in page
    assert "Send the link again" not in page
    assert not Invitation.objects.filter(asked=True).exists()


def test_a_person_of_another_site_cannot_be_sent_anything(db, smtp, vault):
    make.make_trial("tilburg", make.TWO_SITES)
    home = make.make_consented(site="tilburg")
    there = make.log_in(make.make_user(Role.SUPPORT, site="goirle"))
    url = f"/t/tilburg/people/{home.code}/{home.persons.get().pk}/link/"
    assert there.post(url).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_the_same_moment_send_one(smtp, vault):
    make.make_trial()
    (person,) = make.make_persons(1)
    services.queue_due(trial="tilburg")
    services.send_due()
    by = make.someone()
    results = together(*[lambda: asking.send_again(trial="tilburg", person_id=person.pk, by=by)] * 4)
    assert faults(results) == []
    assert sorted(results) == [False, False, False, True]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE mailing_invitation SET asked = true, reminder = 1", "invitation_asked_is_no_reminder"),
        ("UPDATE mailing_invitation SET asked = true, person_id = %s", "invitation_asked_once_a_day"),
    ],
)
def test_the_database_keeps_what_was_asked_for_apart(people, statement, message):
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [people[0].pk] if "%s" in statement else None)
