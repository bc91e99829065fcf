"""Which promises to participants hold in this deployment, checked from where this process stands.

Every check looks at the running databases and settings, not at our code. A promise that a check cannot settle from
here (who operates which machine) is never called kept.
"""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.db import connection

ANSWER_TABLES = ("draft", "progress", "submitted", "complete", "poured", "poured_text", "score", "scored", "erased")
SAFE_TYPES = {"bytea", "int4", "int2", "text", "jsonb", "bool", "float8"}
LOG_SETTINGS = {
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "track_commit_timestamp": "off",
}
OWN_BYTES = {"public.randomization_draw.sealed_secret"}  # of the lottery, whose secret is bytes
BRIDGES = ("dblink", "postgres_fdw", "file_fdw")


class Verdict(StrEnum):
    HOLDS = "holds"
    BROKEN = "broken"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise, whether it holds here, and what was seen."""

    promise: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process and its database run, as digests that can be compared and tell nothing else."""

    cluster: str
    machine: str
    account: str


def research_side() -> Iterator[Finding]:
    """What can be seen of the research cluster by any of its logins."""
    yield _finding("no_moment", _columns_that_could_tell, "no_moment_seen")
    yield _finding("survey_reads_nothing", lambda: _reachable("survey_app", ANSWER_TABLES), "survey_reads_nothing_seen")
    yield _finding("staff_sees_nothing", lambda: _reachable("research_web", ANSWER_TABLES), "staff_sees_nothing_seen")
    yield _finding("vault_sees_nothing", lambda: _reachable("research_vault", ANSWER_TABLES), "vault_sees_nothing_seen")
    yield _finding("no_answer_in_log", _talkative_settings, "no_answer_in_log_seen")
    yield _finding("no_bridge", _bridges, "no_bridge_seen")
    yield _finding("release_shut", _release_open, "release_shut_seen")


def office_side() -> Iterator[Finding]:
    """What can be seen of the office cluster."""
    yield _finding("office_has_no_answers", _traces_of_answers, "office_has_no_answers_seen")
    yield _finding("office_pages_see_no_response", _readers_of_responses, "office_pages_see_no_response_seen")
    yield _finding("no_bridge", _bridges, "no_bridge_seen")


def separation(here: Place, there: Place) -> Finding:
    """Whether the two sides are in different hands, as far as machines can show it."""
    if here.cluster == there.cluster:
        return Finding("two_sides", Verdict.BROKEN, "one_cluster")
    if here.machine == there.machine:
        return Finding("two_sides", Verdict.DEPENDS, "one_account" if here.account == there.account else "one_machine")
    return Finding("two_sides", Verdict.DEPENDS, "two_machines")


def this_place() -> Place:
    """The place of this process and of the cluster it is connected to."""
    cluster = str(_rows("SELECT system_identifier FROM pg_control_system()")[0][0])
    identity = Path("/etc/machine-id")
    machine = identity.read_text("ascii").strip() if identity.is_file() else ""
    machine = machine or socket.gethostname()
    return Place(
        _digest("cluster", cluster), _digest("machine", machine), _digest("account", machine, str(os.getuid()))
    )


def place_as_json() -> dict[str, str]:
    return asdict(this_place())


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(("trialmgr", *parts)).encode()).hexdigest()


def _finding(promise: str, faults: Callable[[], list[str]], seen: str) -> Finding:
    found = faults()
    return Finding(promise, Verdict.BROKEN, ", ".join(found)) if found else Finding(promise, Verdict.HOLDS, seen)


def _columns_that_could_tell() -> list[str]:
    columns = _rows(
        """SELECT c.relname::text || '.' || a.attname, t.typname::text, a.attidentity::text <> ''
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relnamespace = 'answers'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY 1"""
    )
    sequences = _rows("SELECT relname::text FROM pg_class WHERE relkind='S' AND relnamespace='answers'::regnamespace")
    found = [f"{name} ({kind})" for name, kind, numbered in columns if kind not in SAFE_TYPES or numbered]
    return found + [name for (name,) in sequences]


def _reachable(login: str, tables: tuple[str, ...]) -> list[str]:
    """Tables of answers that a login can touch in any way, on any column, directly or through a role it has."""
    sql = """
        SELECT t FROM unnest(%s::text[]) t
         WHERE has_table_privilege(%s, 'answers.' || t, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
            OR has_any_column_privilege(%s, 'answers.' || t, 'SELECT, INSERT, UPDATE')
    """
    return [f"{login}: answers.{table}" for (table,) in _rows(sql, list(tables), login, login)]


def _talkative_settings() -> list[str]:
    found = [f"{name} = {_rows('SELECT current_setting(%s)', name)[0][0]}" for name in LOG_SETTINGS]
    wanted = [f"{name} = {value}" for name, value in LOG_SETTINGS.items()]
    kept = connection.settings_dict["OPTIONS"].get("server_side_binding") is True
    return [one for one in found if one not in wanted] + ([] if kept else ["server_side_binding = False"])


def _bridges() -> list[str]:
    """Ways from one database to another, and roles that read everything, other than the operator's own superusers."""
    extensions = _rows("SELECT extname::text FROM pg_extension WHERE extname = ANY(%s)", list(BRIDGES))
    servers = _rows("SELECT srvname::text FROM pg_foreign_server")
    readers = _rows(
        """SELECT r.rolname::text FROM pg_roles r
            WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_has_role(r.oid, 'pg_read_all_data', 'MEMBER')"""
    )
    return [name for (name,) in [*extensions, *servers, *readers]]


def _release_open() -> list[str]:
    return [
        name for (name,) in _rows("SELECT rolname::text FROM pg_roles WHERE rolname='research_release' AND rolcanlogin")
    ]


def _traces_of_answers() -> list[str]:
    """Schemas and columns of the other side, and columns of bytes, in which a pseudonym could stand."""
    sql = """
        SELECT n.nspname || '.' || c.relname || '.' || a.attname
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_type t ON t.oid = a.atttypid
         WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
           AND (n.nspname = 'answers' OR a.attname ~ '^(pseud|antwoord)' OR t.typname = 'bytea')
         ORDER BY 1
    """
    return [name for (name,) in _rows(sql) if name not in OWN_BYTES]


def _readers_of_responses() -> list[str]:
    sql = """
        SELECT rolname::text FROM pg_roles
         WHERE rolcanlogin AND NOT rolsuper AND rolname IN ('office_web', 'office_worker')
           AND has_table_privilege(oid, 'public.mailing_response', 'SELECT, INSERT, UPDATE, DELETE')
           AND NOT (rolname = 'office_worker' AND NOT pg_has_role(oid, 'office_reminder', 'USAGE'))
    """
    return [name for (name,) in _rows(sql)]


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())
