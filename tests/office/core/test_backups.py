"""The office saved and put back: everything is there, nothing can be drawn twice, and what is not right is refused."""

import errno
import json
import os
import re
import shutil
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO, StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from randomization import services as draws
from randomization.freezing import freeze_list
from randomization.models import Allocation, Draw
from surveys.mailing import services as mailing
from surveys.mailing.models import Invitation, Response
from tests.conftest import renew_database
from tests.office import factories as make
from tests.office.mailing.conftest import vault  # noqa: F401
from trialmgr.core import age, audit, clock, grants
from trialmgr.core.backups import CONTENTS, DUMP, MANIFEST, Contents, digest

OWN = os.environ["TESTS_DATABASE"]
COPY, EMPTY, OTHER = "restored_office", "empty_office", "other_office"
KEY = age.new_identity()
WHOLE = """
SELECT format('SELECT md5(coalesce(string_agg(t::text, '','' ORDER BY t::text), '''')) FROM %s t', c.oid::regclass)
  FROM pg_class c WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'audit'::regnamespace) ORDER BY 1
"""


@contextmanager
def connected_as(login, database):
    """Django's own connection as another login, to another database."""
    before = {name: connection.settings_dict[name] for name in ("USER", "NAME")}
    connection.close()
    connection.settings_dict.update(USER=login, NAME=database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def dsn(login, database):
    return f"postgresql://{login}@/{database}?host={os.environ['TESTS_SOCKETS']}"


def run(*words):
    """Exit code of a command, and the lines it printed."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, words), stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, (out.getvalue() + err.getvalue()).strip()
    return 0, out.getvalue().strip()


def make_empty_database(name):
    matrix = grants.matrices()["office"]
    with psycopg.connect(os.environ["TESTS_SUPERUSER"], autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        superuser.execute(f"CREATE DATABASE {name} OWNER {matrix.owner}")
    with psycopg.connect(dsn("postgres", name), autocommit=True) as superuser:
        for statement in grants.provision_database(name, matrix):
            superuser.execute(statement)


@pytest.fixture(scope="module", autouse=True)
def places(django_db_setup, django_db_blocker, tmp_path_factory):
    """A directory, with the database open to every test of this module; as it was afterwards."""
    place = tmp_path_factory.mktemp("backups")
    (place / "key").write_text(f"# made for this test\n{KEY!s}\n", "ascii")
    with django_db_blocker.unblock(), override_settings(BACKUP_TO=[str(KEY.to_public())]):
        yield place
    renew_database()
    with psycopg.connect(os.environ["TESTS_SUPERUSER"], autocommit=True) as superuser:
        for name in (COPY, EMPTY, OTHER):
            superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def kept(places):
    """A backup of an office where twenty-four got a questionnaire by mail and four households were drawn."""
    with clock.at(make.NOW), override_settings(ANCHOR_FILE=str(places / "anchors")):
        make.make_trial()
        for _ in range(24):
            make.make_consented()
        mailing.queue_due(trial="tilburg")
        Invitation.objects.update(status="sent", sent_on=make.TODAY)
        make.make_drawn(4)
        with connected_as("office_backup", OWN):
            code, said = run("backup", places / "kept")
    assert code == 0, said
    assert re.match(r"backup of the office side: \d+ tables, \d+ rows, \d+ events, 0\.\d MB in ", said)
    return places / "kept"


@pytest.fixture(scope="module")
def restored(kept, places):
    """What `restore` said as it put the backup into an empty database."""
    make_empty_database(COPY)
    with connected_as("office_migrate", COPY), override_settings(ANCHOR_FILE=str(places / "anchors")):
        return run("restore", kept, "--key", places / "key")


@pytest.fixture(scope="module")
def empty(places):
    make_empty_database(EMPTY)


@pytest.fixture
def copied(kept, empty, tmp_path):
    """A copy of the backup to spoil, and an empty database that must stay so."""
    shutil.copytree(kept, tmp_path / "copy")
    yield tmp_path / "copy"
    with psycopg.connect(dsn("postgres", EMPTY)) as superuser:
        made = superuser.execute("SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'audit')").fetchone()
    assert made == (0,), "something was restored"


def restore(place, key, *, login="office_migrate", database=EMPTY):
    with connected_as(login, database):
        return run("restore", place, "--key", key)


def rewrite(place, **changes):
    """Change the manifest, as somebody could who keeps the backups."""
    manifest = json.loads((place / MANIFEST).read_text("utf-8")) | changes
    for name in manifest["files"]:
        path = place / name
        manifest["files"][name] = {"size": path.stat().st_size, "sha256": digest(path)}
    (place / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def opened(file):
    content = BytesIO()
    age.decrypt(file, content, KEY)
    return content.getvalue()


def reseal(place, **changes):
    """Change what the backup says that the database held; whoever has the public key can."""
    with (place / CONTENTS).open("rb") as file:
        contents = json.loads(opened(file)) | changes
    with (place / CONTENTS).open("wb") as file:
        age.encrypt(BytesIO(json.dumps(contents).encode()), file, [KEY.to_public()])
    rewrite(place)
    return Contents.model_validate(contents)


def test_every_row_is_there_again_and_every_right(kept, restored):
    code, said = restored
    assert code == 0, said
    assert re.search(r"^verified: \d+ tables, \d+ rows, \d+ events, rights as declared$", said, re.MULTILINE)
    assert "to do" not in said
    assert f"sha256 of its manifest: {digest(kept / MANIFEST)}" in said
    with psycopg.connect(dsn("postgres", OWN)) as there, psycopg.connect(dsn("postgres", COPY)) as here:
        statements = [line for (line,) in there.execute(WHOLE)]
        assert len(statements) > 30
        for statement in statements:
            if "audit." not in statement:  # the restore itself is an event
                assert there.execute(statement).fetchone() == here.execute(statement).fetchone(), statement
        assert grants.differences(here.cursor(), grants.matrices()["office"]) == []
        lasts = "SELECT verb FROM audit.log ORDER BY seq DESC LIMIT 1"
        assert here.execute(lasts).fetchone() == ("database.restored",)
        assert there.execute(lasts).fetchone() != ("database.restored",)


def test_the_chain_holds_in_the_restored_office_and_goes_on(restored, places):
    with connected_as("office_web", COPY):
        before = audit.head()[0]
        assert audit.record("test.done", "test:1", by="test", trial="tilburg") == before + 1
        code, said = run("audit_verify", "--anchors", places / "anchors")
    assert (code, said) == (0, f"verified: {before + 1} events, 2 anchors")


def test_what_was_drawn_cannot_be_drawn_again(restored):
    with connected_as("office_web", COPY), clock.at(make.NOW):
        assert Draw.objects.get().status == "drawn"
        before = set(Allocation.objects.values_list("household", "arm"))
        assert len(before) == 4
        again = make.make_request(event="2563200")
    with connected_as("office_worker", COPY), clock.at(make.NOW):
        assert freeze_list(draw_id=again.pk) is False, "nobody is left to draw"
    with connected_as("office_worker", COPY):
        taken = Allocation.objects.values().first()
        with pytest.raises(DatabaseError, match="duplicate key"), transaction.atomic():
            Allocation.objects.create(**taken | {"arm": "other"})
        assert set(Allocation.objects.values_list("household", "arm")) == before
    with psycopg.connect(dsn("postgres", COPY)) as superuser, pytest.raises(psycopg.DatabaseError, match=r"final|once"):
        superuser.execute("UPDATE randomization_allocation SET arm = 'other'")


def test_while_events_after_the_backup_are_lost_no_list_is_closed(restored, places, settings, tmp_path):
    later = (places / "anchors").read_text("ascii") + f"900 {'ab' * 32}\n"
    settings.ANCHOR_FILE = str(tmp_path / "ahead")
    (tmp_path / "ahead").write_text(later, "ascii")
    with connected_as("office_web", COPY), clock.at(make.NOW):
        with pytest.raises(draws.DrawNotReady, match="restored from a backup"):
            make.make_request(event="2563300")
        assert run("anchors") == (1, "the chain lacks event 900, which was anchored: this database was set back")
        aside = tmp_path / "ahead.until-900"
        code, said = run("anchors", "--begin-anew", "no draw after the backup, says the notary")
        assert (code, said) == (0, f"noted in the chain; the earlier anchors are in {aside}")
        assert aside.read_text("ascii") == later
        assert run("anchors") == (0, "the chain holds what was anchored")
        assert run("audit_verify")[0] == 0
        assert run("anchors", "--begin-anew", "again")[0] == 2
        with transaction.atomic():
            assert make.make_request(event="2563300").number > 1
            transaction.set_rollback(True)


def test_the_next_night_knows_again_who_answered_and_spares_them(restored, vault):  # noqa: F811
    """The research side went on after the backup: fifteen answered of whom the restored office knows nothing."""
    with connected_as("office_worker", COPY), clock.at(make.NOW + timedelta(days=7)):
        pids = list(Invitation.objects.order_by("pk").values_list("person__pid", flat=True))
        vault.submitted = pids[:15]
        assert mailing.update_status(trial="tilburg") == {"baseline": 15}
        mailing.queue_due(trial="tilburg")
        reminded = set(Invitation.objects.filter(reminder=1).values_list("person__pid", flat=True))
        assert reminded == set(pids[15:])
        assert mailing.update_status(trial="tilburg") == {"baseline": 15}
        vault.submitted = pids[:10]  # and the other way round: research was set back, and lost the answers of five
        assert mailing.update_status(trial="tilburg") == {"baseline": 10}
        with transaction.atomic(), mailing.reminder_role():
            assert Response.objects.count() == 15, "who answered once is not asked again"


def test_a_backup_is_for_its_owner_only_and_says_nothing_of_anybody(kept):
    assert {path.name for path in kept.iterdir()} == {MANIFEST, CONTENTS, DUMP}
    assert kept.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
    content = b"".join(path.read_bytes() for path in kept.iterdir())
    assert all(word not in content for word in (b"noor", b"Noor", b"tilburg", b"participants_person", b"PGDMP"))
    with (kept / DUMP).open("rb") as file:
        assert opened(file).startswith(b"PGDMP")


def test_a_changed_file_is_refused(copied, places):
    whole = (copied / DUMP).read_bytes()
    (copied / DUMP).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    line = f"{copied / DUMP}: was changed or damaged since the backup: nothing was restored: take another backup"
    assert restore(copied, places / "key") == (2, line)


def test_a_changed_file_is_refused_when_the_manifest_was_made_to_fit(copied, places):
    whole = (copied / DUMP).read_bytes()
    (copied / DUMP).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    rewrite(copied)
    assert restore(copied, places / "key") == (
        2,
        f"{copied / DUMP}: is damaged or was cut short: nothing was restored",
    )


def test_a_backup_that_was_not_finished_is_refused(copied, places):
    (copied / DUMP).unlink()
    line = f"{copied / DUMP}: is missing: nothing was restored: take another backup"
    assert restore(copied, places / "key") == (2, line)
    (copied / MANIFEST).unlink()
    line = f"{copied}: has no manifest.json: it is no backup, or was not finished: give another"
    assert restore(copied, places / "key") == (2, line)


def test_a_backup_of_the_other_side_is_refused(copied, places):
    rewrite(copied, side="research")
    line = f"{copied}: is a backup of the research side: this process restores the office side"
    assert restore(copied, places / "key") == (2, line)


def test_a_backup_of_a_newer_version_is_refused(copied, places):
    reseal(copied, migrations=["core.0001_initial", "core.9999_later"])
    line = "core.9999_later: is a migration of the backup that this version lacks: restore with the newer version"
    assert restore(copied, places / "key") == (2, line)


def test_another_key_does_not_open_it(copied, places, tmp_path):
    (tmp_path / "other").write_text(str(age.new_identity()), "ascii")
    what = "was not made for this key, or its beginning is damaged"
    line = f"{copied / CONTENTS}: {what}: nothing was restored: give the key of this backup"
    assert restore(copied, tmp_path / "other") == (2, line)
    (tmp_path / "other").write_text(str(KEY.to_public()), "ascii")
    code, said = restore(copied, tmp_path / "other")
    assert (code, said.split(": ")[1]) == (2, "holds no private key, or a mistyped one")


def test_only_the_login_of_migrations_restores(copied, places):
    line = "login office_web: may not restore: restore as office_migrate"
    assert restore(copied, places / "key", login="office_web") == (2, line)


def test_a_database_that_is_not_empty_is_left_alone(kept, places):
    with psycopg.connect(dsn("postgres", OWN)) as superuser:
        before = superuser.execute("SELECT count(*), max(hash) FROM audit.log").fetchone()
        code, said = restore(kept, places / "key", database=OWN)
        assert code == 2
        assert re.fullmatch(
            rf"database {OWN}: holds \d+ tables: restore into an empty database, made as `grants --sql` prints", said
        )
        assert superuser.execute("SELECT count(*), max(hash) FROM audit.log").fetchone() == before


def test_a_difference_is_named_and_ends_with_1(kept, places, tmp_path, settings):
    settings.ANCHOR_FILE = str(tmp_path / "ahead")
    shutil.copytree(kept, tmp_path / "copy")
    contents = reseal(tmp_path / "copy")
    tables = contents.tables | {"public.participants_person": 29, "public.gone": 3}
    reseal(tmp_path / "copy", tables=tables, last_event=contents.last_event - 1)
    ahead = f"{contents.last_event + 11} {'ab' * 32}\n"
    (tmp_path / "ahead").write_text((places / "anchors").read_text("ascii").splitlines(True)[0] + ahead, "ascii")
    make_empty_database(OTHER)
    code, said = restore(tmp_path / "copy", places / "key", database=OTHER)
    assert code == 1
    assert [line for line in said.splitlines() if line.startswith("differs")] == [
        "differs: public.gone: no such table here, 3 rows in the backup",
        "differs: public.participants_person: 28 rows here, 29 rows in the backup",
        f"differs: the audit chain ends at event {contents.last_event}, in the backup at {contents.last_event - 1}",
    ]
    todo = "12 anchored events after the backup are lost: enter them again, then `anchors --begin-anew REASON`"
    assert f"to do: {todo}" in said
    assert "verified" not in said
    with psycopg.connect(dsn("office_web", OTHER)) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("SELECT 1 FROM public.participants_person")


def test_a_backup_of_an_older_version_is_brought_up_to_this_one(kept, places, tmp_path):
    """An office that lacks a migration of this version, saved then and restored now."""
    with psycopg.connect(os.environ["TESTS_SUPERUSER"], autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE IF EXISTS {OTHER} WITH (FORCE)")
        connection.close()
        superuser.execute(f"CREATE DATABASE {OTHER} TEMPLATE {OWN} OWNER office_owner")
    with connected_as("office_migrate", OTHER):
        call_command("migrate", "core", "0007", verbosity=0)
    with connected_as("office_backup", OTHER):
        assert run("backup", tmp_path / "older")[0] == 0
    make_empty_database(OTHER)
    code, said = restore(tmp_path / "older", places / "key", database=OTHER)
    assert code == 0, said
    newer = [name for app, name in MigrationLoader(None).disk_migrations if app == "core" and name > "0008"]
    assert f"migrations run that are newer than the backup: {len(newer)}" in said
    assert re.search(r"^verified: ", said, re.MULTILINE)
    with connected_as("office_migrate", OTHER):
        out = StringIO()
        call_command("showmigrations", "core", stdout=out)
    assert "[ ]" not in out.getvalue()


@pytest.mark.parametrize(
    ("make_place", "line"),
    [
        (lambda place, kept: shutil.copytree(kept, place), "{0}: is not empty: name a new directory"),
        (lambda place, kept: place.touch(), "{0}: is a file: name a new directory"),
        (
            lambda place, kept: rewrite(shutil.copytree(kept, place), side="research"),
            "{0}: holds a backup of the research side: keep the sides apart: name another directory",
        ),
        (
            lambda place, kept: rewrite(shutil.copytree(kept, place / "then"), side="research"),
            "{0}/then: holds a backup of the research side: keep the sides apart: name another directory",
        ),
    ],
)
def test_a_backup_never_lands_on_another(kept, tmp_path, make_place, line):
    place = tmp_path / "there"
    make_place(place, kept)
    assert run("backup", place) == (2, line.format(place))


def test_a_login_that_may_not_read_everything_makes_no_backup(kept, tmp_path):
    with connected_as("office_web", OWN):
        code, said = run("backup", tmp_path / "mine")
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert said == "login office_web: may not read public.mailing_response: make backups as office_backup"


def test_without_a_key_to_encrypt_to_there_is_no_backup(kept, tmp_path, settings):
    for words, line in (
        ([], "TRIALMGR_BACKUP_TO: names no key to encrypt to: make one: manage.py backup_key FILE"),
        (["age1x"], "TRIALMGR_BACKUP_TO: holds no public key, or a mistyped one: give public keys of age"),
    ):
        settings.BACKUP_TO = words
        code, said = run("backup", tmp_path / "mine")
        assert (code, said.startswith(line), list(tmp_path.iterdir())) == (2, True, [])


def test_a_backup_that_stops_halfway_leaves_nothing(kept, tmp_path, settings):
    (tmp_path / "bin").mkdir()
    failing = tmp_path / "bin" / "pg_dump"
    failing.write_text("#!/bin/sh\nhead -c 200000 /dev/zero\necho 'pg_dump: error: no space left' >&2\nexit 1\n")
    failing.chmod(0o755)
    settings.POSTGRES_BIN = str(tmp_path / "bin")
    line = "pg_dump: pg_dump: error: no space left: nothing was kept"
    assert run("backup", tmp_path / "mine") == (2, line)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
    failing.unlink()
    line = "pg_dump: is not found: install PostgreSQL's client programs, or set TRIALMGR_POSTGRES_BIN"
    assert run("backup", tmp_path / "mine") == (2, line)


def test_a_full_disk_leaves_nothing(kept, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(age, "encrypt", full)
    line = f"{tmp_path / 'mine'}: cannot be written (No space left on device): nothing was kept"
    assert run("backup", tmp_path / "mine") == (2, line)
    assert list(tmp_path.iterdir()) == []
    line = f"{tmp_path / 'gone'}: is not a directory: make it first"
    assert run("backup", tmp_path / "gone" / "mine") == (2, line)


def test_a_database_that_cannot_be_reached_is_one_line(kept, tmp_path):
    with connected_as("office_backup", "nowhere"):
        code, said = run("backup", tmp_path / "mine")
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert re.fullmatch(r'database: connection failed: .* database "nowhere" does not exist', said)


def test_a_look_at_the_files_needs_no_key(kept, copied):
    code, said = run("restore", "--check", kept)
    assert (code, said[:34]) == (0, "whole: a backup of the office side")
    (copied / CONTENTS).write_bytes(b"")
    assert run("restore", "--check", copied)[0] == 2
    assert run("restore", kept) == (2, "restore: needs the private key of the backup: give --key FILE")
