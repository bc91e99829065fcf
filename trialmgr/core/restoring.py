"""A backup put back into an empty database, and held against what it said of itself.

Nothing is touched before the whole of the backup is known to be as it was written; then everything is put back in
one transaction, under the login of migrations. Until all of it is compared nobody else has any right there.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from pydantic import ValidationError
from pyrage.x25519 import Identity

from trialmgr.core import age, anchors, audit, backups, grants
from trialmgr.core.backups import CONTENTS, DUMP, Contents, Manifest
from trialmgr.core.errors import BadInput, Fault

EMPTY = "restore into an empty database, made as `grants --sql` prints"


@dataclass(frozen=True)
class Report:
    """What was put back, what differs from the manifest, and what must be done before anybody is let in."""

    manifest: Manifest
    contents: Contents
    migrated: int
    differences: tuple[str, ...]
    still_to_do: tuple[str, ...]


def restore(place: Path, key: Path) -> Report:
    """Put the backup back into this process's database, with the private key in the file `key`.

    Raises BadInput, with nothing changed, for a backup that is not whole, belongs to the other side, or does not open
    with the key; for a login that may not; for a database that is not empty.
    """
    manifest = check_files(place)
    identity = _read_key(key)
    contents = _read_contents(place, identity)
    waiting = _migrations_after(contents)
    matrix = grants.matrices()[manifest.side]
    _refuse_target(matrix)
    _load(place, identity, matrix)
    wrong = _differences(contents)
    if waiting:
        call_command("migrate", verbosity=0, interactive=False)
    wrong += _settle(place, contents)
    if not wrong:
        wrong += _give_rights(matrix)
    todo = _still_to_do(manifest, max(anchors.own(), default=0) - contents.last_event)
    return Report(manifest, contents, len(waiting), tuple(wrong), tuple(todo))


def check_files(place: Path) -> Manifest:
    """The manifest of a backup of this side all of whose files are as they were written. Raises BadInput."""
    side, manifest = backups.own_side(), backups.read_manifest(place)
    if manifest.side != side:
        raise BadInput(
            Fault(str(place), f"is a backup of the {manifest.side} side", f"this process restores the {side} side")
        )
    if set(manifest.files) != {CONTENTS, DUMP}:
        raise BadInput(Fault(str(place / backups.MANIFEST), "names other files", f"it names {CONTENTS} and {DUMP}"))
    faults = [fault for name in manifest.files for fault in _wrong_with(place / name, manifest)]
    if faults:
        raise BadInput(faults)
    return manifest


def _wrong_with(path: Path, manifest: Manifest) -> Iterator[Fault]:
    wanted, remedy = manifest.files[path.name], "nothing was restored: take another backup"
    if not path.is_file():
        yield Fault(str(path), "is missing", remedy)
    elif (path.stat().st_size, backups.digest(path)) != (wanted.size, wanted.sha256):
        yield Fault(str(path), "was changed or damaged since the backup", remedy)


def _read_key(path: Path) -> Identity:
    """The first private key in a file as `backup_key` and `age-keygen` write it."""
    try:
        lines = path.read_text("ascii").split("\n")
    except (OSError, UnicodeDecodeError):
        raise BadInput(Fault(str(path), "cannot be read", "give the file with the private key")) from None
    words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return age.identity_of(words[0] if words else "")
    except age.NotAKey as error:
        raise BadInput(Fault(str(path), f"holds {error}", "it holds AGE-SECRET-KEY-1…")) from None


def _read_contents(place: Path, identity: Identity) -> Contents:
    path = place / CONTENTS
    try:
        content = BytesIO()
        with path.open("rb") as file:
            age.decrypt(file, content, identity)
        return Contents.model_validate_json(content.getvalue())
    except (age.NotOpened, ValidationError) as error:
        what = str(error) if isinstance(error, age.NotOpened) else "holds something else"
        raise BadInput(Fault(str(path), what, "nothing was restored: give the key of this backup")) from None


def _migrations_after(contents: Contents) -> list[str]:
    """Migrations of this code that the backup lacks. Raises BadInput when the backup has some that the code lacks."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if strange := sorted(set(contents.migrations) - known):
        raise BadInput(
            Fault(strange[0], "is a migration of the backup that this version lacks", "restore with the newer version")
        )
    return sorted(known - set(contents.migrations))


