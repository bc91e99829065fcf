"""Database roles and rights: read the declared matrix, make a database agree with it, name every difference.

The walls between the processes stand in the databases, not in our code; this is where they are drawn.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from trialmgr.core.documents import read_document

MATRIX = Path(__file__).with_name("grants.yaml")
AUDIT_OWNER = "audit_owner"
LARGE_OBJECTS = (
    "lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)",
    "lowrite(integer, bytea)", "lo_truncate(integer, integer)", "lo_truncate64(integer, bigint)", "lo_unlink(oid)",
)  # fmt: skip
"""Functions of PostgreSQL that everybody may call, and that keep data outside every table."""
CLAUSE = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE)\s*(?:\(([^)]*)\))?\s*(?:,|$)")
CATALOG = """
WITH ours AS (
  SELECT oid, nspname, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END AS prefix, nspowner, nspacl
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
relation AS (
  SELECT c.oid, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, prefix || relname AS name,
         nspname, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
    FROM pg_class c JOIN ours ON ours.oid = relnamespace
   WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
     AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM extension))
SELECT kind, name, oid::regclass::text AS spelled, nspname, relowner::regrole::text AS owner,
       '' AS part, coalesce AS acl
  FROM relation
UNION ALL
SELECT kind, name, relation.oid::regclass::text, nspname, relowner::regrole::text, attname::text, attacl
  FROM relation JOIN pg_attribute ON attrelid = relation.oid WHERE attacl IS NOT NULL AND NOT attisdropped
UNION ALL
SELECT 'ROUTINE', prefix || proname, p.oid::regprocedure::text, nspname, proowner::regrole::text, '',
       coalesce(proacl, acldefault('f', proowner))
  FROM pg_proc p JOIN ours ON ours.oid = pronamespace
 WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM extension)
UNION ALL
SELECT 'SCHEMA', nspname, oid::regnamespace::text, nspname, nspowner::regrole::text, '',
       coalesce(nspacl, acldefault('n', nspowner))
  FROM ours
UNION ALL
SELECT 'DATABASE', datname, quote_ident(datname), '', datdba::regrole::text, '',
       coalesce(datacl, acldefault('d', datdba))
  FROM pg_database WHERE datname = current_database()
"""
RIGHTS = f"""
SELECT kind, name, spelled, nspname, owner, part, coalesce(grantee::regrole::text, ''), privilege_type
  FROM ({CATALOG}) AS found LEFT JOIN LATERAL aclexplode(acl) ON true
"""  # noqa: S608 -- a constant


QUIET = (
    "log_parameter_max_length=0", "log_parameter_max_length_on_error=0", "log_error_verbosity=terse",
    "log_min_error_statement=panic", "log_statement=none", "log_min_duration_statement=-1",
)  # fmt: skip
"""Settings that docs/configuration.md asks for: somebody may have written them for one database."""
DETOURS = """
SELECT tgrelid::regclass::text, 'its trigger ' || tgname || ' is disabled'
  FROM pg_trigger WHERE tgenabled NOT IN ('O', 'A')
UNION ALL
SELECT defaclrole::regrole::text, 'what it will make is open to '
       || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
  FROM pg_default_acl, aclexplode(defaclacl) WHERE grantee <> defaclrole
UNION ALL
SELECT coalesce(r.rolname, d.datname, 'every role'), 'is set to ' || setting
  FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole LEFT JOIN pg_database d ON d.oid = setdatabase,
       unnest(setconfig) AS setting
 WHERE setting ~ '^(log_|role=|search_path=|session_replication_role=)' AND setting <> ALL (%s::text[])
   AND (r.rolname, setting) IS DISTINCT FROM (%s, %s)
 ORDER BY 1, 2
"""


class Cursor(Protocol):
    """What Django's cursor and psycopg's have in common."""

    def execute(self, query: Any, params: Any = ..., /) -> Any: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


class Role(BaseModel):
    """One database role. `may_become` it must ask for (SET ROLE); what it `inherits` it always has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    login: bool | Literal["switched"] = True
    inherits: tuple[str, ...] = ()
    may_become: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()

    def memberships(self) -> Iterator[tuple[str, bool, bool, bool]]:
        """Each role it is a member of, with PostgreSQL's ADMIN, INHERIT and SET options."""
        yield from ((name, False, True, True) for name in self.inherits)
        yield from ((name, False, False, True) for name in self.may_become)
        yield from ((name, True, True, False) for name in self.switches)


