"""A process that finds what belongs to another does not start, and says what to remove."""

import os

import pytest

from tests.starting import starts
from trialmgr.demo import environment, keys
from trialmgr.processes import HOLDERS, Process

SERVED = [process for process in Process if process is not Process.TOOL]
AT_THE_START = {
    Process.OFFICE: "RESEARCH_DATABASE_URL",
    Process.RESEARCH: "OFFICE_DATABASE_URL",
    Process.SURVEY: "VAULT_MAP_KEY",
    Process.VAULT: "OFFICE_DATABASE_URL",
}
FOREIGN = [(process, name) for process in SERVED for name, holders in HOLDERS.items() if process not in holders]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("place")
    keys.ensure(home / "keys")
    return environment.Place.at(home)


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


def test_it_ends_with_a_message_that_holds_no_secret(place):
    address = "postgresql://x@localhost/x"
    found = starts([environment.of(process, place) | {name: address} for process, name in AT_THE_START.items()])
    for (process, name), line in zip(AT_THE_START.items(), found, strict=True):
        assert f"the {process} process found {name}" in line
        assert address not in line


def test_an_unknown_kind_of_process_is_refused(place):
    (line,) = starts([environment.of("office", place) | {"TRIALMGR_PROCESS": "everything"}])
    assert "TRIALMGR_PROCESS is 'everything': write one of" in line
