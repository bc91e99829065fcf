"""Who answered is known to the reminder job alone; everybody else sees numbers."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from participants.models import Baseline
from participants.services import stop
from surveys.mailing import selectors, services
from surveys.mailing.models import Invitation, Response, WaveCount
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
WEEK = make.NOW + timedelta(days=7)


@pytest.fixture
def people(tilburg, smtp, vault):
    """Twenty-four persons who were mailed the baseline today."""
    found = make.make_persons(24)
    services.queue_due(trial="tilburg")
    services.send_due()
    smtp.taken.clear()
    return found


def test_after_a_week_a_reminder_goes_to_those_who_have_not_answered(people, vault, smtp, as_role):
    vault.submitted = [person.pid for person in people[:15]]
    with clock.at(WEEK), as_role("office_worker"):
        assert services.update_status(trial="tilburg") == {"baseline": 15}
        assert services.queue_due(trial="tilburg") == 9
        services.send_due()
    assert set(smtp.recipients) == {person.contact.email for person in people[15:]}
    assert "Hebt u al geantwoord?" in smtp.taken[0].get_body(("plain",)).get_content()


def test_a_letter_is_no_mail(people, smtp):
    with clock.at(make.NOW + timedelta(days=30)):
        services.queue_due(trial="tilburg")
        services.send_due()
    assert len(smtp.taken) == 2 * len(people)
    rows = set(Invitation.objects.values_list("reminder", "status"))
    assert rows == {(0, "sent"), (1, "sent"), (2, "sent"), (3, "letter")}


def test_after_the_last_day_nobody_is_reminded(people):
    with clock.at(make.NOW + timedelta(days=43)):
        assert services.queue_due(trial="tilburg") == 0


def test_too_few_to_ask_about_means_tomorrow_again(tilburg, smtp, vault):
    make.make_consented()
    services.queue_due(trial="tilburg")
    services.send_due()
    assert services.update_status(trial="tilburg") == {}
    assert not WaveCount.objects.exists()


def test_the_baseline_of_those_who_answered_is_known_and_nothing_else(people, vault):
    vault.submitted = [people[0].pid]
    services.update_status(trial="tilburg")
    assert list(Baseline.objects.values_list("person", flat=True)) == [people[0].pk]
    services.update_status(trial="tilburg")
    assert Response.objects.count() == Baseline.objects.count() == 1


def test_no_page_of_the_office_can_read_who_answered(people, vault, as_role):
    vault.submitted = [person.pid for person in people]
    services.update_status(trial="tilburg")
    for table in ("mailing_response", "participants_baseline"):
        with (
            as_role("office_web"),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT count(*) FROM {table}")


def test_few_answers_are_not_shown(people, vault):
    vault.submitted = [person.pid for person in people[:9]]
    services.update_status(trial="tilburg")
    state = selectors.wave_states("tilburg")[0]
    assert (state.mailed, state.invited, state.answered) == (24, None, None)
    vault.submitted = [person.pid for person in people[:10]]
    services.update_status(trial="tilburg")
    state = selectors.wave_states("tilburg")[0]
    assert (state.invited, state.answered) == (24, 10)


def test_everybody_invited_stands_in_one_column_and_the_columns_add_up(people, vault, smtp):
    home = {"email": "", "street": "Korvelseweg 12", "postcode": "5025 JA", "city": "Tilburg"}
    neighbours = [make.make_consented(members=[make.make_member(**home)]).persons.get() for _ in range(3)]
    make.make_consented()
    services.queue_due(trial="tilburg")
    Invitation.objects.filter(person=neighbours[0]).update(status="claimed")
    services._send(list(Invitation.objects.filter(status="claimed")), None)
    Invitation.objects.filter(person=neighbours[1]).update(status="letter")
    stop(person_id=neighbours[1].pk, kinds=["stopped_surveys"], day=make.TODAY, by=make.someone())
    state = selectors.wave_states("tilburg")[0]
    assert (state.to_mail, state.to_print, state.mailed, state.printed, state.not_sent) == (2, 1, 24, 0, 1)
    assert state.together == 28
    with clock.at(make.NOW + timedelta(days=41)):
        state = selectors.wave_states("tilburg")[0]
        assert (state.to_print, state.not_sent) == (0, 2)


def test_reminders_are_counted_apart_and_only_when_the_answers_are_enough_to_show(people, vault):
    vault.submitted = [person.pid for person in people[:9]]
    with clock.at(WEEK):
        services.update_status(trial="tilburg")
        services.queue_due(trial="tilburg")
        services.send_due()
        state = selectors.wave_states("tilburg")[0]
        assert (state.mailed, state.together, state.reminders) == (24, 24, None)
        vault.submitted = [person.pid for person in people[:10]]
        services.update_status(trial="tilburg")
        state = selectors.wave_states("tilburg")[0]
        assert (state.mailed, state.together, state.reminders) == (24, 24, 15)


@pytest.fixture
def custodian(tilburg):
    return make.log_in(make.make_user(Role.CUSTODIAN))


def test_the_custodian_sees_numbers_and_whom_no_mail_reached(people, custodian):
    row = Invitation.objects.first()
    Invitation.objects.filter(pk=row.pk).update(status="letter", fault="mail server answers 550")
    shown = custodian.get("/t/tilburg/waves/").content.decode()
    assert str(row.person.contact) in shown
    assert "<td>Baseline</td><td>the mail server refused the address or the mail (550)</td>" in shown


def test_a_custodian_of_one_site_sees_no_names_of_another_and_cannot_hold_all_mail(db, smtp, vault):
    make.make_trial("tilburg", make.TWO_SITES)
    person = make.make_consented(site="tilburg").persons.get()
    services.queue_due(trial="tilburg")
    Invitation.objects.update(status="letter", fault="mail server answers 550")
    there = make.log_in(make.make_user(Role.CUSTODIAN, site="goirle"))
    assert str(person.contact) not in there.get("/t/tilburg/waves/").content.decode()
    assert there.post("/t/tilburg/waves/hold/", {"mail": "hold"}).status_code == 403
    assert not selectors.is_held("tilburg")


def test_pressing_hold_twice_holds(custodian, recorded):
    with recorded() as verbs:
        for _ in range(2):
            assert custodian.post("/t/tilburg/waves/hold/", {"mail": "hold"}).status_code == 302
    assert selectors.is_held("tilburg")
    assert "held back" in custodian.get("/t/tilburg/waves/").content.decode()
    custodian.post("/t/tilburg/waves/hold/", {"mail": "release"})
    assert not selectors.is_held("tilburg")
    assert custodian.post("/t/tilburg/waves/hold/", {}).status_code == 400
    assert verbs == ["mail.held"]


def test_the_list_of_failures_takes_the_same_queries_for_one_and_for_twenty_four(people, custodian, page_queries):
    first = Invitation.objects.first()
    Invitation.objects.filter(pk=first.pk).update(status="letter", fault="mail server answers 550")
    one = page_queries(custodian, "/t/tilburg/waves/")
    Invitation.objects.update(status="letter", fault="mail server answers 550")
    assert page_queries(custodian, "/t/tilburg/waves/") == one
