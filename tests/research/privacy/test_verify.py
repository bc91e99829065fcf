"""`verify_privacy` on the research side notices each way to break a promise (P24)."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import translation

from trialmgr.core import privacy

pytestmark = pytest.mark.django_db
BREAKS = [
    ("No web page of the researchers can see an answer.", "GRANT SELECT ON answers.draft TO research_web"),
    ("No web page of the researchers can see an answer.", "GRANT SELECT (value) ON answers.poured TO research_web"),
    ("The questionnaire itself cannot read an answer back.", "GRANT SELECT ON answers.draft TO survey_app"),
    ("The questionnaire itself cannot read an answer back.", "GRANT research_scoring TO survey_app"),
    ("No answer has a time, an address or a number in order.", "ALTER TABLE answers.submitted ADD at timestamptz"),
    (
        "No answer has a time, an address or a number in order.",
        "ALTER TABLE answers.submitted ADD place int GENERATED ALWAYS AS IDENTITY",
    ),
    ("Beside the answers stands nothing that says who gave them.", "ALTER TABLE answers.complete ADD arm text"),
    ("The log of the database holds no answers.", "SET LOCAL log_error_verbosity = 'verbose'"),
    ("The log of the database holds no answers.", "SET LOCAL log_parameter_max_length = -1"),
    (
        "The login that joins answers and outcomes works during an approved run only.",
        "ALTER ROLE research_release LOGIN",
    ),
    ("Rights in the database are as declared.", "GRANT SELECT ON answers.score TO research_vault"),
    ("Rights in the database are as declared.", "GRANT INSERT ON answers.draft TO survey_app"),
    ("Rights in the database are as declared.", "GRANT pg_read_all_data TO research_scoring"),
    ("Rights in the database are as declared.", "CREATE TABLE answers.copy (pseud bytea)"),
]


OTHERS = {"cluster": "x", "host": "x", "account": "x", "operator": "municipality", "backup_keys": "x"}


def failing(as_role) -> list[str]:
    """The promises that do not hold, as the web login sees them; whatever a test broke is rolled back."""
    with as_role("research_web"), translation.override("en"):
        return [one.promise for one in privacy.findings() if not one.holds]


def test_every_promise_holds_in_a_fresh_deployment(as_role, capsys):
    assert failing(as_role) == []
    with as_role("research_web"):
        call_command("verify_privacy")
    assert len(capsys.readouterr().out.splitlines()) == 9


@pytest.mark.parametrize(("promise", "harm"), BREAKS)
def test_a_broken_promise_is_named_and_the_command_fails(as_role, promise, harm):
    with connection.cursor() as cursor:
        cursor.execute(harm)
    assert promise in failing(as_role)
    with as_role("research_web"), pytest.raises(SystemExit) as stopped:
        call_command("verify_privacy")
    assert stopped.value.code == 1


@pytest.fixture
def held_together(as_role, tmp_path, capsys, settings):
    """Hold our evidence against that of the other side, which is ours with something changed; give the last line."""
    settings.OPERATOR = "university"

    def run(**changed):
        mine, theirs = tmp_path / "mine.json", tmp_path / "theirs.json"
        with as_role("research_web"), translation.override("en"):
            call_command("verify_privacy", evidence=mine)
            theirs.write_text(json.dumps(json.loads(mine.read_text()) | changed))
            capsys.readouterr()
            call_command("verify_privacy", other=theirs)
        return capsys.readouterr().out.splitlines()[-1]

    return run


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({"cluster": "x"}, "Level L0"),
        ({"cluster": "x", "host": "x", "account": "x"}, "Level L1"),
        (OTHERS, "Level L2"),
        ({key: OTHERS[key] for key in OTHERS if key != "backup_keys"}, "Level L1"),
    ],
)
def test_the_evidence_of_the_other_side_decides_the_level(held_together, changed, level):
    assert held_together(side="office", **changed).startswith(level)


def test_one_cluster_for_both_sides_is_no_level_and_the_command_fails(held_together, capsys):
    with pytest.raises(SystemExit) as stopped:
        held_together(side="office")
    assert stopped.value.code == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("No level")


def test_the_evidence_of_one_side_twice_is_refused(held_together, capsys):
    with pytest.raises(SystemExit) as stopped:
        held_together(**OTHERS)
    assert stopped.value.code == 2
    assert "of the research side twice" in capsys.readouterr().err
