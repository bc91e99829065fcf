"""What the vault does: seal links, tell who submitted, load an approved run, erase. Each leaves a line of counts."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from surveys.sealing import Seat, pseudonym, seal
from surveys.vault import keys, state, store
from trialmgr.core import clock
from trialmgr.core.errors import DomainError

log = logging.getLogger("trialmgr.vault")

LEAST_PERSONS = 20
LEAST_INTERVAL = timedelta(hours=20)
RUN_TASK, RUN_QUEUE = "analysis.study.run", "study"


class Refused(DomainError):
    """The vault does not answer such a question."""


def seal_links(*, study: str, wave: str, last_day: date, pids: Sequence[str]) -> list[str]:
    """A fresh link for each person, in the order given; nothing is kept. Raises UnknownWave."""
    number = store.wave_number(study, wave)
    links = [seal(keys.link_key(), Seat(pseudonym(keys.map_key(), study, pid), number, last_day)) for pid in pids]
    log.info("sealed study=%s wave=%s links=%d", study, wave, len(links))
    return links


def submitted_of(*, study: str, wave: str, pids: Sequence[str]) -> list[str]:
    """Those of the given persons who have submitted, sorted.

    Never for fewer than 20 persons and never twice within 20 hours: otherwise asking often would show the moment at
    which one person answered. Raises Refused, TooSoon, UnknownWave.
    """
    number = store.wave_number(study, wave)
    people = {pseudonym(keys.map_key(), study, pid): pid for pid in pids}
    if len(people) < LEAST_PERSONS:
        log.warning("refused status study=%s wave=%s persons=%d: too few", study, wave, len(people))
        raise Refused(f"a status is given for {LEAST_PERSONS} persons or more, never for one")
    try:
        with state.once_per(LEAST_INTERVAL, what=f"{study}/{wave}", now=clock.now()):
            found = sorted(people[mark] for mark in store.submitted(number, people))
    except state.TooSoon:
        log.warning("refused status study=%s wave=%s persons=%d: too soon", study, wave, len(people))
        raise
    log.info("status study=%s wave=%s persons=%d", study, wave, len(people))
    return found


def load_run(*, run: str, study: str, rows: Sequence[dict[str, Any]], extra: dict[str, Any]) -> int:
    """Keep the outcome rows of one run for the study worker, pseudonyms in the place of person ids, and ring for it.

    Each row has a `pid`, which becomes `pseud` (64 hexadecimal digits). The rows wait encrypted on our own disk.
    Raises Refused for a run that nobody approved.
    """
    if {"run": run, "study": study} not in store.wanted_runs():
        log.warning("refused load run=%s study=%s rows=%d: not approved", run, study, len(rows))
        raise Refused(f"run {run} of {study} is not approved and waiting for outcomes")
    kept = [
        {**{name: value for name, value in row.items() if name != "pid"}, "pseud": _pseud(study, row["pid"])}
        for row in rows
    ]
    state.put_workspace(run, {"run": run, "study": study, "rows": sorted(kept, key=_by_pseud), "extra": extra})
    log.info("loaded run=%s study=%s rows=%d", run, study, len(kept))
    _ring(run)
    return len(kept)


def erase(*, study: str, pid: str) -> None:
    """Remove all answers of a person, for good: the fingerprint is noted first, so that a restore cannot undo it."""
    mark = pseudonym(keys.map_key(), study, pid)
    state.note_erasure(hashlib.sha256(b"erased|" + mark).digest())
    store.erase(mark)
    log.info("erased study=%s persons=1", study)


@transaction.atomic
def replay_erasures() -> int:
    """Erase again whoever was ever erased, after the research cluster was restored; gives how many are on the list."""
    marks = state.erasures()
    store.erase_listed(marks)
    log.info("replayed erasures=%d", len(marks))
    return len(marks)


def _ring(run: str) -> None:
    try:
        current_app.send_task(RUN_TASK, args=[run], queue=RUN_QUEUE)
    except OperationalError:  # the rows are safe: the study worker's beat looks for runs that wait
        log.warning("loaded run=%s: the broker does not answer, the study worker will find it", run)


def _pseud(study: str, pid: str) -> str:
    return pseudonym(keys.map_key(), study, pid).hex()


def _by_pseud(row: dict[str, Any]) -> str:
    return str(row["pseud"])
