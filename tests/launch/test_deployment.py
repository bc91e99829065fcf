"""What `check --deploy` asks of an installation, and how a release gets it."""

import subprocess
import sys

import pytest

from tests.running_demo import ROOT
from trialmgr.demo import environment, keys
from trialmgr.processes import DEMO_ONLY

HARMFUL = {
    "TRIALMGR_DEMO": ("1", "TRIALMGR_DEMO: for demo and tests only"),
    "TRIALMGR_ALLOWED_HOSTS": ("office.example,*", "TRIALMGR_ALLOWED_HOSTS holds *"),
    "TRIALMGR_SURVEY_URL": ("http://survey.example", "TRIALMGR_SURVEY_URL does not begin with https://"),
    "VAULT_URL": ("http://vault.example", "VAULT_URL does not begin with https://"),
    "TRIALMGR_ANCHOR_FILE": ("/nowhere/anchors", "The folder of TRIALMGR_ANCHOR_FILE does not exist"),
    "VAULT_TOKEN": ("secret", "VAULT_TOKEN is not 64 hexadecimal digits"),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """The environment of an office in production."""
    home = tmp_path_factory.mktemp("production")
    keys.ensure(home / "keys")
    (home / "anchors").mkdir()
    found = environment.of("office", environment.Place.at(home))
    found["VAULT_TOKEN"] = (home / "keys" / found.pop("VAULT_TOKEN_FILE").rpartition("/")[2]).read_text().strip()
    for name in ("OFFICE_URL", "SURVEY_URL"):
        found[f"TRIALMGR_{name}"] = f"https://{name.lower()}.example"
    kept = {name: value for name, value in found.items() if name not in DEMO_ONLY}
    return kept | {"VAULT_URL": "https://vault.example", "TRIALMGR_RESEARCH_URL": ""}


def manage(variables, *work):
    argv = [sys.executable, "manage.py", *work]
    return subprocess.run(argv, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_an_installation_whose_release_was_not_prepared_is_told_so_and_then_passes(office):
    deploy = ["check", "--deploy", "--fail-level", "WARNING", "--tag", "trialmgr"]
    before = manage(office, *deploy)
    assert before.returncode == 1
    assert "(trialmgr.E002)" in before.stderr
    assert "Run manage.py prepare_release, at each release." in before.stderr
    done = manage(office, "prepare_release")
    assert done.stdout.endswith(f"files for browsers in {office['TRIALMGR_STATIC_ROOT']}\n"), done.stderr
    assert manage(office, *deploy).stderr == ""


def test_settings_that_would_harm_somebody_are_named_together(office):
    harmed = office | {name: value for name, (value, _said) in HARMFUL.items()} | {"TRIALMGR_CLOCK_FILE": "/tmp/clock"}
    said = manage(harmed, "check", "--deploy", "--tag", "trialmgr").stderr
    for _value, text in HARMFUL.values():
        assert text in said.replace("TRIALMGR_DEMO, TRIALMGR_CLOCK_FILE", "TRIALMGR_DEMO")
