"""Which promises to participants hold in this deployment, from evidence in the database itself.

Each side checks what it can reach, and writes evidence that holds nothing of anybody: `compare` holds the
evidence of both sides together, as no process may reach both.
"""

import getpass
import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection, transaction
from django.utils.translation import gettext as _

from trialmgr.core import grants
from trialmgr.core.errors import BadInput, Fault
from trialmgr.processes import HOLDERS, Process

# 65 bytes as base64url: the first is the version of a key, under 16, and the last character has two bits to spare.
LINK = r"(^|[^A-Za-z0-9_-])[A-D][A-Za-z0-9_-]{85}[AEIMQUYcgkosw048]($|[^A-Za-z0-9_-])"
SIDE = {Process.OFFICE: "office", Process.RESEARCH: "research"}
DOOR = """
SELECT coalesce(rolvaliduntil < now(), false) FROM pg_roles WHERE rolname = 'research_release' AND rolcanlogin
"""
QUIET_LOG = {
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Words that a column of answers may not be called: what it would hold could say who, when or which group.
TELLING = ("name", "mail", "phone", "pid", "arm", "address", "ip", "agent", "link", "born", "client", "exit")
TIMED = (
    "timestamp with time zone",
    "timestamp without time zone",
    "date",
    "time without time zone",
    "inet",
    "interval",
)

# From the catalog itself: information_schema shows a login only the tables that it has rights on.
COLUMNS = """
SELECT c.relname || '.' || a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
# Every column that can hold a text, in every schema that is not PostgreSQL's own, quoted for a query.
TEXTS = """
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type item ON item.oid = t.typelem AND t.typcategory = 'A'
 WHERE c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname !~ '^(pg_|information_schema)'
   AND (coalesce(item.typcategory, t.typcategory) = 'S' OR coalesce(item.typname, t.typname) IN ('json', 'jsonb'))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise: whether it holds here, and what shows it."""

    promise: str
    holds: bool
    evidence: str


def findings() -> list[Finding]:
    """Every promise that this side can show, in reading order."""
    own = {Process.OFFICE: _office, Process.RESEARCH: _research}[settings.PROCESS]
    return [*own(), _no_foreign_secret(), _closed_backups(), _rights_as_declared()]


def evidence() -> dict[str, str]:
    """What the other side needs to see how far apart both are; names no person, password or address."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        cluster = str(cursor.fetchone()[0])
    machine = Path("/etc/machine-id")
    host = f"{platform.node()}|{machine.read_text('ascii').strip() if machine.exists() else ''}"
    return {
        "side": SIDE[settings.PROCESS],
        "cluster": hashlib.sha256(cluster.encode()).hexdigest(),
        "host": hashlib.sha256(host.encode()).hexdigest(),
        "account": hashlib.sha256(f"{host}|{getpass.getuser()}".encode()).hexdigest(),
        "operator": settings.OPERATOR,
        "backup_keys": " ".join(sorted(hashlib.sha256(key.encode()).hexdigest() for key in settings.BACKUP_TO)),
    }


def compare(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[str, list[Finding]]:
    """The level of protection that both sides reach together (L0 to L2, or none), and why."""
    if one["side"] == other["side"]:
        remedy = "give the file that --evidence wrote on the other side"
        raise BadInput(Fault("evidence", f"is of the {one['side']} side twice", remedy))
    apart = {key: one[key] != other[key] for key in ("cluster", "host", "account", "operator")}
    own_keys = set(one["backup_keys"].split()).isdisjoint(other["backup_keys"].split())
    named = bool(one["operator"] and other["operator"])
    found = [
        Finding(_("Both sides have a database cluster of their own."), apart["cluster"], _("system identifiers")),
        Finding(_("Both sides run on a machine of their own."), apart["host"], _("host names and machine ids")),
        Finding(_("Both sides run under an account of their own."), apart["account"], _("accounts")),
        Finding(_("Two organisations run them."), named and apart["operator"], _("TRIALMGR_OPERATOR of either side")),
        Finding(_("No key opens the backups of both sides."), own_keys, _("TRIALMGR_BACKUP_TO of either side")),
    ]
    if not apart["cluster"]:
        return "none", found
    if not apart["host"]:
        return "L0", found
    return ("L2" if named and apart["operator"] and own_keys else "L1"), found


def _office() -> Iterator[Finding]:
    texts = _rows(f"{TEXTS} AND has_column_privilege(c.oid, a.attnum, 'SELECT')")
    links = [text for text in texts if text not in PACKED and _any(text, LINK)]
    links += [text for text, unpacked in PACKED.items() if text in texts and _link_in(unpacked())]
    facts = {"n": len(texts), "closed": len(_rows(TEXTS)) - len(texts), "where": _where(links)}
    yield Finding(
        _("The office keeps no link to a questionnaire."),
        not links,
        _("%(n)s text columns searched, %(closed)s closed to this login%(where)s") % facts,
    )
    schemas = _rows("SELECT nspname FROM pg_namespace WHERE nspname IN ('answers', 'study')")
    named = _rows(f"{COLUMNS} AND n.nspname !~ '^(pg_|information_schema)' AND a.attname ~ '^pseud'")
    yield Finding(
        _("The office has no answers and no pseudonyms."), not schemas and not named, _("names of schemas and columns")
    )
    hidden = ("mailing_response", "participants_baseline")
    readable = [table for table in hidden if _may("office_web", table)]
    yield Finding(_("No web page of the office can see who answered."), not readable, _("rights of office_web"))


def _research() -> Iterator[Finding]:
    timed = _rows(
        f"{COLUMNS} AND n.nspname = 'answers' AND (format_type(a.atttypid, NULL) = ANY(%s)"
        " OR a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ 'now|nextval')",
        list(TIMED),
    )
    yield Finding(_("No answer has a time, an address or a number in order."), not timed, _("columns of the answers"))
    told = _rows(
        f"{COLUMNS} AND n.nspname = 'answers' AND c.relname <> 'wave' AND string_to_array(a.attname::text, '_') && %s",
        list(TELLING),
    )
    text = _("Beside the answers stands nothing that says who gave them.")
    yield Finding(text, not told, _("columns of the answers"))
    tables = [f"answers.{name}" for name in _rows("SELECT tablename FROM pg_tables WHERE schemaname = 'answers'")]
    survey = [table for table in tables if _may("survey_app", table)]
    yield Finding(
        _("The questionnaire itself cannot read an answer back."), not survey, _("rights of survey_app on every table")
    )
    seen = [table for table in tables if table != "answers.wave" and _may("research_web", table)]
    yield Finding(_("No web page of the researchers can see an answer."), not seen, _("rights of research_web"))
    open_door = _rows(DOOR)
    running = _rows("SELECT code FROM study_run WHERE status = 'running'")
    yield Finding(
        _("The login that joins answers and outcomes works during an approved run only."),
        not open_door or (bool(running) and open_door == ["False"]),
        _("%(n)s runs under way") % {"n": len(running)},
    )
    loud = [name for name, wanted in QUIET_LOG.items() if _rows(f"SHOW {name}") != [wanted]]
    yield Finding(_("The log of the database holds no answers."), not loud, ", ".join(loud or QUIET_LOG))


def _no_foreign_secret() -> Finding:
    own = {name for name, holders in HOLDERS.items() if settings.PROCESS in holders}
    return Finding(
        _("This process holds no key or login of another side."),
        True,  # a process that does, does not start: see trialmgr.processes
        _("it holds only: %(names)s") % {"names": ", ".join(sorted(own))},
    )


def _closed_backups() -> Finding:
    return Finding(
        _("This process cannot open the backups of its side."),
        not settings.RESTORE_KEY,
        _("TRIALMGR_RESTORE_KEY_FILE is set for the time of a restore only"),
    )


def _rights_as_declared() -> Finding:
    with connection.cursor() as cursor:
        found = grants.differences(cursor, grants.matrices()[SIDE[settings.PROCESS]])
    text = "; ".join(difference.text for difference in found[:3])
    return Finding(_("Rights in the database are as declared."), not found, text or _("no difference"))


def _any(column: str, pattern: str) -> bool:
    """Whether a column, named as TEXTS does, holds the pattern; it may take longer than a page has."""
    table = column.rpartition(".")[0]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table} WHERE {column}::text ~ %s)", [pattern])  # noqa: S608 -- from the catalog
        return bool(cursor.fetchone()[0])


def _cached() -> Iterator[str]:
    """What the cache holds: in its table it is packed in base64, in which anything may look like a link."""
    keys = [key.split(":", 2)[2] for key in _rows("SELECT cache_key FROM core_cache")]
    for start in range(0, len(keys), 1000):
        yield from map(str, cache.get_many(keys[start : start + 1000]).values())


def _sessions() -> Iterator[str]:
    """What sessions hold, unpacked in the same way."""
    return (str(SessionStore().decode(data)) for data in _rows("SELECT session_data FROM django_session"))


PACKED = {"public.core_cache.value": _cached, "public.django_session.session_data": _sessions}


def _link_in(texts: Iterator[str]) -> bool:
    return any(re.search(LINK, text) for text in texts)


def _may(role: str, table: str) -> bool:
    return _rows("SELECT has_any_column_privilege(%s, %s, 'SELECT')", role, table) == ["True"]


def _rows(query: str, *values: list[str] | str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return [str(row[0]) for row in cursor.fetchall()]


def _where(names: list[str]) -> str:
    return f": {', '.join(names)}" if names else ""
