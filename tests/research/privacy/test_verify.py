"""`verify_privacy` on the research cluster: keeps quiet about nothing, and notices each way to break a promise."""

import json

import pytest
from django.core.management import call_command
from django.db import connection

from surveys.promise_words import EN, NL
from surveys.promises import ANSWER_TABLES

pytestmark = pytest.mark.django_db
BREAKS = [
    ("staff_sees_nothing", "GRANT SELECT ON answers.draft TO research_web"),
    ("staff_sees_nothing", "GRANT SELECT (value) ON answers.poured TO research_web"),
    ("survey_reads_nothing", "GRANT INSERT ON answers.draft TO survey_app"),
    ("survey_reads_nothing", "GRANT research_scoring TO survey_app"),
    ("vault_sees_nothing", "GRANT SELECT ON answers.score TO research_vault"),
    ("no_moment", "ALTER TABLE answers.submitted ADD at timestamptz"),
    ("no_moment", "ALTER TABLE answers.submitted ADD place int GENERATED ALWAYS AS IDENTITY"),
    ("no_moment", "CREATE SEQUENCE answers.order_of_answering"),
    ("no_answer_in_log", "SET LOCAL log_error_verbosity = 'verbose'"),
    ("no_answer_in_log", "SET LOCAL log_parameter_max_length = -1"),
    ("no_bridge", "GRANT pg_read_all_data TO research_scoring"),
    ("release_shut", "ALTER ROLE research_release LOGIN"),
]


@pytest.fixture
def verdicts(as_role, capsys):
    """Exit code and verdicts, as the web login sees them; whatever a test broke is rolled back."""

    def verified():
        code = 0
        with as_role("research_web"):
            try:
                call_command("verify_privacy", format="json", language="en")
            except SystemExit as stopped:
                code = stopped.code
        return code, {one["promise"]: one["verdict"] for one in json.loads(capsys.readouterr().out)}

    return verified


def test_all_promises_that_can_be_seen_hold(verdicts):
    code, found = verdicts()
    assert code == 0
    assert len(found) == 7
    assert set(found.values()) == {"holds"}


def test_it_speaks_dutch(as_role, capsys):
    with as_role("research_web"):
        call_command("verify_privacy")
    said = capsys.readouterr().out
    assert "KLOPT           De vragenpagina's kunnen geen gegeven antwoord teruglezen." in said
    assert said.endswith("Alle beloften die hier te zien zijn, kloppen.\n")


@pytest.mark.parametrize(("promise", "harm"), BREAKS)
def test_it_notices_a_broken_promise(verdicts, promise, harm):
    with connection.cursor() as cursor:
        cursor.execute(harm)
    code, found = verdicts()
    assert code == 1
    assert [name for name, verdict in found.items() if verdict != "holds"] == [promise]


def test_values_that_travel_inside_statements_break_a_promise(verdicts, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    assert verdicts()[1]["no_answer_in_log"] == "broken"


def test_the_list_of_tables_it_looks_at_is_complete():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = 'answers'")
        assert {name for (name,) in cursor.fetchall()} == {*ANSWER_TABLES, "wave"}


def test_both_languages_say_everything():
    assert NL.keys() == EN.keys()
