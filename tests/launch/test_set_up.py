"""A bare machine: what is missing is said in one line."""

import os
import shutil
import subprocess
import time

import pytest

from tests.running_demo import ROOT
from trialmgr.core import messages
from trialmgr.demo import __main__ as demonstration
from trialmgr.demo import bootstrap
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.supervisor import Lock


def make(*words, path):
    return subprocess.run(
        [shutil.which("make"), *words],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tools(tmp_path):
    """A PATH with a shell's basics and no Python."""
    for name in ("sh", "echo", "grep", "awk"):
        (tmp_path / name).symlink_to(shutil.which(name))
    return tmp_path


def test_a_machine_without_a_new_enough_python_is_told_so(tools):
    old = tools / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make("demo", path=tools)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "Python 3.11 or newer is needed: install it first"


def test_help_lists_what_there_is(tools):
    done = make("help", path=tools)
    for name in ("demo", "demo-reset", "test", "check", "bench"):
        assert f"make {name} " in done.stdout


def test_too_little_room_on_the_disk_is_said_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    with pytest.raises(SystemExit, match=r"^\d+ MB is free at .*: 999999999 MB is needed$"):
        bootstrap.install("run", room=999_999_999)
    assert not (tmp_path / ".venv").exists()


def test_room_for_the_data_is_asked_for_when_the_packages_are_there(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "link")
    monkeypatch.setattr(bootstrap, "ROOM_FOR_DATA", 999_999_999)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"MB is free at .*: 999999999 MB is needed$"):
        bootstrap.main("run", "-m", "trialmgr.demo")


def test_a_place_that_cannot_be_written_is_named_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(demonstration, "HOME", tmp_path / "file" / "var")
    with pytest.raises(LaunchError, match=r"^.*/file/var cannot be written \(Not a directory\): put the repository"):
        demonstration.make_home()


def test_who_starts_a_second_demo_hears_so_at_once_and_waits_for_one_that_stops(tmp_path):
    first = Lock(tmp_path / "lock")
    first.acquire(0, lambda: None)
    begin = time.monotonic()
    with pytest.raises(LaunchError, match=rf"^the demo is already running here \(process {os.getpid()}\): stop it"):
        Lock(tmp_path / "lock").acquire(25, lambda: None)
    assert time.monotonic() - begin < 5
    first.stopping()
    second = Lock(tmp_path / "lock")
    second.acquire(25, first.file.close)
    second.file.close()


def test_nothing_is_installed_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    (tmp_path / "installed-dev").write_text(bootstrap.fingerprint("dev"))
    bootstrap.install("run", room=999_999_999)
    bootstrap.install("dev", room=999_999_999)


def test_pips_own_reason_is_passed_on():
    words = ["Collecting a\n", "ERROR: No matching distribution found for a==1\n", "\n"]
    assert bootstrap.reason(words) == "ERROR: No matching distribution found for a==1"


def test_a_missing_translation_is_named_and_a_given_one_is_used(tmp_path):
    source = tmp_path / "trialmgr" / "locale" / "nl" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "coach"\nmsgstr "coach"\n'
    )
    (tmp_path / "trialmgr" / "words.py").write_text('A = _("coach")\nB = pgettext("of mail", "sent")\n')
    (tmp_path / "templates").mkdir()
    page = '{% load i18n %}{% translate "Draw" %}{% blocktranslate %}x{% endblocktranslate %}'
    (tmp_path / "templates" / "a.html").write_text(page)
    assert messages.untranslated(tmp_path) == [
        "templates/a.html: 'Draw' has no Dutch",
        "templates/a.html: 'x' has no Dutch",
        "trialmgr/words.py: 'sent' (of mail) has no Dutch",
    ]
    assert messages.compile_all(tmp_path) == 1
    assert messages.compile_all(tmp_path) == 0
    assert source.with_suffix(".mo").stat().st_size > 0
