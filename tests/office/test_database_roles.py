"""The walls in the office database, met with the real logins."""

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from trialmgr.core import audit, grants


@pytest.mark.django_db
def test_the_database_agrees_with_the_declared_matrix():
    with connection.cursor() as cursor:
        assert grants.differences(cursor, grants.matrices()["office"]) == []


@pytest.mark.django_db
def test_a_right_given_by_hand_is_named():
    with connection.cursor() as cursor:
        cursor.execute("GRANT DELETE ON core_user TO office_web")
        cursor.execute("CREATE TABLE forgotten (a int)")
        cursor.execute("GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC; SELECT lo_create(0)")
        found = [difference.text for difference in grants.differences(cursor, grants.matrices()["office"])]
    assert [text.split(":")[0] for text in found if "large objects" in text or "PUBLIC" in text] == [
        "lo_create(oid)",
        "postgres",
    ]
    assert "core_user: DELETE for office_web is not in the matrix" in found
    assert "forgotten: has no row in grants.yaml: add one" in found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("ALTER TABLE audit.log DISABLE TRIGGER {trigger}", "audit.log: its trigger {trigger} is disabled"),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE office_owner GRANT SELECT ON TABLES TO PUBLIC",
            "office_owner: what it will make is open to PUBLIC",
        ),
        ("ALTER ROLE office_web SET log_statement = 'all'", "office_web: is set to log_statement=all"),
        (
            "ALTER ROLE office_worker SET session_replication_role = 'replica'",
            "office_worker: is set to session_replication_role=replica",
        ),
    ],
)
def test_a_way_around_the_rights_is_named(statement, difference):
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(tgname) FROM pg_trigger WHERE tgrelid = 'audit.log'::regclass AND NOT tgisinternal")
        (trigger,) = cursor.fetchone()
        cursor.execute("ALTER ROLE office_web SET log_error_verbosity = 'terse'")  # as the documents ask
        cursor.execute(statement.format(trigger=trigger))
        found = [one.text for one in grants.differences(cursor, grants.matrices()["office"])]
    assert found == [difference.format(trigger=trigger) + ", against the matrix"]


@pytest.mark.django_db
def test_a_right_on_a_whole_table_gives_way_to_rights_on_columns_at_once():
    matrix = grants.matrices()["office"]
    with connection.cursor() as cursor:
        cursor.execute("REVOKE UPDATE ON randomization_draw FROM office_web")
        cursor.execute("GRANT UPDATE ON randomization_draw TO office_web")
        assert grants.apply(cursor, matrix) == []
        cursor.execute("RESET ROLE")


@pytest.mark.django_db
def test_the_web_appends_to_the_audit_chain_and_can_do_nothing_else_with_it(as_role):
    with as_role("office_web"):
        seq = audit.record("test.done", "test:1", by="test", trial="tilburg")
        assert audit.head()[0] == seq
        for statement in ("UPDATE audit.log SET actor = 'someone'", "TRUNCATE audit.log", "DROP TABLE audit.detail"):
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
                connection.cursor().execute(statement)


@pytest.mark.parametrize("login", ["office_owner", "audit_owner", "office_reminder"])
def test_nobody_logs_in_as_a_role_that_only_owns(dsn_of, login):
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(dsn_of(login))


def test_the_worker_may_become_the_reminder_and_the_web_may_not(dsn_of):
    with psycopg.connect(dsn_of("office_worker")) as worker:
        assert worker.execute("SET ROLE office_reminder").statusmessage == "SET"
    with psycopg.connect(dsn_of("office_web")) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("SET ROLE office_reminder")


@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_is_gone_for_the_next(dsn_of):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.log")
        assert cursor.fetchone() == (0,)
    audit.record("test.done", "test:1", by="test", trial="tilburg")
    with psycopg.connect(dsn_of("office_web")) as other:
        assert other.execute("SELECT count(*) FROM audit.log").fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_what_another_test_committed_is_gone():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit.log")
        assert cursor.fetchone() == (0,)
    assert settings.PROCESS == "office"


@pytest.mark.django_db
def test_a_page_is_served_with_the_rights_of_the_web_login(client, monkeypatch):
    seen = []
    monkeypatch.setattr("trialmgr.core.health.database", lambda: seen.append(current_user()))
    client.get("/healthz")
    assert seen == ["office_web"]
    assert current_user() == "postgres"


def current_user():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]
