"""One approved run, in the study worker beside the vault.

It joins, in memory only, what the office sent (under pseudonyms by now) with the scores, runs the registered
plan, stores aggregates and destroys the workspace. It has no models: everything goes through functions of the
research cluster, and through a login that works only while a run is under way.
"""

import csv
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from celery import shared_task
from django.db import DatabaseError, connection

from analysis.study import disclosure, outcomes
from surveys.vault import state
from trialmgr.core import clock, env
from trialmgr.protocol.reading import restore, sha256
from trialmgr.protocol.schema import Protocol

log = logging.getLogger("trialmgr.study")
MOST_BEGINS = 3


@shared_task(name="analysis.study.run")
def run(code: str) -> None:
    """Do the run whose outcomes wait in the workspace. Safe to ring twice; a killed worker's run is done again."""
    try:
        content = state.read_workspace(code)
    except FileNotFoundError:
        return
    sweep_release()
    if state.count_begin(code) > MOST_BEGINS:
        _give_up(code)
        return
    try:
        document = _call("SELECT study.begin(%s)", code)
    except DatabaseError:
        log.warning("run refused: not approved by two")
        state.destroy_workspace(code)
        return
    try:
        protocol = restore(json.loads(document))
        found = json.dumps({**_analyse(protocol, content), "protocol": sha256(protocol)}, sort_keys=True)
    except Exception as error:  # a run that cannot be done is told to the researchers; no value goes along
        log.exception("run failed")
        _call("SELECT study.fail(%s, %s)", code, f"{type(error).__name__}: see the log of the study worker")
    else:
        _call("SELECT study.finish(%s, %s)", code, found)
    finally:
        state.destroy_workspace(code)


def _give_up(code: str) -> None:
    """It took the worker along each time: by its length, or by the memory it needs."""
    log.warning("run given up: the worker was stopped %d times in it", MOST_BEGINS)
    _call(
        "SELECT study.fail(%s, %s)", code, f"The study worker was stopped {MOST_BEGINS} times in this run: see its log."
    )
    state.destroy_workspace(code)


@shared_task(name="analysis.study.sweep")
def sweep() -> None:
    """Do runs whose bell was lost, give up those whose rows are lost, and leave no door open."""
    for code in state.workspaces():
        run(code)
    for code in _lost():
        log.warning("run given up: the worker was stopped half-way and its rows are gone")
        _call("SELECT study.fail(%s, %s)", code, "The study worker was stopped half-way, and the outcomes are gone.")
    sweep_release()


def _lost() -> list[str]:
    """Runs that were begun and whose rows are not here. Asked in this order: a run's rows stay until it has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT run FROM study.running_runs()")
        running = [code for (code,) in cursor.fetchall()]
    return sorted(set(running) - set(state.workspaces()))


def sweep_release() -> None:
    """Shut the login of approved runs when a run that was killed left it open."""
    why = _call("SELECT study.sweep_release()")
    if why:
        log.warning("the release login was shut: %s", why)


def _call(statement: str, *values: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return str(cursor.fetchone()[0])


def _analyse(protocol: Protocol, content: dict[str, Any]) -> dict[str, Any]:
    records = outcomes.table(protocol, content["rows"], _scores(protocol))
    with _workspace() as place:
        plan, data = place / "plan.json", place / "data.csv"
        plan.write_text(json.dumps(protocol.analysis.plan.as_data()), "utf-8")
        _write(data, records)
        from analysis.estimators.results import to_json  # statsmodels is loaded for a run only
        from analysis.estimators.run import run_file

        results = json.loads(to_json(run_file(plan, data)))
    found = disclosure.guarded(results, protocol, _stored(protocol.code))
    return {**found, "data_on": clock.today().isoformat()}


def _stored(trial: str) -> list[dict[str, Any]]:
    """The results there are, also sealed ones: one day they are open together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT document FROM study.stored_results(%s)", [trial])
        return [json.loads(document) for (document,) in cursor.fetchall()]


def _scores(protocol: Protocol) -> dict[str, dict[tuple[str, str, str], float | None]]:
    """All scores of the trial, by pseudonym; read once, under the login of this run."""
    found: dict[str, dict[tuple[str, str, str], float | None]] = {}
    query = """
        SELECT encode(s.pseud, 'hex'), w.name, s.instrument, s.scale, s.value
        FROM answers.score s JOIN answers.wave w ON w.number = s.wave WHERE w.study = %s
    """
    with psycopg.connect(env.secret("STUDY_DATABASE_URL")) as release:
        for pseud, wave, instrument, scale, value in release.execute(query, [protocol.code]):
            found.setdefault(pseud, {})[wave, instrument, scale] = value
    return found


@contextmanager
def _workspace() -> Iterator[Path]:
    """A directory of our own that is gone afterwards; in memory where the machine has such a place."""
    memory = Path("/dev/shm")  # noqa: S108 -- a private directory is made inside
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        yield Path(place)


def _write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
