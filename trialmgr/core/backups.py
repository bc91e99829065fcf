"""A backup of one side: its database as pg_dump writes it, and what to hold a restored one against.

A directory with three files. What they say of anybody is encrypted to public keys (trialmgr.core.age); the
manifest, in clear, says what it is, for whom, and how each file must look.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import IO, Annotated, BinaryIO, Literal

from django.conf import settings
from django.db import connection, transaction
from psycopg import pq
from pydantic import BaseModel, ConfigDict, Field
from pyrage.x25519 import Recipient

from trialmgr import __version__
from trialmgr.core import age, audit, clock, grants
from trialmgr.core.documents import read_document, validate
from trialmgr.core.errors import BadInput, Fault

MANIFEST, DUMP, CONTENTS = "manifest.json", "database.dump.age", "contents.json.age"
LOCK_WAIT = "60s"  # pouring and closing a wave lock whole tables for a moment
TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname), has_table_privilege(c.oid, 'SELECT')
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND deptype = 'e')
 ORDER BY 1
"""


class StoredFile(BaseModel):
    """How one file of a backup must look."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a backup is; holds nothing of anybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["trialmgr backup 1"]
    side: Literal["office", "research"]
    made_at: datetime
    trialmgr: str
    postgresql: str
    readable_by: tuple[str, ...]
    files: dict[str, StoredFile]


class Contents(BaseModel):
    """What the database held at the moment of the backup. Encrypted too: numbers of rows, night after night, tell."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    migrations: tuple[str, ...]
    tables: dict[str, int]
    last_event: int
    last_hash: str

    def __str__(self) -> str:
        return f"{len(self.tables)} tables, {sum(self.tables.values())} rows, {self.last_event} events"


def make(place: Path) -> tuple[Manifest, Contents]:
    """Write a backup of this process's database as the new directory `place`: whole, or not at all.

    Everything in it is of one moment. Raises BadInput when the place, the keys, the login or pg_dump will not do.
    """
    side, recipients = own_side(), _recipients()
    refuse_target(place, side)
    draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".unfinished", dir=place.resolve().parent))
    try:
        with _one_moment() as snapshot:
            contents = present()
            with _new_file(draft / CONTENTS) as file:
                age.encrypt(BytesIO(contents.model_dump_json().encode()), file, recipients)
            with _new_file(draft / DUMP) as file:
                _dump(snapshot, file, recipients)
        manifest = _describe(draft, side, recipients)
        with _new_file(draft / MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
        draft.replace(place)
    except OSError as error:
        raise BadInput(Fault(str(place), f"cannot be written ({error.strerror})", "nothing was kept")) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest, contents


def own_side() -> Literal["office", "research"]:
    """The side whose database this process has. Raises BadInput for the others."""
    sides: dict[str, Literal["office", "research"]] = {"office": "office", "research": "research"}
    if settings.PROCESS not in sides:
        raise BadInput(Fault("this process", "has no backups", "set TRIALMGR_PROCESS to office or research"))
    return sides[settings.PROCESS]


def read_manifest(place: Path) -> Manifest:
    """The manifest of a backup. Raises BadInput when there is none, as in one that was not finished."""
    if not (place / MANIFEST).is_file():
        raise BadInput(Fault(str(place), f"has no {MANIFEST}: it is no backup, or was not finished", "give another"))
    return validate(Manifest, read_document(place / MANIFEST))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def refuse_target(place: Path, side: str) -> None:
    """Raise BadInput when a backup of this side cannot become the directory `place`."""
    if not place.resolve().parent.is_dir():
        raise BadInput(Fault(str(place.parent), "is not a directory", "make it first"))
    if not place.exists():
        return
    if not place.is_dir():
        raise BadInput(Fault(str(place), "is a file", "name a new directory"))
    for found in (place, *sorted(path for path in place.iterdir() if path.is_dir())):
        if (found / MANIFEST).exists() and (other := read_manifest(found).side) != side:
            raise BadInput(
                Fault(str(found), f"holds a backup of the {other} side", "keep the sides apart: name another directory")
            )
    if any(place.iterdir()):
        raise BadInput(Fault(str(place), "is not empty", "name a new directory"))


def present() -> Contents:
    """What this process's database holds now. Raises BadInput for a login that may not read every table."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = cursor.fetchall()
        closed = [name for name, readable in tables if not readable]
        if closed:
            _refuse_login(closed[0])
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
        migrations = tuple(name for (name,) in cursor.fetchall())
        counts = {}
        for name, _readable in tables:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 -- the catalog's own spelling
            counts[name] = cursor.fetchone()[0]
    number, last = audit.head() or (0, audit.GENESIS)
    return Contents(migrations=migrations, tables=counts, last_event=number, last_hash=last)


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs. Raises BadInput when it is not there."""
    found = shutil.which(name, path=settings.POSTGRES_BIN or None)
    if found is None:
        raise BadInput(
            Fault(name, "is not found", "install PostgreSQL's client programs, or set TRIALMGR_POSTGRES_BIN")
        )
    return found


def connected() -> dict[str, str]:
    """An environment in which PostgreSQL's programs reach this process's database; no password in a command line."""
    given = connection.get_connection_params()
    names = {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}
    names.pop("options")  # pg_dump and pg_restore set their own time limits
    found = {names[key]: str(value) for key, value in given.items() if key in names and value}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **found}


