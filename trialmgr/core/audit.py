"""The evidence of what was done: one hash-chained row per event, written in the transaction of the deed itself.

The chain's tables belong to a role that nobody can log in as; the application may only append.
What an event says of a person stands apart from the chain and can be erased without breaking it:
the chain holds its salted digest.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from trialmgr.core.models import User

GENESIS = "0" * 64
BACKWARDS = timedelta(seconds=5)
NO_TRIAL = ""
NO_END = 2**62
ERASED = "audit.detail_erased"
COLUMNS = "seq, at, actor, on_behalf, verb, object, reason, payload_digest, prev, hash, form, trial, site"
EVENTS = f"SELECT {COLUMNS} FROM audit.log WHERE seq > %s AND seq <= %s ORDER BY seq"  # noqa: S608 -- a constant
NEWEST = f"SELECT {COLUMNS} FROM audit.log WHERE seq < %s ORDER BY seq DESC LIMIT %s"  # noqa: S608
# Compared as rows, for with `trial = ...` the planner may walk back along `seq` through years of another trial.
NEWEST_OF_TRIAL = f"""
    SELECT {COLUMNS} FROM audit.log WHERE (trial, seq) > (%s, 0) AND (trial, seq) < (%s, %s)
    ORDER BY trial DESC, seq DESC LIMIT %s
"""  # noqa: S608
NEWEST_OF_SITES = f"""
    SELECT {COLUMNS} FROM unnest(%s::text[]) AS one(place) CROSS JOIN LATERAL (
        SELECT * FROM audit.log
        WHERE (trial, site, seq) > (%s, one.place, 0) AND (trial, site, seq) < (%s, one.place, %s)
        ORDER BY trial DESC, site DESC, seq DESC LIMIT %s) AS found
    ORDER BY seq DESC LIMIT %s
"""  # noqa: S608
# Erased ones are in order when an event of their own says so.
CHANGED_DETAIL = f"""
    SELECT l.seq, d.seq IS NULL FROM audit.log l LEFT JOIN audit.detail d USING (seq)
    WHERE encode(sha256(convert_to(d.salt || d.payload, 'UTF8')), 'hex') IS DISTINCT FROM l.payload_digest
      AND (d.seq IS NOT NULL OR NOT EXISTS (
          SELECT FROM audit.log e WHERE e.object = 'event:' || l.seq AND e.verb = '{ERASED}'))
    ORDER BY l.seq LIMIT 1
"""  # noqa: S608
TOLD = """
    SELECT verb, object, actor, reason, payload FROM audit.log LEFT JOIN audit.detail USING (seq)
    WHERE verb = ANY(%s) ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    at: datetime
    actor: str
    on_behalf: str
    verb: str
    object: str
    reason: str
    payload_digest: str
    prev: str
    hash: str
    form: int
    trial: str
    site: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one event says was done, with its particulars; they are empty when they were erased."""

    verb: str
    object: str
    actor: str
    reason: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which events somebody may see: those of one trial, or the whole chain when it is None.

    `sites` are the sites of that trial they are kept to, None for all; events of no site in particular come along.
    """

    trial: str | None
    sites: frozenset[str] | None = None


def record(
    verb: str,
    target: str,
    *,
    by: User | str,
    trial: str,
    site: str = "",
    reason: str = "",
    on_behalf: str = "",
    **detail: Any,
) -> int:
    """Append an event and give its number. Call it last in the transaction: its lock is held until commit.

    `verb` is a stable dotted name, `target` a code such as `household:12`; `detail` holds ids and
    choices, never an arm, an answer or a name. `by` is a member of staff or the name of a job. `trial` says whose
    auditors may see the event (NO_TRIAL: those of the whole office only), `site` is '' for what concerns all sites.
    """
    actor = f"user:{by.pk}" if isinstance(by, User) else f"job:{by}"
    payload = json.dumps(detail, sort_keys=True, separators=(",", ":"), default=str)
    with connection.cursor() as cursor:
        fields = [actor, on_behalf, verb, target, trial, site, reason, payload]
        cursor.execute("SELECT audit.append(%s, %s, %s, %s, %s, %s, %s, %s)", fields)
        return int(cursor.fetchone()[0])


