"""The login that joins answers and outcomes works during an approved run; what leaves it open is swept (P20)."""

import json
import multiprocessing
import time
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone, translation

from analysis.study import services, tasks, worker
from analysis.study.models import Result, Run
from surveys.vault import state
from tests.conftest import acting_as
from trialmgr.core import audit, privacy

pytestmark = pytest.mark.django_db
LATE = "ALTER ROLE research_release VALID UNTIL '2019-03-05 08:00'"
PROMISE = "The login that joins answers and outcomes works during an approved run only."


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch, dsn_of):
    """A vault's directory and the study worker's login, in a process that has neither."""
    monkeypatch.setattr(state, "directory", lambda: tmp_path)
    monkeypatch.setattr(state, "_workspace_key", lambda: bytes(32))
    monkeypatch.setenv("STUDY_DATABASE_URL", dsn_of("research_release"))
    monkeypatch.setattr(worker, "_analyse", lambda protocol, content: {"analyses": []})


@pytest.fixture
def approved(run, principal, steward):
    for by in (principal, steward):
        services.approve_run(run_id=run.pk, by=by)
    run.refresh_from_db()
    return run


@pytest.fixture
def loaded(approved):
    """An approved run whose outcomes wait beside the vault."""
    state.put_workspace(approved.code, {"study": "tilburg", "rows": [], "extra": {}})
    return approved


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchone() if cursor.description else None


def door():
    """Whether the login is let in, and until when."""
    return execute("SELECT rolcanlogin, rolvaliduntil FROM pg_roles WHERE rolname = 'research_release'")


def events():
    return [(event.verb, event.object, event.trial, event.reason) for event in audit.events()][4:]


def begin(run):
    with acting_as("research_vault"):
        execute("SELECT study.begin(%s)", run.code)


def test_a_run_opens_the_login_for_an_hour_and_shuts_it(loaded, as_role):
    begin(loaded)
    open_now, until = door()
    assert open_now
    assert timedelta(minutes=59) < until - timezone.now() < timedelta(minutes=61)
    with as_role("research_vault"):
        worker.run(loaded.code)
    assert not door()[0]
    assert (Run.objects.get().status, state.workspaces()) == ("done", [])
    assert json.loads(Result.objects.get().document) == {"analyses": [], "protocol": loaded.registration.sha256}
    about = f"run:{loaded.code}"
    digest = Result.objects.get().sha256
    assert events() == [
        ("run.begun", about, "tilburg", ""),
        ("run.begun", about, "tilburg", ""),
        ("run.done", about, "tilburg", f"result {digest}"),
    ]


def test_a_run_that_fails_shuts_the_login_and_says_so(loaded, as_role, monkeypatch):
    monkeypatch.setattr(worker, "_analyse", lambda protocol, content: 1 / 0)
    with as_role("research_vault"):
        worker.run(loaded.code)
    assert not door()[0]
    assert [event[0] for event in events()] == ["run.begun", "run.failed"]


def test_a_run_that_took_the_worker_along_three_times_is_given_up(loaded, as_role):
    for _time in range(worker.MOST_BEGINS):
        begin(loaded)
        state.count_begin(loaded.code)
    with as_role("research_vault"):
        worker.sweep()
    row = Run.objects.get()
    assert (row.status, row.fault) == ("failed", "The study worker was stopped 3 times in this run: see its log.")
    assert not door()[0]
    assert list(state.directory().glob(f"{loaded.code}*")) == []


@pytest.mark.parametrize("login", ["research_vault", "research_scoring"])
def test_a_login_left_open_with_no_run_under_way_is_shut(approved, as_role, login, caplog):
    execute("SELECT ops.open_release()")
    with as_role(login):
        (worker if login == "research_vault" else tasks).sweep_release()
    assert not door()[0]
    assert events() == [("release.shut", "login:research_release", "", "no run is under way")]
    assert "the release login was shut: no run is under way" in caplog.text


def test_while_a_run_is_under_way_the_sweeper_leaves_it_alone_for_an_hour(approved, as_role):
    begin(approved)
    with as_role("research_scoring"):
        assert services.sweep_release() == ""
    assert door()[0]
    execute(LATE)
    with as_role("research_scoring"):
        assert services.sweep_release() == "open for longer than an hour"
        assert services.sweep_release() == ""
    assert not door()[0]
    assert [event[0] for event in events()] == ["run.begun", "release.shut"]


def test_a_run_first_shuts_what_another_left_open(loaded, as_role):
    execute("SELECT ops.open_release()")
    with as_role("research_vault"):
        worker.run(loaded.code)
    assert [event[0] for event in events()] == ["release.shut", "run.begun", "run.done"]


def test_a_run_whose_rows_are_lost_is_given_up(approved, as_role):
    begin(approved)
    with as_role("research_vault"):
        worker.sweep()
    row = Run.objects.get()
    assert (row.status, row.fault) == ("failed", "The study worker was stopped half-way, and the outcomes are gone.")
    assert not door()[0]
    assert [event[0] for event in events()] == ["run.begun", "run.failed"]


def test_a_run_that_waits_for_its_outcomes_is_not_given_up(approved, as_role):
    with as_role("research_vault"):
        worker.sweep()
    assert Run.objects.get().status == "approved"
    assert events() == []


def test_verify_privacy_names_a_login_that_is_open_too_long(approved):
    def broken():
        with acting_as("research_web"), translation.override("en"):
            return [one.promise for one in privacy.findings() if not one.holds]

    begin(approved)
    assert PROMISE not in broken()
    execute(LATE)
    assert PROMISE in broken()


def lets_in(dsn):
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError as error:
        return "not permitted to log in" not in str(error)
    return True


def work_and_hang(code, reading):
    """A study worker that has read the scores and is at its sums."""

    def hang(protocol, content):
        worker._scores(protocol)
        reading.set()
        time.sleep(120)

    worker._analyse = hang
    with acting_as("research_vault"):
        worker.run(code)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_half_way_leaves_no_door_open_and_its_run_is_done_again(loaded, as_role, dsn_of, request):
    request.addfinalizer(lambda: execute("SELECT ops.close_release()"))
    release = dsn_of("research_release")
    fork = multiprocessing.get_context("fork")
    reading = fork.Event()
    connections.close_all()
    child = fork.Process(target=work_and_hang, args=(loaded.code, reading))
    child.start()
    assert reading.wait(60)
    child.kill()
    child.join()

    assert lets_in(release), "killed: nobody shut it"
    assert state.workspaces() == [loaded.code]
    inside = psycopg.connect(release)
    execute(LATE)
    with as_role("research_scoring"):
        tasks.sweep_release()
    assert not lets_in(release)
    with inside, pytest.raises(psycopg.OperationalError):
        inside.execute("SELECT 1")

    with as_role("research_vault"):
        worker.sweep()
    assert (Run.objects.get().status, state.workspaces()) == ("done", [])
    assert not lets_in(release)
    assert [event[0] for event in events()] == ["run.begun", "release.shut", "run.begun", "run.done"]
