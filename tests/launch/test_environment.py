"""Each process gets what it needs and no secret of another."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.starting import starts
from trialmgr import processes
from trialmgr.core import age
from trialmgr.demo import __main__ as demonstration
from trialmgr.demo import environment, keys, manage
from trialmgr.processes import Process
from trialmgr.schedule import schedule

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"

OF_ALL = ("TRIALMGR_SECRET_KEY", "TRIALMGR_ALLOWED_HOSTS")
OF_STAFF = (*OF_ALL, "TRIALMGR_SECOND_FACTOR_KEYS", "TRIALMGR_ANCHOR_FILE", "TRIALMGR_SMTP_HOST", "TRIALMGR_MAIL_FROM")
OF_OFFICE = ("OFFICE_DATABASE_URL", "OFFICE_BROKER_URL", "VAULT_URL", "VAULT_TOKEN")
NEEDED = {
    "office": (*OF_STAFF, *OF_OFFICE, "TRIALMGR_OFFICE_URL", "TRIALMGR_SURVEY_URL"),
    "survey": (*OF_ALL, "RESEARCH_DATABASE_URL", "SURVEY_LINK_KEY"),
    "research": (*OF_STAFF, "RESEARCH_DATABASE_URL", "RESEARCH_BROKER_URL", "TRIALMGR_RESEARCH_URL"),
    "vault": (*OF_ALL, "RESEARCH_DATABASE_URL", "VAULT_BROKER_URL", "VAULT_TOKEN", "VAULT_MAP_KEY", "VAULT_STATE_DIR"),
}


@pytest.fixture
def place(tmp_path):
    return environment.Place.at(tmp_path, port_base=8000)


@pytest.mark.parametrize("process", ["office", "survey", "research", "vault"])
def test_a_process_starts_with_its_own_environment(place, process, monkeypatch):
    for name, value in environment.of(process, place).items():
        monkeypatch.setenv(name, value)
    assert processes.current() == process


def test_the_study_worker_alone_holds_the_login_of_an_approved_run(place):
    holders = [name for name in environment.LOGIN if "STUDY_DATABASE_URL" in environment.of(name, place)]
    assert holders == []
    assert "research_release@" in environment.study(place)["STUDY_DATABASE_URL"]


def test_a_process_that_finds_anothers_credentials_refuses_to_start(place, monkeypatch):
    for name, value in environment.of("office", place).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VAULT_MAP_KEY_FILE", "/keys/vault-map")
    with pytest.raises(ImproperlyConfigured, match="the office process found VAULT_MAP_KEY"):
        processes.current()


@pytest.mark.parametrize("process", ["office", "survey", "research", "vault"])
def test_a_missing_variable_stops_the_start_and_is_named(place, process):
    keys.ensure(place.home / "keys")
    given = environment.of(process, place)
    lacking = [{key: given[key] for key in given if key not in (name, f"{name}_FILE")} for name in NEEDED[process]]
    *refused, started = starts([*lacking, given])
    assert started == "started"
    for name, line in zip(NEEDED[process], refused, strict=True):
        assert line.startswith(f"{name} is not set: this process needs it")


FOREIGN_LOGINS = {
    ("survey", "RESEARCH_DATABASE_URL", "research_vault"): "survey_app",
    (
        "research",
        "RESEARCH_DATABASE_URL",
        "survey_app",
    ): "research_web, research_scoring, research_migrate, research_backup",
    ("office", "OFFICE_DATABASE_URL", "postgres"): "office_web, office_worker, office_migrate, office_backup",
    ("office", "OFFICE_DATABASE_URL", ""): "office_web, office_worker, office_migrate, office_backup",
    ("vault", "STUDY_DATABASE_URL", "research_vault"): "research_release",
}


def test_a_login_of_another_process_or_of_a_superuser_is_refused_under_any_variable(place):
    keys.ensure(place.home / "keys")
    given = [
        environment.of(process, place) | {variable: f"postgresql://{login}:secret@db.example/x"}
        for process, variable, login in FOREIGN_LOGINS
    ]
    for ((process, variable, login), allowed), line in zip(FOREIGN_LOGINS.items(), starts(given), strict=True):
        assert line == f"the {process} process found {variable} with the login {login!r}: it may log in as {allowed}"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["manage.py", "check"], 2),
        (["-m", "gunicorn", "trialmgr.wsgi", "--preload", "--bind", "127.0.0.1:0"], 2),
        (["-m", "celery", "-A", "trialmgr", "worker"], 1),
    ],
)
def test_a_wrong_environment_ends_each_program_with_one_line(command, code):
    env = {"PATH": os.defpath, "TRIALMGR_PROCESS": "office"}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    line = "TRIALMGR_SECRET_KEY is not set: this process needs it, see docs/configuration.md\n"
    assert (done.returncode, done.stderr) == (code, line)


def test_an_address_of_another_kind_of_database_is_refused_without_its_password(place):
    keys.ensure(place.home / "keys")
    (line,) = starts([environment.of("office", place) | {"OFFICE_DATABASE_URL": "mysql://office_web:secret@x/office"}])
    assert line == "OFFICE_DATABASE_URL does not begin with postgresql://, see docs/configuration.md"


@pytest.mark.parametrize("process", ["office", "research", "vault"])
def test_by_the_documented_commands_each_process_rings_for_its_own_work(process):
    queue = "study" if process == "vault" else process
    (command,) = re.findall(rf"`celery -A trialmgr worker --queues {queue}[^`]*`", CONFIGURATION.read_text("utf-8"))
    assert schedule(Process(process), 60)
    assert "--beat" in command
    demo = {name: argv for name, argv, _ in demonstration.processes(environment.Place.at(Path("/x")))}
    assert "--beat" in demo[f"{queue}-worker"]


def test_a_study_worker_without_the_login_of_runs_ends_at_once_and_says_so(place):
    keys.ensure(place.home / "keys")
    argv = demonstration.celery("study", "study")
    done = subprocess.run(
        argv, cwd=ROOT, env=environment.of("vault", place), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "STUDY_DATABASE_URL is not set: the study worker needs it" in done.stderr


def test_outside_a_demo_the_survey_starts_only_with_a_level_that_it_can_promise(place):
    keys.ensure(place.home / "keys")
    given = {name: value for name, value in environment.of("survey", place).items() if name != "TRIALMGR_DEMO"}
    lacking = {name: value for name, value in given.items() if name != "TRIALMGR_PRIVACY_LEVEL"}
    odd = given | {"TRIALMGR_PRIVACY_LEVEL": "L3"}
    assert starts([lacking, odd, given, lacking | {"TRIALMGR_DEMO": "1"}]) == [
        "TRIALMGR_PRIVACY_LEVEL is not set: this process needs it, see docs/configuration.md",
        "TRIALMGR_PRIVACY_LEVEL is 'L3': write one of L0, L1, L2",
        "started",
        "started",
    ]


@pytest.mark.parametrize(
    ("process", "work", "login"),
    [
        ("office", ["backup", "/tmp/x"], "office_backup"),
        ("research", ["backup", "/tmp/x"], "research_backup"),
        ("research", ["restore", "/tmp/x"], "research_migrate"),
        ("office", ["audit_verify"], "office_web"),
        ("vault", ["replay_erasures"], "research_vault"),
    ],
)
def test_a_command_of_the_demo_gets_the_login_that_it_has_in_production(place, process, work, login):
    given = manage.environment_for(process, work, place, None)
    assert f"//{login}@" in given["OFFICE_DATABASE_URL" if process == "office" else "RESEARCH_DATABASE_URL"]
    assert ("TRIALMGR_RESTORE_KEY_FILE" in given) == (work[0] == "restore")
    other = manage.environment_for(process, work, place, "postgres")
    assert any("//postgres@" in value for value in other.values())


def test_nothing_of_the_shell_leaks_into_a_process(place, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "x")
    assert "SOME_TOKEN" not in environment.of("office", place)


def test_port_base_moves_every_port(tmp_path):
    place = environment.Place.at(tmp_path, port_base=9000)
    assert [place.port(name) for name in ("office", "survey", "research", "vault", "mail", "smtp")] == [
        9000,
        9001,
        9002,
        9003,
        9025,
        9026,
    ]


def test_a_port_base_that_is_no_number_is_refused_in_one_line(tmp_path):
    line = [sys.executable, "-m", "trialmgr.demo.manage", "office", "audit_verify"]
    env = os.environ | {"TRIALMGR_DEMO_HOME": str(tmp_path), "PORT_BASE": "abc"}
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "PORT_BASE is 'abc': write a number from 1024 to 65000\n")


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path):
    keys.ensure(tmp_path / "keys")
    first = {path.name: path.read_text("ascii") for path in (tmp_path / "keys").iterdir()}
    keys.ensure(tmp_path / "keys")
    assert first == {path.name: path.read_text("ascii") for path in (tmp_path / "keys").iterdir()}
    assert len(set(first.values())) == len(keys.NAMES) + 2 * len(keys.PAIRS)
    assert all(len(bytes.fromhex(first[name])) == 32 for name in keys.NAMES)
    for name in keys.PAIRS:
        assert f"{age.identity_of(first[name].strip()).to_public()}\n" == first[f"{name}.pub"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_command_before_any_demo_was_started_is_answered_in_one_line(tmp_path):
    line = [sys.executable, "-m", "trialmgr.demo.manage", "office", "audit_verify"]
    env = os.environ | {"TRIALMGR_DEMO_HOME": str(tmp_path / "none")}
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"no demo was started here ({tmp_path / 'none'}): run `make demo` first\n"