def last_words(log: IO[bytes]) -> str:
    """The last line that a program wrote as it failed."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it did not say why"


def _refuse_login(table: str) -> None:
    matrix = grants.matrices()[own_side()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        login = cursor.fetchone()[0]
    raise BadInput(Fault(f"login {login}", f"may not read {table}", f"make backups as {matrix.backup}"))


def _recipients() -> list[Recipient]:
    if not settings.BACKUP_TO:
        raise BadInput(Fault("TRIALMGR_BACKUP_TO", "names no key to encrypt to", "make one: manage.py backup_key FILE"))
    try:
        return [age.recipient_of(word) for word in settings.BACKUP_TO]
    except age.NotAKey as error:
        raise BadInput(Fault("TRIALMGR_BACKUP_TO", f"holds {error}", "give public keys of age, as age1…")) from None


@contextmanager
def _one_moment() -> Iterator[str]:
    """A transaction that sees one moment, and the name under which pg_dump can see the same."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner only, on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _dump(snapshot: str, target: BinaryIO, recipients: list[Recipient]) -> None:
    """Have pg_dump write the database, as of the snapshot, through encryption: nothing in clear reaches the disk."""
    left_out = [f"--exclude-schema={name}" for name in provisioned_schemas()]
    options = ["--format=custom", f"--snapshot={snapshot}", f"--lock-wait-timeout={LOCK_WAIT}", "--no-password"]
    with tempfile.TemporaryFile() as log:
        argv = [program("pg_dump"), *options, *left_out]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, env=connected()) as dumping:  # noqa: S603
            assert dumping.stdout
            age.encrypt(dumping.stdout, target, recipients)
        if dumping.returncode:
            raise BadInput(Fault("pg_dump", last_words(log), "nothing was kept"))


def provisioned_schemas() -> list[str]:
    """Schemas that a superuser makes beforehand (`grants --sql`), which are no part of a backup."""
    matrix = grants.matrices()[own_side()]
    return [name for name, owner in matrix.schemas.items() if matrix.roles[owner].switches]


def _describe(draft: Path, side: Literal["office", "research"], recipients: list[Recipient]) -> Manifest:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = str(cursor.fetchone()[0])
    return Manifest(
        format="trialmgr backup 1",
        side=side,
        made_at=clock.machine_now().replace(microsecond=0),
        trialmgr=__version__,
        postgresql=version,
        readable_by=tuple(map(str, recipients)),
        files={
            name: StoredFile(size=(draft / name).stat().st_size, sha256=digest(draft / name))
            for name in (CONTENTS, DUMP)
        },
    )
