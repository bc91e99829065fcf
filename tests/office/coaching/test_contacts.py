"""Contacts: once, corrected with a reason, never overwritten, never deleted."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from coaching import services
from coaching.models import Contact, ContactChange
from coaching.services import Talk
from participants.services import stop
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
LATER = "SELECT again.*, from_day + 1 FROM again"
AGAIN = "SELECT household_id, coach_id, from_day, assigned_by_id FROM coaching_assignment"
TALK = {"day": date(2018, 3, 5), "channel": "phone", "note": "Belt maandag terug"}


@pytest.fixture
def guided(tilburg):
    return make.make_guided()


def log(coach, home, *, key=None, **over):
    person = home.persons.first()
    talk = Talk(**(TALK | over))
    return services.log_contact(trial="tilburg", person_id=person.pk, talk=talk, key=key or uuid4(), by=coach)


def void(contact, by, *, version=1, reason=""):
    services.void_contact(contact_id=contact.pk, version=version, reason=reason, by=by)


def correct(contact, by, *, version=1, reason="", **over):
    talk = Talk(**(TALK | over))
    return services.correct_contact(contact_id=contact.pk, talk=talk, version=version, reason=reason, by=by)


def test_a_contact_is_stored_with_its_event(guided, recorded, as_role):
    with recorded() as verbs, as_role("office_web"):
        contact = log(*guided)
    assert (contact.note, contact.version, contact.recorded_at) == ("Belt maandag terug", 1, make.NOW)
    assert verbs == ["contact.logged"]


def test_the_same_form_sent_twice_is_one_contact(guided, recorded):
    key = uuid4()
    with recorded() as verbs:
        assert log(*guided, key=key) == log(*guided, key=key)
    assert verbs == ["contact.logged"]


def test_a_form_of_somebody_else_is_not_taken_over(guided):
    key = uuid4()
    log(*guided, key=key)
    with pytest.raises(DomainError, match="used before"):
        log(make.make_user(Role.COACH), guided[1], key=key)


@pytest.mark.django_db(transaction=True)
def test_fifty_clicks_at_one_moment_are_one_contact():
    make.make_trial()
    coach, home = make.make_guided()
    key = uuid4()
    results = together(*[lambda: log(coach, home, key=key)] * 50)
    assert faults(results) == []
    assert Contact.objects.count() == 1
    assert [event.verb for event in audit.events()].count("contact.logged") == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"day": date(2018, 3, 6)}, "day"),
        ({"channel": "pigeon"}, "channel"),
        ({"topics": ("work", "weather")}, "channel"),
        ({"minutes": 601}, "minutes"),
        ({"minutes": -1}, "minutes"),
        ({"next_on": date(2018, 3, 4)}, "next_on"),
        ({"next_on": date(9999, 12, 31)}, "next_on"),
        ({"day": date(2018, 3, 4)}, "day"),
        ({"day": date(1, 1, 1)}, "day"),
        ({"note": "BSN 111.222.333, belt terug"}, "note"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(guided, over, field):
    with pytest.raises(DomainError) as refused:
        log(*guided, **over)
    assert refused.value.field == field
    assert not Contact.objects.exists()


def test_nothing_is_noted_of_who_withdrew(guided):
    coach, home = guided
    stop(person_id=home.persons.get().pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    with pytest.raises(DomainError, match="withdrew their data"):
        log(coach, home)


def test_nothing_is_noted_of_a_partner_who_was_not_drawn(tilburg):
    coach, _drawn, excluded = make.make_half_guided()
    with pytest.raises(DomainError, match="was not drawn"):
        services.log_contact(trial="tilburg", person_id=excluded.pk, talk=Talk(**TALK), key=uuid4(), by=coach)


def test_who_went_back_in_the_browser_and_saves_again_is_told(guided):
    log(*guided)
    with pytest.raises(DomainError, match="saved this same contact just now"):
        log(*guided)
    log(*guided, note="Belde nog een keer")
    with clock.at(make.NOW + timedelta(minutes=16)):
        log(*guided)
    assert Contact.objects.count() == 3


def test_a_slip_is_mended_without_a_reason_in_the_first_quarter_of_an_hour(guided, recorded):
    contact = log(*guided)
    with recorded() as verbs, clock.at(make.NOW + timedelta(minutes=15)):
        contact = correct(contact, guided[0], note="Belt dinsdag terug")
    assert (contact.note, contact.version) == ("Belt dinsdag terug", 2)
    assert ContactChange.objects.get().before["note"] == "Belt maandag terug"
    assert verbs == ["contact.corrected"]


@pytest.mark.parametrize("later", [timedelta(minutes=16), timedelta(days=30)])
def test_after_that_a_reason_is_needed(guided, later):
    contact = log(*guided)
    with clock.at(make.NOW + later):
        with pytest.raises(DomainError) as refused:
            correct(contact, guided[0], reason="  ", note="anders")
        assert refused.value.field == "reason"
        assert correct(contact, guided[0], reason="verkeerde dag", note="anders").version == 2


def test_a_colleague_gives_a_reason_at_once(guided):
    contact = log(*guided)
    with pytest.raises(DomainError, match="why you change"):
        correct(contact, make.make_user(Role.COACH), note="anders")


def test_who_saves_last_does_not_overwrite_what_a_colleague_saved(guided):
    contact = log(*guided)
    correct(contact, guided[0], note="van A")
    with pytest.raises(services.Conflict):
        correct(contact, guided[0], note="van B")
    contact.refresh_from_db()
    assert (contact.note, contact.version, contact.changes.count()) == ("van A", 2, 1)


@pytest.mark.django_db(transaction=True)
def test_two_coaches_save_at_one_moment():
    make.make_trial()
    coach, home = make.make_guided()
    contact = log(coach, home)
    results = together(*[lambda n=n: correct(contact, coach, note=f"van {n}") for n in range(6)])
    assert [type(fault) for fault in faults(results)] == [services.Conflict] * 5
    assert [event.verb for event in audit.events()].count("contact.corrected") == 1


def test_saving_a_change_twice_is_one_change(guided, recorded):
    contact = log(*guided)
    with recorded() as verbs:
        assert correct(contact, guided[0], note="anders") == correct(contact, guided[0], note="anders")
    assert verbs == ["contact.corrected"]


def test_who_saves_over_the_own_change_in_another_window_is_not_told_of_somebody_else(guided):
    contact = log(*guided)
    correct(contact, guided[0], note="eerste venster")
    with pytest.raises(services.Conflict, match="yourself"):
        correct(contact, guided[0], note="tweede venster")


def test_a_contact_is_not_moved_to_before_the_draw(guided):
    contact = log(*guided)
    with pytest.raises(DomainError) as refused:
        correct(contact, guided[0], day=date(2017, 3, 5))
    assert refused.value.field == "day"


def test_a_contact_is_struck_out_once_and_stays(guided, recorded):
    contact = log(*guided)
    with recorded() as verbs:
        void(contact, guided[0], reason="verkeerde persoon")
        void(contact, guided[0], reason="verkeerde persoon")
    contact.refresh_from_db()
    assert contact.voided_at == make.NOW
    assert verbs == ["contact.voided"]
    with pytest.raises(services.Conflict, match="log it anew"):
        correct(contact, guided[0], version=2, note="anders")


def test_a_contact_that_was_changed_meanwhile_is_not_struck_out(guided):
    contact = log(*guided)
    correct(contact, guided[0], note="anders")
    with pytest.raises(services.Conflict):
        void(contact, guided[0])
    assert not Contact.objects.get().voided_at


def test_without_its_audit_event_no_contact_is_stored(guided, monkeypatch):
    monkeypatch.setattr(audit, "record", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log(*guided)
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM coaching_contact", "written once"),
        ("DELETE FROM coaching_contactchange", "written once"),
        ("UPDATE coaching_contactchange SET reason = ''", "written once"),
        ("UPDATE coaching_contact SET channel = 'pigeon'", "contact_channel_known"),
        ("UPDATE coaching_contact SET minutes = 601", "contact_minutes_in_a_day"),
        ("UPDATE coaching_contact SET next_on = day - 1", "contact_next_comes_later"),
        ("UPDATE coaching_assignment SET until_day = from_day - 1", "assignment_ends_after_it_began"),
        (
            "INSERT INTO coaching_assignment (household_id, coach_id, from_day, assigned_by_id) TABLE again",
            "assignment_one_coach_at_a_time",
        ),
        (
            "INSERT INTO coaching_assignment (household_id, coach_id, from_day, assigned_by_id, until_day) " + LATER,
            "assignment_never_two_at_once",
        ),
    ],
)
def test_the_database_keeps_what_was_noted(guided, statement, message):
    correct(log(*guided), guided[0], note="anders")
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"WITH again AS ({AGAIN}) {statement}")