def digest_of(event: Event) -> str:
    """The hash that the event should have: SHA-256 over its fields, each with its length in bytes before it.

    The first form knows no trial and no site; an event of that form which names one, or of a form that does
    not exist, has no hash: ''.
    """
    microseconds = (event.at - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(microseconds=1)
    begin = [str(event.seq), str(microseconds), event.actor, event.on_behalf, event.verb, event.object]
    end = [event.reason, event.payload_digest, event.prev]
    if event.form == 2:
        fields = ["audit/2", *begin, event.trial, event.site, *end]
    elif event.form == 1 and not event.trial and not event.site:
        fields = [*begin, *end]
    else:
        return ""
    text = b"".join(b"%d:%s," % (len(field), field) for field in (field.encode() for field in fields))
    return hashlib.sha256(text).hexdigest()


def events(*, after: int = 0) -> Iterator[Event]:
    """All events in order, streamed."""
    with transaction.atomic(), connection.connection.cursor(name="audit_events") as cursor:
        cursor.execute(EVENTS, [after, NO_END])
        for row in cursor:
            yield Event(*row)


def told(verbs: Iterable[str]) -> list[Told]:
    """Every event with one of these verbs, in order."""
    with connection.cursor() as cursor:
        cursor.execute(TOLD, [sorted(verbs)])
        rows = cursor.fetchall()
    return [Told(verb, on, actor, reason, json.loads(said or "{}")) for verb, on, actor, reason, said in rows]


def began_without_trials() -> bool:
    """Whether the chain began before events named their trial, so that the first of them are in no trial's log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM audit.log WHERE seq = 1 AND form = 1)")
        return bool(cursor.fetchone()[0])


def newest(scope: Scope, *, before: int = NO_END, limit: int) -> list[Event]:
    """Up to `limit` events of a scope with a number under `before`, newest first; read along an index at any length."""
    query: str
    values: list[Any]
    if scope.trial is None:
        query, values = NEWEST, [before, limit]
    elif scope.sites is None:
        query, values = NEWEST_OF_TRIAL, [scope.trial, scope.trial, before, limit]
    else:
        places = ["", *sorted(scope.sites)]
        query, values = NEWEST_OF_SITES, [places, scope.trial, scope.trial, before, limit, limit]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [Event(*row) for row in cursor.fetchall()]


@transaction.atomic
def verify(anchors: dict[int, str] | None = None) -> tuple[int, Break | None]:
    """Walk the chain; give the number of events, and the first break if there is one.

    `anchors` are hashes by number that left the database earlier: they catch a cut tail and a chain made anew.
    A chain of years takes longer than a page may.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    open_anchors = dict(anchors or {})
    previous, expected, last = GENESIS, 0, None
    for event in events():
        expected += 1
        wrong = _wrong_with(event, expected, previous, last, open_anchors.pop(event.seq, event.hash))
        if wrong:
            return expected, Break(event.seq if event.seq == expected else expected, wrong)
        previous, last = event.hash, event.at
    if open_anchors:
        return expected, Break(expected + 1, f"the chain ends at {expected}, an anchor names event {max(open_anchors)}")
    return expected, _changed_detail()


def _changed_detail() -> Break | None:
    """The first event whose particulars no longer have their digest, or are gone without an event that says so."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_DETAIL)
        row = cursor.fetchone()
    what = "was removed, and no event says so" if row and row[1] else "was changed"
    return Break(int(row[0]), f"what is told with it {what}") if row else None


def _wrong_with(event: Event, expected: int, previous: str, last: datetime | None, anchored: str) -> str:
    if event.seq != expected:
        return f"event {expected} is missing"
    if event.prev != previous:
        return "does not follow from the event before it"
    if digest_of(event) != event.hash:
        return "was changed after it was written"
    if event.hash != anchored:
        return "differs from the anchor that left the database: the chain was made anew"
    if last is not None and last - event.at > BACKWARDS:
        return "is earlier than the event before it"
    return ""


def head() -> tuple[int, str] | None:
    """Number and hash of the last event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, hash FROM audit.log ORDER BY seq DESC LIMIT 1")
        row = cursor.fetchone()
    return (int(row[0]), str(row[1])) if row else None


def hash_of(number: int) -> str | None:
    """The hash of one event; None when there is no such event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM audit.log WHERE seq = %s", [number])
        row = cursor.fetchone()
    return str(row[0]) if row else None
