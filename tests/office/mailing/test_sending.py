"""The outbox: every mail once, none to who stopped, whatever falls over on the way."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from participants.models import Contact
from participants.services import record_exit, stop
from surveys.mailing import services, tasks
from surveys.mailing.models import Invitation, Status
from surveys.mailing.vault_client import VaultDown
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import clock
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
COLUMNS = "person_id, trial, wave, reminder, last_day, status, queued_on, attempts, fault"
AGAIN = f"INSERT INTO mailing_invitation ({COLUMNS}) SELECT {COLUMNS} FROM mailing_invitation"
TOO_MANY = "INSERT INTO mailing_wavecount (trial, wave, day, invited, answered) VALUES ('tilburg', 'mid', now(), 1, 2)"


@pytest.fixture
def people(tilburg, smtp, vault):
    """Three persons who consented today, so that their baseline is due."""
    return make.make_persons(3)


def states():
    return list(Invitation.objects.order_by("pk").values_list("status", flat=True))


def lease_runs_out():
    Invitation.objects.filter(status=Status.CLAIMED).update(claimed_at=clock.machine_now() - timedelta(hours=24))


def test_who_consented_gets_the_baseline_by_mail(people, smtp, vault, recorded, as_role):
    with recorded() as verbs, as_role("office_worker"):
        assert services.queue_due(trial="tilburg") == 3
        assert services.send_due() == 3
    assert sorted(smtp.recipients) == sorted(person.contact.email for person in people)
    assert set(Invitation.objects.values_list("status", "sent_on", "attempts")) == {("sent", make.TODAY, 1)}
    assert verbs == ["wave.queued"]


def test_the_mail_holds_a_link_of_the_survey_and_no_name_and_says_it_is_automatic(people, smtp, settings):
    settings.SURVEY_URL = "https://vragen.example"
    services.queue_due(trial="tilburg")
    services.send_due()
    for message in smtp.taken:
        plain = message.get_body(("plain",)).get_content()
        assert "https://vragen.example/s/" in plain
        assert message["Auto-Submitted"] == "auto-generated"
        for person in people:
            assert person.contact.first_name not in message["Subject"] + plain
        page = message.get_body(("html",)).get_content()
        assert "<img" not in page
        assert page.count("https://") == page.count("https://vragen.example/s/")
        (link,) = re.findall(r"https://\S+", plain)
        assert re.findall(r'href="([^"]*)"', page) == [link, link]
        assert f">{link}</a>" in page


def mail_of(smtp):
    services.queue_due(trial="tilburg")
    services.send_due()
    return smtp.taken[0]


def test_the_mail_is_short_and_says_which_questions_until_when_and_whom_to_call(people, smtp, settings):
    settings.HELP_PHONE, settings.DEMO = "013 123 45 67", False
    message = mail_of(smtp)
    assert message["Subject"] == "Onze vragen aan u (1 van 3)"
    plain = message.get_body(("plain",)).get_content()
    assert "tot en met 16 april 2018. De link is alleen voor u." in plain
    assert "Hulp nodig? Of liever een brief? Bel 013 123 45 67." in plain
    assert plain.split()[-6:] == ["Met", "vriendelijke", "groet,", "Universiteit", "van", "Tilburg"]
    assert len(plain.split()) < 80


def test_the_mail_fits_a_phone_and_bears_its_subject_as_a_title(people, smtp):
    page = mail_of(smtp).get_body(("html",)).get_content()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "<title>Onze vragen aan u (1 van 3)</title>" in page
    assert "overflow-wrap:anywhere" in page
    assert "font:18px/1.5" in page
    assert page.count("display:inline-block;padding:14px 24px") == 1


def test_who_reads_english_gets_the_mail_in_english(people, smtp):
    Contact.objects.update(language="en")
    message = mail_of(smtp)
    assert message["Subject"] == "Our questions to you (1 of 3)"
    assert "up to and including 16 April 2018." in message.get_body(("plain",)).get_content()
    assert '<html lang="en">' in message.get_body(("html",)).get_content()


def test_without_a_telephone_number_the_mail_names_none(people, smtp, settings):
    settings.HELP_PHONE = ""
    plain = mail_of(smtp).get_body(("plain",)).get_content()
    assert "Bel" not in plain
    assert "Antwoord op deze mail." in plain


@pytest.mark.parametrize("demo", [True, False])
def test_in_a_demo_and_only_there_the_mail_says_that_nobody_in_it_exists(people, smtp, settings, demo):
    settings.DEMO = demo
    plain = mail_of(smtp).get_body(("plain",)).get_content()
    assert ("Dit is een oefening met verzonnen mensen." in plain) is demo


def test_neither_link_nor_pseudonym_is_kept_in_the_office(people):
    services.queue_due(trial="tilburg")
    services.send_due()
    kept = str(list(Invitation.objects.values()))
    for person in people:
        assert person.pid not in kept
        assert person.pid[::-1] not in kept  # what the link of this test is made of


def test_a_mail_is_queued_once_however_often_the_night_comes(people):
    assert [services.queue_due(trial="tilburg") for _ in range(3)] == [3, 0, 0]


@pytest.mark.parametrize("kind", ["stopped_surveys", "withdrew_data"])
def test_who_stopped_after_it_was_queued_gets_no_mail(people, smtp, kind):
    services.queue_due(trial="tilburg")
    stop(person_id=people[1].pk, kinds=[kind], day=make.TODAY, by=make.someone())
    services.send_due()
    assert people[1].contact.email not in smtp.recipients
    assert states() == ["sent", "cancelled", "sent"]


def test_who_left_the_benefit_or_the_groups_rules_still_gets_questionnaires(people, smtp):
    home = people[0].household
    record_exit(household_id=home.pk, day=make.TODAY, reason="work_full", by=make.someone())
    stop(person_id=people[1].pk, kinds=["stopped_treatment"], day=make.TODAY, by=make.someone())
    services.queue_due(trial="tilburg")
    services.send_due()
    assert len(smtp.taken) == 3


@pytest.mark.parametrize(("hour", "sent"), [(1, 0), (6, 0), (7, 3), (18, 3), (19, 0)])  # UTC, an hour behind
def test_nobody_is_mailed_before_eight_or_after_eight(people, hour, sent):
    services.queue_due(trial="tilburg")
    with clock.at(make.NOW.replace(hour=hour, minute=30)):
        assert services.send_due() == sent


def test_held_mail_that_is_let_go_after_the_last_day_is_not_sent(people, smtp):
    services.queue_due(trial="tilburg")
    services.hold_mail(trial="tilburg", by=make.someone())
    assert services.send_due() == 0
    services.release_mail(trial="tilburg", by=make.someone())
    with clock.at(make.NOW + timedelta(days=43)):
        services.send_due()
    assert smtp.taken == []
    assert set(Invitation.objects.values_list("status", "fault")) == {("cancelled", "the questionnaire has closed")}


def test_who_has_no_address_waits_for_a_letter(people, smtp):
    Contact.objects.filter(person=people[0]).update(email="")
    services.queue_due(trial="tilburg")
    services.send_due()
    assert states() == ["letter", "sent", "sent"]
    assert Invitation.objects.get(status="letter").fault == "no e-mail address"


def test_an_address_that_is_wrong_is_marked_once_and_the_others_go_on(people, smtp):
    smtp.answers[people[0].contact.email] = "550 5.1.1 no such mailbox"
    services.queue_due(trial="tilburg")
    services.send_due()
    assert states() == ["letter", "sent", "sent"]
    assert Invitation.objects.get(status="letter").fault == "mail server answers 550"
    assert services.send_due() == 0


def test_a_mailbox_that_is_busy_is_tried_later_and_later_and_not_at_once(people, smtp):
    smtp.answers[people[0].contact.email] = "451 greylisted"
    services.queue_due(trial="tilburg")
    assert services.send_due() == 2
    assert states() == ["claimed", "sent", "sent"]
    assert services.send_due() == 0
    waits = []
    for _ in range(7):
        waits.append(Invitation.objects.get(status=Status.CLAIMED).claimed_at - clock.machine_now())
        lease_runs_out()
        services.send_due()
    assert all(earlier < later for earlier, later in pairwise(waits))
    row = Invitation.objects.get(person=people[0])
    assert (row.status, row.fault, row.attempts) == ("letter", "mail server answers 451", 8)


def test_a_busy_mailbox_that_opens_gets_its_mail_under_the_same_id(people, smtp):
    smtp.answers[people[0].contact.email] = "451 greylisted"
    services.queue_due(trial="tilburg")
    services.send_due()
    smtp.answers.clear()
    lease_runs_out()
    services.send_due()
    assert states() == ["sent"] * 3
    ids = [message["Message-ID"] for message in smtp.taken]
    assert len(set(ids)) == 3
    assert f"<invitation-{Invitation.objects.get(person=people[0]).pk}@localhost>" in ids


def test_a_mail_that_the_server_will_not_take_does_not_hold_up_the_rest(people, smtp):
    smtp.at_data = ["554 content rejected"]
    services.queue_due(trial="tilburg")
    services.send_due()
    assert states() == ["letter", "sent", "sent"]


def test_an_address_that_cannot_be_written_does_not_hold_up_the_rest(people, smtp):
    Contact.objects.filter(person=people[0]).update(email="a\nBcc: all@stad.example")
    services.queue_due(trial="tilburg")
    services.send_due()
    assert states() == ["letter", "sent", "sent"]
    assert all("all@stad.example" not in str(message) for message in smtp.taken)


def test_while_the_mail_server_is_down_everything_waits_and_nothing_is_given_up(people, smtp):
    services.queue_due(trial="tilburg")
    smtp.stop()
    for _ in range(12):
        with pytest.raises(OSError, match="refused"):
            services.send_due()
    assert set(Invitation.objects.values_list("status", "attempts", "fault")) == {("queued", 0, "")}


def test_while_the_vault_is_down_everything_waits_and_the_task_does_not_fail(people, vault, smtp):
    services.queue_due(trial="tilburg")
    vault.down = True
    with pytest.raises(VaultDown):
        services.send_due()
    tasks.send_due()
    assert states() == ["queued"] * 3
    vault.down = False
    tasks.send_due()
    assert len(smtp.taken) == 3


@pytest.fixture
def two_trials(smtp, vault, monkeypatch):
    """Five persons whose first wave the research side has not opened, and after them two of another trial."""
    monkeypatch.setattr(services, "BATCH", 2)
    make.make_trial()
    make.make_persons(5)
    make.make_trial("wageningen")
    for _ in range(2):
        make.make_consented("wageningen")
    for trial in ("tilburg", "wageningen"):
        services.queue_due(trial=trial)
    vault.unopened = {("tilburg", "baseline")}
    return vault


def test_a_wave_that_is_not_open_yet_waits_and_holds_up_no_other_wave_or_trial(two_trials, smtp):
    assert services.send_due() == 2
    assert states() == ["queued"] * 5 + ["sent"] * 2
    assert [body["study"] for verb, body in two_trials.asked if verb == "seal"] == ["tilburg", "wageningen"]
    assert services.send_due() == 0
    assert set(Invitation.objects.filter(status="queued").values_list("attempts", "claimed_at")) == {(0, None)}
    two_trials.unopened.clear()
    assert services.send_due() == 5


def test_the_page_says_that_a_wave_is_not_open_yet_until_it_is(two_trials):
    custodian = make.log_in(make.make_user(Role.CUSTODIAN))
    services.send_due()
    assert "not opened by the research side yet" in custodian.get("/t/tilburg/waves/").content.decode()
    two_trials.unopened.clear()
    services.send_due()
    assert "not opened by" not in custodian.get("/t/tilburg/waves/").content.decode()


def test_after_many_refusals_of_the_vault_a_busy_mailbox_is_still_tried_again(people, vault, smtp):
    services.queue_due(trial="tilburg")
    vault.unopened = {("tilburg", "baseline")}
    for _ in range(9):
        services.send_due()
    vault.unopened.clear()
    smtp.answers[people[0].contact.email] = "451 greylisted"
    services.send_due()
    assert states() == ["claimed", "sent", "sent"]


@pytest.fixture
def slow(smtp, monkeypatch):
    """Every mail takes a minute."""
    begin = clock.machine_now()
    monkeypatch.setattr(clock, "machine_now", lambda: begin + timedelta(minutes=len(smtp.taken)))
    return begin


def test_when_time_is_up_the_rest_of_a_batch_waits_and_no_attempt_is_counted(people, slow):
    services.queue_due(trial="tilburg")
    assert services.send_due(until=slow + timedelta(minutes=2)) == 2
    assert states() == ["sent", "sent", "queued"]
    assert Invitation.objects.get(status="queued").attempts == 0


def test_sending_ends_well_before_the_limit_of_a_task_and_rings_for_the_rest(people, slow, settings, monkeypatch):
    settings.CELERY_TASK_TIME_LIMIT = 240
    services.queue_due(trial="tilburg")
    rung = []
    monkeypatch.setattr(tasks.send_due, "delay", lambda: rung.append(states().count("sent")))
    tasks.send_due()
    tasks.send_due()
    assert rung == [2]
    assert states() == ["sent"] * 3


def test_a_mail_more_takes_one_statement_more_however_many_people_the_trial_has(tilburg, smtp, vault, queries):
    def send(number):
        make.make_persons(number)
        services.queue_due(trial="tilburg")
        return queries(services.send_due)

    few, many = send(2), send(9)
    assert many - few == 7


def test_a_batch_reads_its_own_people_only(people, vault):
    make.make_persons(3)
    services.queue_due(trial="tilburg")
    batch = services._claim()[:2]
    with CaptureQueriesContext(connection) as captured:
        services._send(batch, None)
    (read,) = (one["sql"] for one in captured if "participants_contact" in one["sql"])
    assert f"IN ({batch[0].person_id}, {batch[1].person_id})" in read


def test_what_a_killed_worker_had_claimed_is_taken_over_after_five_minutes(people, smtp):
    services.queue_due(trial="tilburg")
    assert len(services._claim()) == 3  # and then the worker is killed
    assert services.send_due() == 0
    Invitation.objects.update(claimed_at=clock.machine_now() - services.LEASE - timedelta(seconds=1))
    assert services.send_due() == 3
    assert states() == ["sent"] * 3
    assert len(smtp.taken) == 3


def test_a_clock_set_forward_takes_no_claim_away(people):
    services.queue_due(trial="tilburg")
    services._claim()
    with clock.at(make.NOW + timedelta(days=10)):
        assert services.send_due() == 0


@pytest.mark.django_db(transaction=True)
def test_eight_workers_send_every_mail_once(smtp, vault, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 3)
    make.make_trial()
    for _ in range(24):
        make.make_consented()
    services.queue_due(trial="tilburg")
    assert faults(together(*[services.send_due] * 8)) == []
    assert len(smtp.recipients) == len(set(smtp.recipients)) == 24
    assert set(states()) == {"sent"}


def test_every_wave_and_last_day_is_sealed_apart(people, vault):
    services.queue_due(trial="tilburg")
    services.send_due()
    assert {(body["wave"], body["last_day"]) for _verb, body in vault.asked} == {("baseline", "2018-04-16")}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE mailing_invitation SET status = 'lost'", "invitation_status_known"),
        ("UPDATE mailing_invitation SET status = 'sent'", "invitation_sent_has_day"),
        ("UPDATE mailing_invitation SET status = 'printed', sent_on = now()", "invitation_printed_in_a_printing"),
        (AGAIN, "invitation_once"),
        (TOO_MANY, "wavecount_answered_were_invited"),
    ],
)
def test_the_database_keeps_the_outbox_sound(people, statement, message):
    services.queue_due(trial="tilburg")
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