class Matrix(BaseModel):
    """All roles and rights of one cluster."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    owner: str
    migrate: str
    backup: str
    web: str
    worker: str
    roles: dict[str, Role]
    schemas: dict[str, str]
    tables: dict[str, dict[str, str]]
    functions: dict[str, tuple[str, ...]]

    def holders(self, named: str) -> tuple[str, ...]:
        """The roles that a name in a row stands for."""
        short = {"web": (self.web,), "worker": (self.worker,), "all": (self.web, self.worker)}
        return short.get(named, (named,))

    def logins(self) -> list[str]:
        return [name for name, role in self.roles.items() if role.login]


@dataclass(frozen=True)
class Difference:
    """One way in which a database departs from the matrix, and the statement (run as `owner`) that mends it."""

    text: str
    sql: str = ""
    owner: str = ""


@dataclass(frozen=True, order=True)
class Thing:
    """A table, sequence, routine, schema or database, as the catalog spells it."""

    kind: str
    name: str
    spelled: str
    schema: str
    owner: str


Right = tuple[str, str, str]  # privilege, column or '', role; role '-' is PUBLIC


@cache
def matrices() -> Mapping[str, Matrix]:
    """The declared matrix of each cluster."""
    clusters = read_document(MATRIX).data
    both = clusters.pop("both")
    for part, kind in product(clusters.values(), both):
        part[kind] = both[kind] | part[kind]
    return {name: Matrix.model_validate(part) for name, part in clusters.items()}


def clauses(text: str) -> list[tuple[str, str]]:
    """`SELECT, UPDATE (a, b)` as [(SELECT, ''), (UPDATE, a), (UPDATE, b)]. Raises ValueError when it is not such."""
    found, place = [], 0
    while place < len(text):
        match = CLAUSE.match(text, place)
        if match is None:
            raise ValueError(f"{text!r} is not a list of SELECT, INSERT, UPDATE, DELETE, each with columns or without")
        columns = [column.strip() for column in (match[2] or "").split(",")]
        found += [(match[1], column) for column in columns]
        place = match.end()
    return found


def differences(cursor: Cursor, matrix: Matrix) -> list[Difference]:
    """Everything in the connected database, and in the cluster's roles, that departs from the matrix."""
    things = present(cursor)
    rights = [*_roles(cursor, matrix), *_ownership(matrix, things), *_rights(matrix, things)]
    return [*rights, *_large_objects(cursor), *_detours(cursor, matrix)]


def apply(cursor: Cursor, matrix: Matrix) -> list[Difference]:
    """Make the rights in the connected database agree with the matrix; gives what could not be mended.

    Runs as the migrate login, in one transaction of the caller. Roles are made by `provision_roles`, not here.
    """
    for find in (_ownership, _rights):
        for found in [difference for difference in find(matrix, present(cursor)) if difference.sql]:
            cursor.execute(f"SET LOCAL ROLE {found.owner}")
            cursor.execute(found.sql)
        cursor.execute(f"SET LOCAL ROLE {matrix.owner}")
    return differences(cursor, matrix)


def present(cursor: Cursor) -> dict[Thing, set[Right]]:
    """Everything in the connected database that rights can be had on, with the rights of others than its owner."""
    cursor.execute(RIGHTS)
    found: dict[Thing, set[Right]] = {}
    for *thing, part, role, privilege in cursor.fetchall():
        rights = found.setdefault(Thing(*thing), set())
        if role and role != thing[-1]:
            rights.add((privilege, part, role))
    return dict(sorted(found.items()))


def _rights(matrix: Matrix, things: dict[Thing, set[Right]]) -> Iterator[Difference]:
    known = set(matrix.tables) | set(matrix.functions)
    for name in sorted(known - {thing.name for thing in things}):
        yield Difference(f"{name}: has a row in {MATRIX.name} but does not exist")
    for thing, rights in things.items():
        if thing.kind in {"TABLE", "ROUTINE"} and thing.name not in known:
            yield Difference(f"{thing.name}: has no row in {MATRIX.name}: add one")
        wanted = set(_wanted(thing, matrix))
        # To revoke a right on a table takes the same right on its columns along: what is to be given comes after.
        yield from (_revoke(thing, right) for right in sorted(rights - wanted))
        yield from (_grant(thing, right) for right in sorted(wanted - rights))


