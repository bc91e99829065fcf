"""The draw: in order, by two persons, once and for ever."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kombu
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from coaching.selectors import unassigned
from participants import selectors as people
from participants import services as joining
from participants.marks import record_baselines
from randomization import drawing, freezing, selectors, services, tasks
from randomization.models import Allocation, Draw, Status
from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.jobs import allow_long_statements
from trialmgr.core.models import Role
from trialmgr.protocol.models import Trial

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
BATCH = ("entry: rolling", "entry: batch")


TOMORROW = make.TODAY + timedelta(days=1)


def request(**over):
    """Ask for a draw; somebody waits for one."""
    if not people.waiting_by_round("tilburg"):
        make.make_consented()
    return make.make_request(**over)


@pytest.fixture
def first(tilburg):
    return make.make_user(Role.STATISTICIAN)


@pytest.fixture
def second(tilburg):
    return make.make_user(Role.LEADER)


def test_every_ready_household_gets_one_group(tilburg, recorded):
    homes = [make.make_ready(members=1 + number % 2) for number in range(12)]
    with recorded() as verbs:
        draw = make.make_draw()
    assert set(selectors.arms_of([home.pk for home in homes])) == {home.pk for home in homes}
    assert draw.status == Status.DRAWN
    assert Trial.objects.get().first_drawn_at == make.NOW
    assert verbs == ["draw.requested", "draw.committed", "draw.beacon_entered", "draw.confirmed", "draw.drawn"]


def test_the_record_is_verified_by_the_script_that_anyone_can_run(tilburg, tmp_path):
    for _ in range(5):
        make.make_ready()
    record = tmp_path / "record.json"
    record.write_text(make.make_draw().record, "utf-8")
    script = ROOT / "randomization" / "lottery" / "verify.py"
    done = subprocess.run([sys.executable, "-I", script, record], capture_output=True, text=True, check=False)
    assert (done.returncode, "verified" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_record_holds_codes_and_no_person(tilburg):
    home = make.make_ready(members=2)
    record = make.make_draw().record
    assert home.code in record
    for person in home.persons.select_related("contact"):
        for secret in (person.pid, person.client_number, person.contact.first_name, person.contact.email):
            assert secret not in record


def test_the_list_and_its_commitment_are_published_before_the_number_is_known(tilburg):
    make.make_ready()
    draw = make.make_draw(until="committed")
    published = json.loads(selectors.published_draws("tilburg").get().record)
    assert published["commitment"]
    assert "secret" not in published
    assert bytes(draw.sealed_secret).hex() not in draw.record
    assert Allocation.objects.count() == 0


def test_after_the_draw_the_secret_is_in_the_record_and_nowhere_else(tilburg):
    make.make_ready()
    draw = make.make_draw()
    assert draw.sealed_secret is None
    assert json.loads(draw.record)["secret"]


@pytest.mark.parametrize("event", ["", "the dice", "12:00", "1" * 21, "01", "-1"])
def test_an_event_that_no_number_could_match_is_refused_beforehand(tilburg, event):
    with pytest.raises(DomainError, match="whole number") as refused:
        request(event=event)
    assert refused.value.field == "event"


def test_one_draw_of_a_round_at_a_time(tilburg):
    request()
    with pytest.raises(services.DrawNotReady, match="open already"):
        request()


@pytest.mark.parametrize("day", [make.TODAY - timedelta(days=1), make.TODAY])
def test_an_event_of_which_the_number_may_be_known_is_refused(tilburg, day):
    with pytest.raises(DomainError, match="yet to come") as refused:
        request(event_on=day)
    assert refused.value.field == "event_on"


def test_an_event_that_reads_as_a_day_is_on_that_day(tilburg):
    with pytest.raises(DomainError, match="reads as the day") as refused:
        request(event="20180304", event_on=TOMORROW)
    assert refused.value.field == "event_on"
    assert request(event="20180306", event_on=TOMORROW).event == "20180306"


@pytest.mark.parametrize("event", ["25631200", "20181301", "2018030", "30180306"])
def test_a_long_number_that_is_no_day_is_a_round_as_any_other(tilburg, event):
    assert request(event=event, event_on=TOMORROW).event == event


def test_an_event_decides_one_draw_of_a_trial(tilburg):
    make.make_drawn()
    make.make_ready()
    with pytest.raises(DomainError, match="Draw 1 announced this event") as refused:
        request(event="2563100")
    assert refused.value.field == "event"


def test_the_event_of_a_draw_without_a_list_is_free_again(tilburg):
    draw = request(event="7")
    freezing.freeze_list(draw_id=draw.pk)  # nobody filled in the first questionnaire
    assert request(event="7").number == 2


def test_where_the_number_comes_from_is_announced_with_the_list(tilburg):
    with pytest.raises(DomainError, match="where and how") as refused:
        request(source=" ")
    assert refused.value.field == "source"


def test_nobody_asks_for_a_draw_of_nobody(tilburg):
    make.make_eligible()
    with pytest.raises(services.DrawNotReady, match="Nobody of this round waits"):
        make.make_request()


def test_a_list_is_not_closed_when_its_number_may_be_known(tilburg):
    make.make_ready()
    draw = make.make_draw(until="requested")
    with clock.at(make.NOW + timedelta(days=1)):  # the worker was down for a night
        assert not freezing.freeze_list(draw_id=draw.pk)
    draw.refresh_from_db()
    assert (draw.status, draw.record) == (Status.REFUSED, "")
    assert "may be known" in draw.fault


def test_a_batch_is_drawn_after_its_last_day(db):
    make.make_trial("tilburg", BATCH)
    with clock.at(datetime(2018, 12, 31, 12, tzinfo=UTC)), pytest.raises(services.DrawNotReady, match="after its last"):
        request()
    with clock.at(datetime(2019, 1, 1, 12, tzinfo=UTC)):
        assert request().status == Status.REQUESTED


def test_no_lots_are_drawn_before_a_round_opens(tilburg):
    with clock.at(datetime(2017, 10, 1, 12, tzinfo=UTC)), pytest.raises(services.DrawNotReady, match="not opened"):
        request()


def test_when_nobody_is_ready_the_draw_ends_empty(tilburg, recorded):
    make.make_consented()  # the baseline is not known
    draw = request()
    with recorded() as verbs:
        assert not freezing.freeze_list(draw_id=draw.pk)
    draw.refresh_from_db()
    assert draw.status == Status.EMPTY
    assert verbs == ["draw.empty"]
    assert request().number == 2


def test_a_list_that_cannot_be_made_says_why_and_frees_the_round(tilburg, recorded):
    home = make.make_ready()
    with connection.cursor() as cursor:  # as an older version of the protocol could have let it in
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE participants_household DROP CONSTRAINT household_type_known")
        cursor.execute("UPDATE participants_household SET household_type = 'commune' WHERE id = %s", [home.pk])
    draw = request()
    with recorded() as verbs:
        assert not freezing.freeze_list(draw_id=draw.pk)
    draw.refresh_from_db()
    assert (draw.status, "commune is in no level" in draw.fault) == (Status.REFUSED, True)
    assert verbs == ["draw.refused"]
    assert request().number == 2


def test_a_household_waits_while_one_of_its_members_is_undecided(tilburg):
    home = make.make_ready(members=2)
    undecided = make.make_eligible(members=2)
    record_baselines(pids=[person.pid for person in undecided.persons.all()])
    make.agree(undecided.persons.first())
    units = people.units_to_draw("tilburg", round_code="first", on=make.TODAY)
    assert [unit.household_id for unit in units] == [home.pk]


def test_an_excluded_partner_is_not_drawn_and_not_counted(tilburg):
    home = make.make_household(members=2)
    one, other = home.persons.all()
    answers = make.right_answers()
    joining.check_eligibility(person_id=one.pk, answers=answers, day=make.TODAY, by=make.someone())
    answers["full_time_study"] = True
    joining.check_eligibility(person_id=other.pk, answers=answers, day=make.TODAY, by=make.someone())
    make.agree(one)
    record_baselines(pids=[one.pid])
    make.make_draw()
    assert list(selectors.arm_sizes("tilburg").values()) == [(1, 1)]
    assert list(people.persons_in_study("tilburg")) == [one]


@pytest.mark.parametrize("kind", joining.STOPS)
def test_who_stopped_before_the_list_was_closed_is_not_on_it(tilburg, kind):
    home = make.make_ready()
    joining.stop(person_id=home.persons.get().pk, kinds=[kind], day=make.TODAY, by=make.someone())
    assert people.units_to_draw("tilburg", round_code="first", on=make.TODAY) == []


def test_who_withdraws_between_list_and_draw_stays_on_the_published_list_only(tilburg, first, second):
    stays, leaves = make.make_ready(), make.make_ready()
    draw = make.make_draw(until="entered")
    person = leaves.persons.get()
    joining.stop(person_id=person.pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)
    assert drawing.draw_lots(draw_id=draw.pk)
    assert Allocation.objects.count() == 2
    assert not person.steps.filter(kind="randomised").exists()
    assert [one.household for one in people.persons_in_study("tilburg")] == [stays]
    assert leaves.pk not in {pk for pk, _site, _n in unassigned("tilburg")}
    assert sum(persons for _homes, persons in selectors.arm_sizes("tilburg").values()) == 1


def test_the_one_who_entered_the_number_cannot_confirm_it(tilburg):
    make.make_ready()
    draw = make.make_draw(until="entered")
    with pytest.raises(DomainError, match="two persons vouch"):
        services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=draw.entered_by)
    assert Allocation.objects.count() == 0


def test_two_different_numbers_draw_nothing_and_are_recorded(tilburg, second, recorded):
    make.make_ready()
    draw = make.make_draw(until="entered")
    with recorded() as verbs, pytest.raises(services.NumbersDiffer):
        services.confirm_beacon(draw_id=draw.pk, beacon=make.OTHER_BEACON, by=second)
    assert verbs == ["draw.beacon_refused"]
    assert Allocation.objects.count() == 0


@pytest.mark.parametrize(
    ("beacon", "said"),
    [
        ("", "a colon, and the 64 digits"),
        ("0" * 64, "a colon, and the 64 digits"),
        ("2563100:abc", "these are 3"),
        ("2563101:" + "0" * 64, "waits for the number of event 2563100"),
        ("2563100:" + "g" * 64, "g is none of them"),
        ("2563100:" + "0" * 64 + "\n1", "these are 65"),
    ],
)
def test_a_malformed_number_is_found_when_it_is_entered(tilburg, first, second, beacon, said):
    make.make_ready()
    draw = make.make_draw(until="committed")
    with pytest.raises(DomainError, match=said) as refused:
        services.enter_beacon(draw_id=draw.pk, beacon=beacon, by=first)
    assert refused.value.field == "beacon"
    draw.refresh_from_db()
    assert draw.status == Status.COMMITTED
    services.enter_beacon(draw_id=draw.pk, beacon=make.BEACON, by=first)
    with pytest.raises(DomainError, match=said):
        services.confirm_beacon(draw_id=draw.pk, beacon=beacon, by=second)


def test_capitals_and_spaces_are_no_other_number(tilburg, first, second):
    make.make_ready()
    draw = make.make_draw(until="committed")
    services.enter_beacon(draw_id=draw.pk, beacon=f" 2563100: {make.DIGITS[:32]}\n{make.DIGITS[32:]} ", by=first)
    services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON.upper(), by=second)
    assert drawing.draw_lots(draw_id=draw.pk)
    assert json.loads(Draw.objects.get().record)["beacon"] == make.BEACON


def test_what_was_tried_and_refused_stands_in_the_audit_log(tilburg, second, recorded):
    make.make_ready()
    draw = make.make_draw(until="entered")
    with recorded() as verbs:
        for step in (
            lambda: services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=draw.entered_by),
            lambda: services.enter_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second),
            lambda: request(),
        ):
            with pytest.raises(DomainError):
                step()
    assert verbs == ["draw.step_refused"] * 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::json ->> 'step', payload::json ->> 'code' FROM audit.detail ORDER BY seq DESC")
        told = cursor.fetchmany(3)
    assert told == [
        ("request_draw", "round_open"),
        ("enter_beacon", "not_ready"),
        ("confirm_beacon", "same_person"),
    ]


def test_only_who_confirmed_may_confirm_again(tilburg, second):
    make.make_ready()
    draw = make.make_draw(until="confirmed")
    with pytest.raises(services.DrawNotReady):
        services.confirm_beacon(draw_id=draw.pk, beacon=make.OTHER_BEACON, by=second)


def test_a_mistyped_number_can_be_taken_back_until_it_is_confirmed(tilburg, first, second, recorded):
    make.make_ready()
    draw = make.make_draw(until="entered")
    with recorded() as verbs:
        services.reopen_beacon(draw_id=draw.pk, by=first)
        services.enter_beacon(draw_id=draw.pk, beacon=make.OTHER_BEACON, by=first)
    services.confirm_beacon(draw_id=draw.pk, beacon=make.OTHER_BEACON, by=second)
    assert verbs == ["draw.beacon_taken_back", "draw.beacon_entered"]
    with pytest.raises(services.DrawNotReady):
        services.reopen_beacon(draw_id=draw.pk, by=first)
    assert drawing.draw_lots(draw_id=draw.pk)
    assert Draw.objects.get().beacon == make.OTHER_BEACON


def test_a_later_draw_carries_on_where_the_last_one_ended(tilburg):
    make.make_drawn(3)
    later = make.make_ready()
    draw = make.make_draw()
    assert draw.number == 2
    assert Allocation.objects.get(household=later).draw == draw
    assert Allocation.objects.count() == 4


def test_without_its_audit_event_nobody_is_drawn(tilburg, monkeypatch):
    make.make_ready()
    draw = make.make_draw(until="confirmed")
    monkeypatch.setattr(audit, "record", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drawing.draw_lots(draw_id=draw.pk)
    assert Allocation.objects.count() == 0
    assert Draw.objects.get().status == Status.CONFIRMED


@pytest.mark.django_db(transaction=True)
def test_twenty_confirmations_and_twenty_jobs_at_one_moment_are_one_draw():
    make.make_trial()
    homes = make.make_all_ready(4)
    draw, second = make.make_draw(until="entered"), make.make_user(Role.LEADER)
    confirm = [lambda: services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)] * 20
    assert faults(together(*confirm)) == []
    assert sorted(together(*[lambda: drawing.draw_lots(draw_id=draw.pk)] * 20)) == [False] * 19 + [True]
    assert Allocation.objects.count() == len(homes)
    verbs = [event.verb for event in audit.events()]
    assert (verbs.count("draw.confirmed"), verbs.count("draw.drawn")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_half_way_leaves_nothing_and_the_next_one_draws(monkeypatch):
    make.make_trial()
    homes = make.make_all_ready(4)
    draw, found = make.make_draw(until="confirmed"), {}
    at_work, dead = threading.Event(), threading.Event()

    def dies(**_facts):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), (SELECT count(*) FROM randomization_allocation)")
            found["pid"], found["allotted"] = cursor.fetchone()
        at_work.set()
        assert dead.wait(30)

    def another():
        assert at_work.wait(30)
        monkeypatch.undo()
        assert not drawing.draw_lots(draw_id=draw.pk)  # the job is delivered again while the first one works
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [found["pid"]])
        dead.set()

    monkeypatch.setattr(drawing, "record_first_draw", dies)
    killed, done = together(lambda: drawing.draw_lots(draw_id=draw.pk), another)
    assert (type(killed), done, found["allotted"]) == (OperationalError, None, 4)
    assert (Allocation.objects.count(), Draw.objects.get().status) == (0, Status.CONFIRMED)
    assert [drawing.draw_lots(draw_id=draw.pk) for _ in range(2)] == [True, False]
    assert Allocation.objects.count() == len(homes)


def test_without_a_broker_the_draw_waits_and_the_sweep_rings_again(
    tilburg, second, monkeypatch, django_capture_on_commit_callbacks
):
    def no_broker(*_arguments):
        raise kombu.exceptions.OperationalError("connection refused")

    make.make_ready()
    draw = make.make_draw(until="entered")
    monkeypatch.setattr(tasks.draw_lots, "delay", no_broker)
    with django_capture_on_commit_callbacks(execute=True):
        services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)
    assert Draw.objects.get().status == Status.CONFIRMED
    monkeypatch.setattr(tasks.draw_lots, "delay", tasks.draw_lots)
    tasks.go_on_with_draws()
    assert Draw.objects.get().status == Status.DRAWN


def test_a_job_has_the_rights_it_needs_and_the_web_cannot_allot(tilburg, as_role):
    make.make_ready()
    draw = make.make_draw(until="confirmed")
    with as_role("office_web"), pytest.raises(InsufficientPrivilege), transaction.atomic():
        drawing.draw_lots(draw_id=draw.pk)
    with as_role("office_worker"):
        assert drawing.draw_lots(draw_id=draw.pk)


def test_what_a_job_cannot_draw_is_told_and_tried_again(tilburg, settings):
    make.make_ready()
    draw = make.make_draw(until="confirmed")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new key"
    tasks.draw_lots(draw.pk)
    assert "cannot be opened" in Draw.objects.get().fault
    settings.SECRET_KEY = old
    tasks.draw_lots(draw.pk)
    assert (Draw.objects.get().status, Draw.objects.get().fault) == (Status.DRAWN, "")


def test_a_job_may_take_longer_than_a_page(tilburg):
    with transaction.atomic(), connection.cursor() as cursor:
        allow_long_statements()
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("110s",)


@pytest.mark.django_db(transaction=True)
def test_draws_asked_for_at_one_moment_are_one_draw():
    make.make_trial()
    make.make_consented()
    by = make.someone()
    results = together(*[lambda: request(by=by)] * 10)
    assert len(faults(results)) == 9
    assert all(isinstance(fault, services.DrawNotReady) for fault in faults(results)), results


@pytest.mark.django_db(transaction=True)
def test_two_workers_freeze_one_list():
    make.make_trial()
    make.make_ready()
    draw = make.make_draw(until="requested")
    assert sorted(together(*[lambda: freezing.freeze_list(draw_id=draw.pk)] * 6)) == [False] * 5 + [True]
    assert [event.verb for event in audit.events()].count("draw.committed") == 1


def test_the_secret_opens_under_an_older_key_and_not_under_a_foreign_one(tilburg, second, settings):
    make.make_ready()
    draw = make.make_draw(until="entered")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "a new key"
    with pytest.raises(services.DrawNotReady, match="cannot be opened"):
        services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)
    settings.SECRET_KEY_FALLBACKS = [old]
    services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)
    assert drawing.draw_lots(draw_id=draw.pk)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE randomization_allocation SET arm = 'control'", "written once"),
        ("DELETE FROM randomization_allocation", "written once"),
        ("UPDATE randomization_draw SET beacon = 'other'", "is final"),
        ("DELETE FROM randomization_draw", "is final"),
    ],
)
def test_a_draw_cannot_be_undone_even_in_the_database(tilburg, statement, message):
    make.make_drawn()
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE randomization_draw SET record = '{}'", "published list"),
        ("UPDATE randomization_draw SET event = '7'", "what draw"),
        ("UPDATE randomization_draw SET source = 'elsewhere'", "what draw"),
        ("UPDATE randomization_draw SET beacon = 'other'", "taken back in public"),
        ("DELETE FROM randomization_draw", "is final"),
        ("UPDATE randomization_draw SET status = 'lost'", "draw_status_known"),
        ("UPDATE randomization_draw SET status = 'drawn'", "draw_drawn_by_two"),
        ("UPDATE randomization_draw SET confirmed_by_id = entered_by_id, drawn_at = now()", "needs_two_persons"),
        ("UPDATE randomization_draw SET list_hash = 'other'", "published list"),
        ("UPDATE randomization_draw SET status = 'confirmed'", "draw_drawn_by_two"),
    ],
)
def test_a_published_list_cannot_be_swapped(tilburg, statement, message):
    make.make_ready()
    make.make_draw(until="entered")
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_after_a_restore_no_new_list_is_closed_but_a_published_one_is_drawn(tilburg, settings, tmp_path, first, second):
    """What was drawn after the backup is known outside: another list could give the same people other groups."""
    published = make.make_ready()
    draw = make.make_draw(until="entered")
    settings.ANCHOR_FILE = str(tmp_path / "ahead")
    Path(settings.ANCHOR_FILE).write_text(f"{audit.head()[0] + 9} {'ab' * 32}\n", "ascii")
    services.confirm_beacon(draw_id=draw.pk, beacon=make.BEACON, by=second)
    assert drawing.draw_lots(draw_id=draw.pk)
    assert Allocation.objects.get().household_id == published.pk
    make.make_ready()
    with pytest.raises(services.DrawNotReady, match="restored from a backup"):
        request(by=first)


def test_a_list_that_was_asked_for_before_a_restore_is_refused(tilburg, settings, tmp_path):
    make.make_ready()
    draw = make.make_draw(until="requested")
    settings.ANCHOR_FILE = str(tmp_path / "ahead")
    Path(settings.ANCHOR_FILE).write_text(f"{audit.head()[0] + 9} {'ab' * 32}\n", "ascii")
    assert freezing.freeze_list(draw_id=draw.pk) is False
    draw.refresh_from_db()
    assert draw.status == Status.REFUSED
    assert "restored from a backup" in draw.fault
    assert draw.record == ""


@pytest.mark.parametrize(
    "change",
    ["status = 'entered'", "status = 'committed'", "beacon = 'other'", "evidence = 'other'", "confirmed_by_id = NULL"],
)
def test_what_two_persons_confirmed_can_only_be_drawn(tilburg, change):
    make.make_ready()
    make.make_draw(until="confirmed")
    with pytest.raises(IntegrityError, match="can only be drawn"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE randomization_draw SET {change}")
