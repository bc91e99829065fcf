"""The demo from outside, with a trial in it: it survives what happens to it, and stops without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.running_demo import ROOT, RunningDemo
from trialmgr.demo.environment import Place
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.supervisor import Lock

PROC = Path("/proc")
KEPT = {
    "office": ("participants_step", "randomization_allocation", "coaching_contact", "mailing_invitation"),
    "research": ("answers.complete", "answers.score", "study_result"),
}
pytestmark = pytest.mark.slow


def restart(demo):
    demo.output.unlink(missing_ok=True)
    return demo.start().wait_until_ready()


def test_every_process_is_healthy(demo):
    for name in ("office", "survey", "research", "vault"):
        answer = json.loads(demo.get(name, "/healthz"))
        assert answer["process"] == name
        assert answer["ok"] is True, answer


def test_the_start_page_says_in_both_languages_what_this_is(demo):
    page = demo.get("office")
    assert 'lang="nl"' in page
    assert 'lang="en"' in page


def test_a_second_demo_in_the_same_place_is_refused_in_one_line(demo):
    with pytest.raises(LaunchError, match=r"already running here \(process \d+\)"):
        Lock(demo.home / "lock").acquire(0, lambda: None)


def test_a_port_in_use_is_named(demo, tmp_path):
    other = RunningDemo(tmp_path / "var", demo.port_base).start()
    assert other.process.wait(60) == 1
    line = other.said().strip().splitlines()[-1]
    assert line.startswith(f"port {demo.port_base} (office) is in use: stop what uses it")


def test_a_killed_worker_and_a_killed_broker_come_back(demo):
    before = set(demo.processes())
    victims = [
        pid for pid in before if b"celery\0-A\0trialmgr\0worker" in cmdline(pid) or b"valkey-server" in cmdline(pid)
    ]
    assert len(victims) >= 6
    for pid in victims:
        kill(pid)
    deadline = time.monotonic() + 60
    while json.loads(get_healthz(demo)).get("ok") is not True or not workers(demo) - before:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "is started again" in demo.said()


def test_kill_9_of_everything_loses_nothing(demo):
    deadline = time.monotonic() + 60  # the first run of the study may still be under way
    while min((before := rows(demo)).values()) == 0:
        assert time.monotonic() < deadline, before
        time.sleep(0.5)
    demo.kill_group()
    restart(demo)
    after = rows(demo)
    assert all(after[table] >= count for table, count in before.items()), (before, after)


def test_all_processes_together_need_less_memory_than_promised(demo):
    assert 0.2e9 < sum(map(memory, demo.processes())) < 1.5e9


def test_no_process_holds_a_secret_of_another(demo):
    for pid in demo.processes():
        held = {entry.partition(b"=")[0] for entry in (PROC / str(pid) / "environ").read_bytes().split(b"\0")}
        assert not (b"OFFICE_DATABASE_URL" in held and held & {b"RESEARCH_DATABASE_URL", b"VAULT_MAP_KEY_FILE"})


def test_logs_hold_no_secret(demo):
    secrets = [path.read_text("ascii").strip() for path in (demo.home / "keys").iterdir()]
    assert len(secrets) >= 7
    for log in (demo.home / "log").iterdir():
        text = log.read_text("utf-8", "replace")
        assert not [secret for secret in secrets if secret in text], log.name


def test_kill_9_of_the_supervisor_alone_ends_the_rest_and_the_next_start_is_quick(demo):
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 20
    while demo.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert demo.processes() == []
    restart(demo)
    # Ready within 20 s on 2 cores that do nothing else: measured in work done, for others may be at work here.
    assert sum(map(seconds_worked, demo.processes())) < 2 * 20


def test_reset_refuses_while_the_demo_runs(demo):
    refused = reset(demo)
    assert refused.returncode == 1
    assert "already running here" in refused.stderr


def test_ctrl_c_stops_everything_after_which_reset_clears_all(demo):
    assert demo.stop() == 0
    assert demo.processes() == []
    assert reset(demo).returncode == 0
    assert list(demo.home.iterdir()) == []


def rows(demo):
    """How much both sides hold of what people did."""
    clusters = Place.at(demo.home, port_base=demo.port_base).clusters
    found = {}
    for name, tables in KEPT.items():
        with psycopg.connect(clusters[name].dsn(f"{name}_migrate")) as connection:
            for table in tables:
                found[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def reset(demo):
    environment = {**os.environ, "TRIALMGR_DEMO_HOME": str(demo.home)}
    command = [sys.executable, "-m", "trialmgr.demo.reset"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def cmdline(pid):
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def kill(pid):
    with suppress(ProcessLookupError):  # a worker's child may have gone with its parent
        os.kill(pid, signal.SIGKILL)


def workers(demo):
    return {pid for pid in demo.processes() if b"celery\0-A\0trialmgr\0worker" in cmdline(pid)}


def get_healthz(demo):
    try:
        return demo.get("office", "/healthz")
    except OSError:
        return "{}"


def memory(pid):
    """Proportional set size in bytes."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def seconds_worked(pid):
    """Processor time of a process and of its children that have ended, in seconds."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