def _ownership(matrix: Matrix, things: dict[Thing, set[Right]]) -> Iterator[Difference]:
    """What belongs to another role than its schema's declared owner; the schema itself comes last."""
    for thing in sorted(things, key=lambda thing: thing.kind == "SCHEMA"):
        owner = matrix.schemas.get(thing.schema, matrix.owner)
        if thing.owner != owner and thing.kind != "SEQUENCE":  # a sequence follows its table
            room = f"GRANT USAGE, CREATE ON SCHEMA {thing.schema} TO {owner}; " if thing.kind != "DATABASE" else ""
            sql = f"{room}ALTER {thing.kind} {thing.spelled} OWNER TO {owner}" if thing.owner == matrix.owner else ""
            yield Difference(f"{thing.spelled}: belongs to {thing.owner}, not to {owner}", sql, thing.owner)


def _wanted(thing: Thing, matrix: Matrix) -> Iterator[Right]:
    """The rights that the matrix gives on a thing; what an owner has by nature is left out."""
    if thing.kind == "TABLE":
        yield "SELECT", "", matrix.backup
        for named, text in matrix.tables.get(thing.name, {}).items():
            yield from ((verb, column, role) for verb, column in clauses(text) for role in matrix.holders(named))
    elif thing.kind == "SEQUENCE":
        yield "SELECT", "", matrix.backup
    elif thing.kind == "ROUTINE":
        for named in matrix.functions.get(thing.name, ()):
            yield from (("EXECUTE", "", role) for role in matrix.holders(named))
    elif thing.kind == "DATABASE":
        yield from (("CONNECT", "", role) for role in matrix.logins())
    elif thing.kind == "SCHEMA":
        yield from (("USAGE", "", role) for role in matrix.roles if role != thing.owner)


def _grant(thing: Thing, right: Right) -> Difference:
    privilege, column, role = right
    return Difference(
        f"{thing.spelled}: {_said(right)} is missing",
        f"GRANT {privilege}{_columns(column)} ON {thing.kind} {thing.spelled} TO {role}",
        thing.owner,
    )


def _revoke(thing: Thing, right: Right) -> Difference:
    privilege, column, role = right
    whom = "PUBLIC" if role == "-" else role
    return Difference(
        f"{thing.spelled}: {_said(right)} is not in the matrix",
        f"REVOKE {privilege}{_columns(column)} ON {thing.kind} {thing.spelled} FROM {whom}",
        thing.owner,
    )


def _columns(column: str) -> str:
    return f' ("{column}")' if column else ""


def _said(right: Right) -> str:
    privilege, column, role = right
    return f"{privilege}{f' of {column}' if column else ''} for {'PUBLIC' if role == '-' else role}"


def _roles(cursor: Cursor, matrix: Matrix) -> Iterator[Difference]:
    cursor.execute(
        "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolreplication OR rolbypassrls, rolcreaterole "
        "FROM pg_roles WHERE rolname = ANY(%s) OR rolname !~ '^pg_' AND NOT (rolsuper OR rolreplication)",
        [list(matrix.roles)],
    )  # superusers and replicas that the matrix does not name are the operator's
    found = {name: rest for name, *rest in cursor.fetchall()}
    for name in sorted(found.keys() ^ matrix.roles.keys()):
        yield Difference(f"{name}: is {'not in the matrix' if name in found else 'missing in the cluster'}")
    for name in sorted(found.keys() & matrix.roles.keys()):
        role, (login, powers, creator) = matrix.roles[name], found[name]
        if powers or creator != bool(role.switches):
            yield Difference(f"{name}: has powers over the cluster that the matrix does not give")
        if role.login != "switched" and login != role.login:
            yield Difference(f"{name}: {'may' if login else 'may not'} log in, against the matrix")
    cursor.execute(
        "SELECT member::regrole::text, roleid::regrole::text, admin_option, inherit_option, set_option "
        "FROM pg_auth_members WHERE member::regrole::text !~ '^pg_'"
    )
    present = set(cursor.fetchall())
    declared = {(name, *rest) for name, role in matrix.roles.items() for rest in role.memberships()}
    for member, group, *_ in sorted(present ^ declared):
        yield Difference(f"{member}: its membership of {group} differs from the matrix")


