"""A process that finds what belongs to another does not start, and says what to remove."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trialmgr.demo import environment, keys
from trialmgr.processes import HOLDERS, Process

ROOT = Path(__file__).resolve().parents[2]
SERVED = [process for process in Process if process is not Process.TOOL]
FOREIGN = [(process, name) for process in SERVED for name, holders in HOLDERS.items() if process not in holders]


def start(variables):
    argv = [sys.executable, "-c", "import django; django.setup()"]
    return subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("place")
    keys.ensure(home / "keys")
    return environment.Place.at(home)


@pytest.mark.parametrize("process", SERVED)
def test_a_process_starts_with_its_own(place, process):
    done = start(environment.of(process, place))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("process", "name"), FOREIGN)
def test_a_process_refuses_what_belongs_to_another(place, process, name, monkeypatch):
    from trialmgr import processes

    for variable in [one for one in os.environ if one.startswith("TRIALMGR_") or one in HOLDERS]:
        monkeypatch.delenv(variable)
    for form in (name, f"{name}_FILE"):
        with monkeypatch.context() as patch:
            for variable, value in environment.of(process, place).items():
                patch.setenv(variable, value)
            patch.setenv(form, "x")
            with pytest.raises(processes.ImproperlyConfigured, match=f"the {process} process found {name}"):
                processes.current()


@pytest.mark.parametrize(
    ("process", "name"),
    [
        (Process.OFFICE, "RESEARCH_DATABASE_URL"),
        (Process.RESEARCH, "OFFICE_DATABASE_URL"),
        (Process.SURVEY, "VAULT_MAP_KEY"),
        (Process.VAULT, "OFFICE_DATABASE_URL"),
    ],
)
def test_it_ends_with_a_message_and_does_not_run(place, process, name):
    done = start(environment.of(process, place) | {name: "postgresql://x@localhost/x"})
    assert done.returncode != 0
    assert f"the {process} process found {name}" in done.stderr
    assert "postgresql://x@localhost/x" not in done.stderr


@pytest.mark.parametrize("process", SERVED)
def test_a_missing_secret_stops_the_start_and_is_named(place, process):
    variables = environment.of(process, place)
    variables.pop("TRIALMGR_SECRET_KEY_FILE")
    done = start(variables)
    assert done.returncode != 0
    assert "TRIALMGR_SECRET_KEY is not set" in done.stderr


def test_an_unknown_kind_of_process_is_refused(place):
    done = start(environment.of("office", place) | {"TRIALMGR_PROCESS": "everything"})
    assert "TRIALMGR_PROCESS is 'everything': write one of" in done.stderr
