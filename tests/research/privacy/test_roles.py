"""What each login of the research cluster can reach, tried as that login (P1-P4, P16)."""

import secrets

import psycopg
import pytest

from tests.answers_store import Person, Wave, address, ask, connect, pour, refused

TABLES = ("wave", "draft", "progress", "submitted", "complete", "poured", "poured_text", "score", "scored", "erased")
LOGINS = ("survey_app", "research_vault", "research_web", "research_scoring")
READS = {
    ("research_web", "wave"),
    *(("research_scoring", table) for table in ("wave", "complete", "poured", "score", "scored")),
}
WRITES = {("research_scoring", "score"), ("research_scoring", "scored")}
CALLS = {
    "survey_app": {"questionnaire", "state", "save_answer", "done_items", "next_item", "own_device_read", "submit"},
    "research_vault": {"wave_number", "status", "response_counts", "erase", "erase_listed"},
    "research_web": {"open_wave", "close_wave", "response_counts"},
    "research_scoring": set(),
    "research_pour": {"pour", "wait_a_day"},
}


def test_the_list_of_tables_is_complete():
    found = ask("postgres", "SELECT tablename::text FROM pg_tables WHERE schemaname = 'answers'")
    assert {name for (name,) in found} == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("login", LOGINS)
def test_a_login_reaches_a_table_only_as_declared(login, table):
    reading = [f"SELECT * FROM answers.{table}", f"COPY answers.{table} TO STDOUT"]
    writing = [
        f"DELETE FROM answers.{table}",
        f"TRUNCATE answers.{table}",
        f"UPDATE answers.{table} SET {column(table)}",
    ]
    for sql in reading:
        if (login, table) in READS:
            with connect(login) as connection:
                connection.execute(reading[0])
        else:
            assert "permission denied" in refused(login, sql)
    for sql in writing:
        assert "permission denied" in refused(login, sql)
    inserting = f"INSERT INTO answers.{table} SELECT (NULL::answers.{table}).*"
    if (login, table) in WRITES:
        with connect(login) as connection, pytest.raises(psycopg.errors.NotNullViolation):
            connection.execute(inserting)
    else:
        assert "permission denied" in refused(login, inserting)


def column(table: str) -> str:
    name = {"wave": "number", "erased": "mark"}.get(table, "wave")
    return f"{name} = {name}"


@pytest.mark.parametrize("role", CALLS)
def test_a_role_may_call_only_its_functions(role):
    sql = """SELECT proname::text FROM pg_proc
              WHERE pronamespace = 'answers'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')"""
    assert {name for (name,) in ask("postgres", sql, role)} == CALLS[role]


def test_every_function_that_lends_rights_has_a_fixed_search_path():
    sql = """SELECT proname FROM pg_proc WHERE pronamespace = 'answers'::regnamespace
              AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']"""
    assert ask("postgres", sql) == []


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize(
    "sql",
    [
        "SET ROLE research_owner",
        "SET ROLE postgres",
        "CREATE EXTENSION dblink SCHEMA public",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/out'",
        "CREATE TABLE answers.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE TEMP TABLE mine (x int)",
        "ALTER FUNCTION answers.state SECURITY INVOKER",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'who answered what')",
        "SELECT lo_create(0)",
        "SELECT lo_put(1, 0, 'x')",
        "ALTER ROLE CURRENT_USER SUPERUSER",
    ],
)
def test_no_login_can_climb(login, sql):
    refused(login, sql)


def test_the_release_login_is_shut_outside_a_run():
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(address("research_release"))


def test_the_survey_login_gets_codes_back_but_no_answer():
    wave, person = Wave(), Person()
    wave.save(person, "q1", "MARKER")
    assert ask("survey_app", "SELECT answers.done_items(%s, %s)", person.pseud, wave.number) == [("q1",)]
    calls = [
        ("SELECT answers.state(%s, %s)", ()),
        ("SELECT answers.next_item(%s, %s)", ()),
        ("SELECT answers.own_device_read(%s, %s, %s)", (secrets.token_bytes(32),)),
        ("SELECT answers.own_device_read(%s, %s, %s)", (person.device,)),
        ("SELECT answers.own_device_read(%s, %s, %s)", (b"",)),
        ("SELECT answers.submit(%s, %s)", ()),
    ]
    for sql, more in calls:
        assert "MARKER" not in str(ask("survey_app", sql, person.pseud, wave.number, *more))


def test_only_the_device_that_answered_reads_back_and_only_until_submitting():
    wave, person = Wave(), Person()
    wave.save(person, "q1", "mine")
    other = Person(pseud=person.pseud)
    wave.save(other, "q2", "from the other device")
    read = "SELECT item, value FROM answers.own_device_read(%s, %s, %s)"
    assert ask("survey_app", read, person.pseud, wave.number, person.secret) == [("q1", "mine")]
    assert ask("survey_app", read, person.pseud, wave.number, other.secret) == [("q2", "from the other device")]
    wave.submit(person)
    assert ask("survey_app", read, person.pseud, wave.number, person.secret) == []


def test_ten_thousand_guesses_at_a_device_secret_read_nothing():
    wave, person = Wave(), Person()
    wave.save(person, "q1", "mine")
    sql = "SELECT count(*) FROM answers.own_device_read(%s, %s, %s)"
    with connect("survey_app") as connection, connection.pipeline():
        cursors = [connection.execute(sql, [person.pseud, wave.number, secrets.token_bytes(32)]) for _ in range(10_000)]
    assert sum(cursor.fetchone()[0] for cursor in cursors) == 0
    assert ask("survey_app", sql, person.pseud, wave.number, person.secret) == [(1,)]


def test_status_gives_back_only_who_was_asked_for_and_submitted():
    wave, done, waiting, others = Wave(), [Person() for _ in range(7)], Person(), [Person() for _ in range(15)]
    wave.answer_all(done)
    pour()
    late = Person()
    wave.answer_all([late])
    wave.save(waiting, "q1", "1")
    asked = [person.pseud for person in [*done[:5], late, waiting, *others]]
    found = {bytes(row[0]) for row in ask("research_vault", "SELECT answers.status(%s, %s)", wave.number, asked)}
    assert found == {person.pseud for person in [*done[:5], late]}


def test_status_is_refused_for_fewer_than_twenty_also_when_one_is_repeated():
    wave, people = Wave(), [Person().pseud for _ in range(19)]
    for asked in (people, people + people, [people[0]], []):
        with connect("research_vault") as connection, pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("SELECT answers.status(%s, %s::bytea[])", [wave.number, asked])
    assert ask("research_vault", "SELECT answers.status(%s, %s)", wave.number, [*people, Person().pseud]) == []
