"""A published draw whose number will not come: withdrawn by two persons in public, and never to shop for a result."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.formats import date_format

from randomization import freezing, selectors, services, withdrawing
from randomization.lottery.draw import draw as lottery_draw
from randomization.lottery.record import Record
from randomization.lottery.stream import commitment_of
from randomization.models import Allocation, Draw, Status, Withdrawal
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
REASON = "De notaris is ziek; de dobbelstenen zijn niet gegooid."
EVENT_ON = make.TODAY + timedelta(days=10)


@pytest.fixture
def first(tilburg):
    return make.make_user(Role.STATISTICIAN)


@pytest.fixture
def second(tilburg):
    return make.make_user(Role.LEADER)


@pytest.fixture
def published(tilburg, first):
    """A draw of two households, of which the event is ten days away."""
    for _ in range(2):
        make.make_ready()
    row = make.make_request(event_on=EVENT_ON, by=first)
    assert freezing.freeze_list(draw_id=row.pk)
    return Draw.objects.get()


def on(day):
    return clock.at(make.NOW + (day - make.TODAY))


def announce(row, by, reason=REASON):
    withdrawing.announce_withdrawal(draw_id=row.pk, reason=reason, by=by)


def confirm(row, by):
    withdrawing.confirm_withdrawal(draw_id=row.pk, by=by)


def page(response):
    return response.content.decode()


def test_before_the_day_of_the_event_two_persons_withdraw_at_once_and_the_round_is_free(
    published, first, second, recorded
):
    with recorded() as verbs:
        announce(published, first)
        confirm(published, second)
    assert verbs == ["draw.withdrawal_announced", "draw.withdrawn"]
    assert Draw.objects.get().status == Status.WITHDRAWN
    again = make.make_draw()
    assert (again.number, Allocation.objects.count()) == (2, 2)


def test_the_reason_stands_in_the_audit_chain(published, first, second):
    announce(published, first)
    confirm(published, second)
    told = {event.verb: (event.reason, event.trial) for event in audit.events()}
    assert told["draw.withdrawal_announced"] == told["draw.withdrawn"] == (REASON, "tilburg")


def test_one_person_cannot_withdraw_alone(published, first):
    announce(published, first)
    with pytest.raises(DomainError, match="two persons vouch"):
        confirm(published, first)
    assert Draw.objects.get().status == Status.COMMITTED


def test_nothing_is_confirmed_that_was_not_announced_and_nothing_announced_twice(published, first, second):
    with pytest.raises(services.DrawNotReady, match="Announce"):
        confirm(published, second)
    announce(published, first)
    with pytest.raises(services.DrawNotReady, match="has been announced"):
        announce(published, first)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_withdrawal_without_a_reason_is_refused(published, first, reason):
    with pytest.raises(DomainError, match="Say why") as refused:
        announce(published, first, reason)
    assert refused.value.field == "reason"


@pytest.mark.parametrize(
    ("announced", "confirmed", "works"),
    [
        (make.TODAY, EVENT_ON - timedelta(1), True),
        (make.TODAY, EVENT_ON, False),  # announced in good time as a way out: the week counts from the event
        (make.TODAY, EVENT_ON + timedelta(6), False),
        (make.TODAY, EVENT_ON + timedelta(7), True),
        (EVENT_ON + timedelta(3), EVENT_ON + timedelta(9), False),
        (EVENT_ON + timedelta(3), EVENT_ON + timedelta(10), True),
    ],
)
def test_from_the_day_of_the_event_on_the_announcement_stands_a_week(
    published, first, second, announced, confirmed, works
):
    with on(announced):
        announce(published, first)
    with on(confirmed):
        if works:
            confirm(published, second)
        else:
            with pytest.raises(services.DrawNotReady, match="may be known by now"):
                confirm(published, second)
    assert (Draw.objects.get().status == Status.WITHDRAWN) is works


def test_a_draw_of_which_the_day_is_not_known_counts_as_one_whose_number_may_be_known(published, first, second):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE randomization_draw DISABLE TRIGGER randomization_draw_is_final")
        cursor.execute("UPDATE randomization_draw SET event_on = NULL")
    announce(published, first)
    with on(make.TODAY + timedelta(6)), pytest.raises(services.DrawNotReady):
        confirm(published, second)
    assert withdrawing.confirmable_from(Draw.objects.get(), Withdrawal.objects.get()) == make.TODAY + timedelta(7)


def test_the_number_is_refused_before_the_day_of_its_event(published, first):
    with pytest.raises(DomainError, match="nobody can know") as refused:
        services.enter_beacon(draw_id=published.pk, beacon=make.BEACON, by=first)
    assert refused.value.field == "beacon"


def test_who_brings_the_number_in_time_ends_the_withdrawal(published, first, second):
    announce(published, first)
    with on(EVENT_ON):
        services.enter_beacon(draw_id=published.pk, beacon=make.BEACON, by=first)
    with on(EVENT_ON + timedelta(30)), pytest.raises(services.DrawNotReady):
        confirm(published, second)
    shown = page(make.visitor().get("/lots/tilburg/1/"))
    assert "one person entered its number" in shown
    assert "came after all" not in shown  # nobody confirmed it yet
    with on(EVENT_ON):
        services.confirm_beacon(draw_id=published.pk, beacon=make.BEACON, by=second)
    assert "came after all" in page(make.visitor().get("/lots/tilburg/1/"))


def test_after_a_mistaken_number_the_week_begins_anew(published, first, second):
    announce(published, first)
    mistaken = EVENT_ON + timedelta(5)
    with on(mistaken):
        services.enter_beacon(draw_id=published.pk, beacon=make.BEACON, by=first, evidence="3 6 1")
        services.reopen_beacon(draw_id=published.pk, by=second)
    with on(mistaken + timedelta(6)), pytest.raises(services.DrawNotReady, match="may be known by now"):
        confirm(published, second)
    with on(mistaken + timedelta(7)):
        confirm(published, second)
    assert Draw.objects.get().status == Status.WITHDRAWN


def test_a_number_that_was_taken_back_stands_in_public_with_who_and_when(published, first, second):
    with on(EVENT_ON):
        services.enter_beacon(draw_id=published.pk, beacon=make.BEACON, by=first, evidence="3 6 1")
        services.reopen_beacon(draw_id=published.pk, by=second)
    for shown in (page(make.visitor().get("/lots/tilburg/1/")), page(make.log_in(first).get("/t/tilburg/draws/1/"))):
        assert "A number that was taken back" in shown
        assert make.BEACON in shown
        assert "3 6 1" in shown
    shown = page(make.visitor().get("/lots/tilburg/1/"))
    assert 'trial statistician, <time datetime="2018-03-15' in shown
    assert 'project leader, <time datetime="2018-03-15' in shown
    assert first.name not in shown


@pytest.mark.parametrize("until", ["requested", "entered", "confirmed", "drawn"])
def test_only_a_published_draw_that_waits_can_be_withdrawn(tilburg, first, until):
    make.make_ready()
    row = make.make_draw(until=until)
    with pytest.raises(services.DrawNotReady, match="that waits"):
        announce(row, first)


def test_a_withdrawn_draw_is_never_drawn(published, first, second):
    announce(published, first)
    confirm(published, second)
    with on(EVENT_ON), pytest.raises(services.DrawNotReady):
        services.enter_beacon(draw_id=published.pk, beacon=make.BEACON, by=first)


def test_everybody_can_work_out_what_a_withdrawn_draw_would_have_given(published, first, second):
    announce(published, first)
    confirm(published, second)
    shown = page(make.visitor().get("/lots/tilburg/1/"))
    secret = Withdrawal.objects.get().secret
    assert secret in shown
    assert REASON in shown
    record = Record.from_json(make.visitor().get("/lots/tilburg/1/record.json").content.decode())
    assert commitment_of(bytes.fromhex(secret)) == record.commitment
    assert len(lottery_draw(record, bytes.fromhex(secret), make.BEACON).result) == 2


def test_what_was_published_stays_published(published, first, second):
    announce(published, first)
    confirm(published, second)
    assert json.loads(selectors.published_draws("tilburg").get().record)["list_hash"] == published.list_hash
    assert "withdrawn; no lots were drawn" in page(make.visitor().get("/lots/tilburg/"))


def test_a_lost_key_does_not_keep_a_round_shut_and_the_page_says_so(published, first, second, settings):
    announce(published, first)
    settings.SECRET_KEY = "a new key"
    confirm(published, second)
    assert "could not be opened" in page(make.visitor().get("/lots/tilburg/1/"))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE randomization_draw SET status = 'withdrawn'", "by two persons"),
        ("UPDATE randomization_draw SET event_on = event_on + 99", "is for cannot change"),
        ("UPDATE randomization_withdrawal SET reason = 'other'", "stays"),
        ("DELETE FROM randomization_withdrawal", "is final"),
        (
            "UPDATE randomization_withdrawal SET confirmed_by_id = announced_by_id, confirmed_at = now()",
            "withdrawal_needs_two_persons",
        ),
    ],
)
def test_the_database_holds_on_to_it_too(published, first, statement, message):
    announce(published, first)
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_never_forgets_that_a_number_was_entered(tilburg, second):
    make.make_ready()
    row = make.make_draw(until="entered")
    forget = "UPDATE randomization_draw SET beacon = '', entered_at = NULL, entered_by_id = NULL, status = 'committed'"
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="taken back in public"), transaction.atomic():
            cursor.execute(forget)
        services.reopen_beacon(draw_id=row.pk, by=second)
        cursor.execute("UPDATE randomization_draw SET entered_at = NULL")
        assert Draw.objects.get().entered_at == make.NOW
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            cursor.execute("UPDATE randomization_takenback SET beacon = 'other'")


@pytest.mark.django_db(transaction=True)
def test_a_number_and_a_withdrawal_at_one_moment_are_one_of_both():
    make.make_trial()
    make.make_ready()
    row = make.make_draw(until="committed")
    first, second = make.make_user(Role.STATISTICIAN), make.make_user(Role.LEADER)
    announce(row, first)
    with on(make.TODAY + timedelta(7)):
        results = together(
            lambda: confirm(row, second),
            lambda: services.enter_beacon(draw_id=row.pk, beacon=make.BEACON, by=second),
        )
    assert len(faults(results)) == 1
    found = Draw.objects.get()
    assert (found.status, found.beacon) in {(Status.WITHDRAWN, ""), (Status.ENTERED, make.BEACON)}


def test_the_pages_of_the_two_who_withdraw(published, first, second):
    statistician, leader = make.log_in(first), make.log_in(second)
    assert "Announce the withdrawal" not in page(leader.get("/t/tilburg/draws/1/"))
    shown = page(statistician.get("/t/tilburg/draws/1/"))
    assert "Announce the withdrawal" in shown
    assert "From that day on the number can be entered here" in shown
    assert "Enter the public number" not in shown
    refused = statistician.post("/t/tilburg/draws/1/withdraw/", {"reason": ""})
    assert refused.status_code == 422
    statistician.post("/t/tilburg/draws/1/withdraw/", {"reason": REASON})
    assert "You announced it" in page(statistician.get("/t/tilburg/draws/1/"))
    assert REASON in page(make.visitor().get("/lots/tilburg/1/"))
    with on(EVENT_ON):
        leader_later = make.log_in(second)
        day = date_format(date(2018, 3, 22), "SHORT_DATE_FORMAT")
        assert f"{day}</time> on." in page(leader_later.get("/t/tilburg/draws/1/"))
        told = page(leader_later.post("/t/tilburg/draws/1/withdraw/confirm/", follow=True))
        assert f"can be confirmed from {day} on" in told
    leader.post("/t/tilburg/draws/1/withdraw/confirm/")
    assert "This draw was withdrawn on" in page(leader.get("/t/tilburg/draws/1/"))


def test_days_are_those_of_the_calendar(published, first):
    announce(published, first)
    assert withdrawing.confirmable_from(published, Withdrawal.objects.get()) == date(2018, 3, 5)
