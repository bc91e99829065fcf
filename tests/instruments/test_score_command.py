"""`manage.py score INSTRUMENT.yaml ANSWERS.csv [--out FILE]`."""

import csv
import io
import json

import pandas as pd
import pytest
from django.core.management import call_command

HEADER = "id,mhi5_happy,mhi5_calm,mhi5_nervous,mhi5_down_in_dumps,mhi5_downhearted,note"


def run(tmp_path, text, *options, instrument="mhi5", name="answers.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("score", instrument, str(path), *map(str, options), stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue().splitlines()
    return 0, out.getvalue(), err.getvalue().splitlines()


def test_scores_go_to_standard_output_with_every_column_kept_as_it_was(tmp_path):
    code, out, _ = run(tmp_path, f'{HEADER}\np01,3,3,4,4,4,"a, b"\np02,,3,004,4, 4 ,=1+1\n')
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert rows[0] | {"id": "p01", "note": "a, b", "mhi5": "60", "mhi5_cbs": "healthy"} == rows[0]
    assert rows[0]["mhi5_health_monitor"] == "unhealthy"
    assert rows[0]["mhi5_rule"].startswith("mhi5@1.0/mhi5+")
    assert (rows[1]["mhi5_nervous"], rows[1]["mhi5_downhearted"], rows[1]["note"]) == ("004", " 4 ", "=1+1")
    assert rows[1]["mhi5"] == "60"  # (3+3+3+3)/4 x 5 x 4


def test_with_out_the_file_is_written_and_statistics_are_shown(tmp_path):
    target = tmp_path / "scores.csv"
    code, out, _ = run(tmp_path, f"{HEADER}\n1,1,1,6,6,6,\n2,3,3,4,4,4,\n3,2,3,4,5,5,\n", "--out", target)
    assert code == 0
    assert pd.read_csv(target)["mhi5"].tolist() == [100, 60, 72]  # third: (4+3+3+4+4) x 4
    assert out.startswith("3 persons")
    assert "alpha" in out


def test_statistics_can_be_written_as_json_or_csv(tmp_path):
    text = f"{HEADER}\n1,1,1,6,6,6,\n2,3,3,4,4,4,\n3,2,3,4,5,5,\n"
    for name in ("statistics.json", "statistics.csv"):
        assert run(tmp_path, text, "--statistics", tmp_path / name)[0] == 0
    rows = json.loads((tmp_path / "statistics.json").read_text("utf-8"))
    table = pd.read_csv(tmp_path / "statistics.csv")
    assert rows[0]["item"] == ""
    assert rows[0]["alpha"] == pytest.approx(table["alpha"][0])
    assert run(tmp_path, text, "--statistics", tmp_path / "statistics.pdf")[0] == 2


def test_a_person_who_stands_twice_in_a_wave_is_refused_with_both_rows(tmp_path):
    header = HEADER.replace("id,", "person,wave,")
    rows = [f"{who},{wave},3,3,4,4,4," for who, wave in (("a", "t0"), ("b", "t0"), ("a", "t1"), ("a", "t0"))]
    code, out, err = run(tmp_path, "\n".join([header, *rows]) + "\n")
    assert (code, out) == (2, "")
    assert err == ["answers.csv: row 5: has person 'a' in wave 't0', as row 2 has: keep one"]


def test_unknown_codes_are_reported_by_row_and_nothing_is_written(tmp_path):
    target = tmp_path / "scores.csv"
    code, out, err = run(tmp_path, f"{HEADER}\n1,1,1,6,6,6,\n2,7,3,4,4,4,\n3,3,x,4,4,4,\n", "--out", target)
    assert (code, out) == (2, "")
    assert err == [
        "answers.csv: row 3: mhi5_happy: '7' is not an answer of this item: mend the cell or empty it",
        "answers.csv: row 4: mhi5_calm: 'x' is not an answer of this item: mend the cell or empty it",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "answers.csv"]


def test_unknown_codes_can_count_as_missing_on_request(tmp_path):
    code, out, err = run(tmp_path, f"{HEADER}\n2,7,3,4,4,4,\n", "--wrong", "missing")
    assert code == 0
    assert err[0] == "answers.csv: row 2: mhi5_happy: '7' is not an answer of this item: counted as missing"
    row = next(csv.DictReader(io.StringIO(out)))
    assert (row["mhi5_happy"], row["mhi5"]) == ("7", "60")


def test_a_text_that_stands_for_no_answer_can_be_named(tmp_path):
    text = f"{HEADER}\n1,3,NA,4,4,4,NA\n"
    assert run(tmp_path, text)[0] == 2
    code, out, _ = run(tmp_path, text, "--empty", "NA")
    row = next(csv.DictReader(io.StringIO(out)))
    assert (code, row["mhi5_calm"], row["note"], row["mhi5"]) == (0, "NA", "NA", "60")


def test_a_forgotten_reversal_is_warned_of(tmp_path):
    text = (
        'id: two\nversion: "1"\ntitle: {en: Two}\nlanguages: [en]\nlicence: {ship: "yes", terms: own}\n'
        "scales: {s: {steps: {from: 1, to: 5}}}\n"
        "items:\n"
        "  - {code: a, scale: s, text: {en: A}}\n"
        "  - {code: b, scale: s, text: {en: B}}\n"
        "  - {code: c, scale: s, text: {en: C}}\n"
        "scores: [{id: total, items: [a, b, c]}]\n"
    )
    (tmp_path / "two.yaml").write_text(text, "utf-8")
    _, _, err = run(tmp_path, "a,b,c\n1,1,5\n2,2,4\n3,4,3\n5,5,1\n", instrument=tmp_path / "two.yaml")
    assert any(line.startswith("warning: total: c goes against the other items") for line in err)


def test_semicolons_come_with_decimal_commas(tmp_path):
    text = "work_paid;work_hours_week\n1;12,5\n1;36\n0;\n"
    code, out, _ = run(tmp_path, b"\xef\xbb\xbf" + text.encode(), instrument="work")
    rows = list(csv.DictReader(io.StringIO(out), delimiter=";"))
    assert code == 0
    assert [(row["work_hours"], row["work_hours_cpb"]) for row in rows] == [
        ("12,5", "over_12"),
        ("36", "over_12"),
        ("0", "up_to_12"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "answers.csv: is empty: give a header row and a row per person"),
        ("a,b,a\n1,2,3\n", "answers.csv: row 1: has the column 'a' twice: keep one"),
        ("life_grade,x\n1\n", "answers.csv: row 2: has 1 cells, the header has 2: mend the row"),
        ("life_grade\n1\n2,3\n", "answers.csv: row 3: has 2 cells, the header has 1: mend the row"),
        ("grade\n1\n", "answers.csv: has no column life_grade: add it"),
        (
            "life_grade,life_satisfaction\n1,1\n",
            "answers.csv: has a column life_satisfaction already: remove it: the score takes this name",
        ),
        (b"life_grade\n\xe9\n", "answers.csv: is not UTF-8 text (byte 11): save it as UTF-8"),
        ('life_grade\n"1\n', "answers.csv: line 2: unexpected end of data: mend this line"),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_line_and_exit_code_2(tmp_path, text, line):
    code, out, err = run(tmp_path, text, instrument="life_satisfaction")
    assert (code, out, err) == (2, "", [line])


def test_an_instrument_without_scores_cannot_score(tmp_path):
    (tmp_path / "none.yaml").write_text(
        'id: none\nversion: "1"\ntitle: {en: N}\nlanguages: [en]\nlicence: {ship: "yes", terms: own}\n'
        "scales: {t: {kind: text}}\nitems: [{code: a, scale: t, raw: true, text: {en: A}}]\n",
        "utf-8",
    )
    code, _, err = run(tmp_path, "a\n1\n", instrument=tmp_path / "none.yaml")
    assert (code, err) == (2, ["none: has no scores: add a score to the instrument"])


def test_an_unknown_instrument_lists_the_shipped_ones(tmp_path):
    code, _, (line,) = run(tmp_path, "a\n1\n", instrument="mhi")
    assert code == 2
    assert line.startswith("mhi: there is no instrument of this name: give a file, or one of cantril, ")


def test_a_file_that_is_not_there_is_named(tmp_path):
    err = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("score", "mhi5", str(tmp_path / "none.csv"), stderr=err)
    assert end.value.code == 2
    assert "cannot be read (No such file or directory)" in err.getvalue()