def _large_objects(cursor: Cursor) -> Iterator[Difference]:
    """Ways around the tables: only a superuser can shut them, as `provision_database` does."""
    cursor.execute(
        "SELECT name FROM unnest(%s::text[]) AS one(name) WHERE has_function_privilege('public', name, 'EXECUTE')",
        [list(LARGE_OBJECTS)],
    )
    for (name,) in cursor.fetchall():
        yield Difference(f"{name}: EXECUTE for PUBLIC is not in the matrix; run grants --sql as a superuser again")
    cursor.execute("SELECT DISTINCT lomowner::regrole::text FROM pg_largeobject_metadata")
    for (owner,) in cursor.fetchall():
        yield Difference(f"{owner}: keeps large objects, outside every table")


def _detours(cursor: Cursor, matrix: Matrix) -> Iterator[Difference]:
    """What makes the rights mean less than they say, and values show in a log. Mended by hand, as it was made."""
    cursor.execute(DETOURS, [list(QUIET), matrix.migrate, f"role={matrix.owner}"])
    for name, text in cursor.fetchall():
        yield Difference(f"{name}: {text}, against the matrix")


def provision_roles(matrix: Matrix) -> list[str]:
    """Statements that make the cluster's roles; a superuser may run them again at any time."""
    made = []
    for name, role in matrix.roles.items():
        login = "" if role.login == "switched" else " LOGIN" if role.login else " NOLOGIN"
        creator = "CREATEROLE" if role.switches else "NOCREATEROLE"
        made += [
            f"DO $$ BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"ALTER ROLE {name} WITH NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS {creator}{login}",
        ]
    for name, role in matrix.roles.items():
        for group, admin, inherit, become in role.memberships():
            made.append(f"GRANT {group} TO {name} WITH ADMIN {admin}, INHERIT {inherit}, SET {become}")
    return [*made, f"ALTER ROLE {matrix.migrate} SET role = {matrix.owner}"]


def provision_database(name: str, matrix: Matrix) -> list[str]:
    """Statements for a superuser, inside the new database `name`, before the first migration."""
    made = [
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO {', '.join(matrix.logins())}",
        f"ALTER SCHEMA public OWNER TO {matrix.owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        f"REVOKE EXECUTE ON FUNCTION {', '.join(LARGE_OBJECTS)} FROM PUBLIC",
    ]
    for maker in (matrix.owner, AUDIT_OWNER):
        made.append(f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} REVOKE EXECUTE ON ROUTINES FROM PUBLIC")
        made.append(f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} REVOKE USAGE ON TYPES FROM PUBLIC")
    switches = [(name, role.switches) for name, role in matrix.roles.items() if role.switches]
    return made + [line for keeper, roles in switches for role in roles for line in _switch(keeper, role)]


def _switch(keeper: str, role: str) -> list[str]:
    """Functions, the keeper's, that let a role log in for one approved run, and put it and its sessions out after.

    The hour holds by itself where the role has a password; elsewhere `study.sweep_release` reads it.
    """
    hour = f"EXECUTE format('ALTER ROLE {role} LOGIN VALID UNTIL %L', clock_timestamp() + interval '1 hour')"
    head = "RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS"
    out = f"PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
    return [
        f"CREATE SCHEMA IF NOT EXISTS ops AUTHORIZATION {keeper}",
        f"CREATE OR REPLACE FUNCTION ops.open_release() {head} $$ BEGIN {hour}; END $$",
        f"CREATE OR REPLACE FUNCTION ops.close_release() {head} $$ BEGIN ALTER ROLE {role} NOLOGIN; {out}; END $$",
        f"ALTER FUNCTION ops.open_release() OWNER TO {keeper}",
        f"ALTER FUNCTION ops.close_release() OWNER TO {keeper}",
        "REVOKE ALL ON FUNCTION ops.open_release(), ops.close_release() FROM PUBLIC",
    ]
