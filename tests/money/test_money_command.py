"""`manage.py money explain`, as a coach runs it."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

EXAMPLES = sorted((Path(__file__).parents[2] / "docs/examples/money").glob("*.yaml"))


def explain(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("money", "explain", str(path), *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def single() -> Path:
    return next(path for path in EXAMPLES if path.stem == "single")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("style", ["text", "csv", "json"])
def test_every_example_of_the_manual_is_explained(path: Path, style: str) -> None:
    written = explain(path, "--format", style)
    assert written.endswith("\n")
    assert "None" not in written
    assert "{" not in written or style == "json"


def test_the_table_and_the_reasons_stand_in_both_languages(single: Path) -> None:
    written = explain(single)
    assert "2018-02  500.00  199.00  Trial disregard    22    125.00        0.00  199.00" in written
    assert "U mag hoogstens € 199,00 per maand houden. Daarom is het € 199,00." in written
    assert "You may keep at most €199.00 a month. So it is €199.00." in written


def test_a_participant_gets_dutch_only(single: Path) -> None:
    written = explain(single, "--language", "nl")
    assert "Zonder de proef zou u € 75,00 houden" in written
    assert "Without the trial" not in written


def test_the_csv_has_a_line_a_month_with_amounts_that_add_up(single: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(explain(single, "--format", "csv"))))
    assert [row["month"] for row in rows] == ["2018-01", "2018-02", "2018-03", "2018-04", "2018-05"]
    assert [row["kept"] for row in rows] == ["150.00", "199.00", "0.00", "199.00", "199.00"]
    assert [row["months_left"] for row in rows] == ["23", "22", "22", "21", "20"]
    assert rows[1]["reasons_nl"].startswith("Anna verdiende € 500,00.")


def test_the_json_keeps_cents_as_text_and_lists_what_is_not_verified(single: Path) -> None:
    document = json.loads(explain(single, "--format", "json"))
    assert document["months"][0]["kept"] == "150.00"
    assert document["months"][0]["rule"] == "decree-2017"
    assert {"rule_nl", "rule_en", "what_nl", "what_en"} == set(document["not_verified"][0])


def test_the_json_tells_who_earned_what_and_how_the_rule_was_used() -> None:
    path = next(path for path in EXAMPLES if path.stem == "couple")
    february = json.loads(explain(path, "--format", "json"))["months"][1]
    assert february["members"]["Bert"] == {"in_trial": "190.00", "outside": "0.00", "not_counted": "90.00"}
    (use,) = february["uses"]
    assert use["members"] == ["Anna", "Bert"]
    assert (use["earned"], use["before_cap"], use["cap"], use["amount"]) == ("440.00", "220.00", "199.00", "199.00")
    assert (use["month"], use["left"]) == (2, 22)


def test_a_shortfall_is_an_alert_in_words_and_a_status_in_data() -> None:
    path = next(path for path in EXAMPLES if path.stem == "new-year")
    assert "LET OP: in december 2026, januari 2027 houdt dit huishouden minder" in explain(path)
    document = json.loads(explain(path, "--format", "json"))
    assert [month["status"] for month in document["months"]] == ["better", "shortfall", "shortfall", "better"]
    assert [month["correction"] for month in document["months"]] == ["0.00", "86.00", "11.00", "0.00"]
    assert [month["total"] for month in document["months"]] == ["199.00", "285.00", "210.00", "199.00"]


def test_a_correction_tells_what_is_still_due(single: Path) -> None:
    path = next(path for path in EXAMPLES if path.stem == "correction")
    written = explain(path, "--language", "nl")
    assert "Eerst was het € 100,00, nu is het € 160,00. U krijgt nog € 60,00." in written
    assert "Eerst was het € 120,00, nu is het € 80,00. Dat is € 40,00 minder." in written


def test_a_case_is_compared_with_how_it_was_known_before(single: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.yaml"
    before.write_text(single.read_text().replace("until: 2018-05", "until: 2018-04").replace("300.00", "100.00"))
    before.write_text(before.read_text().replace("  - {month: 2018-05, amount: 900.00}\n", ""))
    months = json.loads(explain(single, "--before", str(before), "--format", "json"))["months"]
    assert [month["before"] for month in months] == ["50.00", "199.00", "0.00", "199.00", None]
    assert [month["difference"] for month in months] == ["100.00", "0.00", "0.00", "0.00", None]


def test_bad_input_gives_its_line_on_standard_error_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case.yaml"
    case.write_text(
        "household: H\nfrom: 2018-01\nuntil: 2018-01\nmembers: [{name: Anna}]\nearnings: [{month: 2018-01}]\n"
    )
    with pytest.raises(SystemExit) as stopped:
        explain(case)
    assert stopped.value.code == 2
    assert "case.yaml:5: earnings.0.amount: is missing: add it" in capsys.readouterr().err


def test_a_file_that_is_not_there_gives_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        explain(tmp_path / "none.yaml")
    assert stopped.value.code == 2
    assert "cannot be read" in capsys.readouterr().err