def _refuse_target(matrix: grants.Matrix) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        login, database = cursor.fetchone()
        if login != matrix.owner:
            raise BadInput(Fault(f"login {login}", "may not restore", f"restore as {matrix.migrate}"))
        cursor.execute(backups.TABLES)
        tables = cursor.fetchall()
    if tables:
        raise BadInput(Fault(f"database {database}", f"holds {len(tables)} tables", EMPTY))


def _load(place: Path, identity: Identity, matrix: grants.Matrix) -> None:
    """Have pg_restore put everything back in one transaction, which a damaged file undoes."""
    name = str(connection.get_connection_params()["dbname"])
    # Owners and rights come from the matrix; comments on what a superuser made are not ours to write.
    options = ["--single-transaction", "--no-owner", "--no-privileges", "--no-comments", "--no-password"]
    argv = [backups.program("pg_restore"), *options, f"--role={matrix.owner}", f"--dbname={name}"]
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=log, env=backups.connected()) as restoring:  # noqa: S603
            try:
                _feed(restoring, place / DUMP, identity)
            except age.NotOpened as error:
                restoring.kill()
                raise BadInput(Fault(str(place / DUMP), str(error), "nothing was restored")) from None
        if restoring.returncode:
            raise BadInput(Fault("pg_restore", backups.last_words(log), "nothing was restored"))


def _feed(restoring: subprocess.Popen[bytes], dump: Path, identity: Identity) -> None:
    assert restoring.stdin
    with dump.open("rb") as file:
        try:
            age.decrypt(file, restoring.stdin, identity)
            restoring.stdin.close()
        except BrokenPipeError:  # it stopped and says why
            return


@transaction.atomic
def _differences(contents: Contents) -> list[str]:
    """How the database departs from what it was at the moment of the backup."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    found, wrong = backups.present(), []
    for name in sorted(contents.tables.keys() | found.tables.keys()):
        there, here = contents.tables.get(name), found.tables.get(name)
        if there != here:
            wrong.append(f"{name}: {_rows(here)} here, {_rows(there)} in the backup")
    if (found.last_event, found.last_hash) != (contents.last_event, contents.last_hash):
        wrong.append(f"the audit chain ends at event {found.last_event}, in the backup at {contents.last_event}")
    return wrong


def _rows(count: int | None) -> str:
    return "no such table" if count is None else f"{count} rows"


@transaction.atomic
def _settle(place: Path, contents: Contents) -> list[str]:
    """Walk the chain and note the restore in it; gives what does not hold."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        _count, broken = audit.verify({seq: line for seq, line in anchors.own().items() if seq <= contents.last_event})
        wrong = [f"audit chain, event {broken.seq}: {broken.what}"] if broken else []
        side, which = f"side:{backups.own_side()}", backups.digest(place / backups.MANIFEST)
        audit.record("database.restored", side, by="restore", trial=audit.NO_TRIAL, manifest=which)
    return wrong


@transaction.atomic
def _give_rights(matrix: grants.Matrix) -> list[str]:
    """Let the processes in, which until now have no right on anything; gives what departs from the matrix."""
    with connection.cursor() as cursor:
        return [found.text for found in grants.apply(cursor, matrix)]


def _still_to_do(manifest: Manifest, lost: int) -> Iterator[str]:
    if not anchors.own():
        yield f"there are no anchors in {settings.ANCHOR_FILE}: bring them back, for they show what was lost"
    if lost > 0:
        yield f"{lost} anchored events after the backup are lost: enter them again, then `anchors --begin-anew REASON`"
    if manifest.side == "research":
        yield "erase again what was erased: `replay_erasures` as the vault, before the survey is opened"
