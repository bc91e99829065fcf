"""The plan file, column expressions, data files, results and the command."""

import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from analysis.estimators.data_files import read_table
from analysis.estimators.expressions import Expression
from analysis.estimators.plan_reading import plan_of
from analysis.estimators.refusals import Refused
from analysis.estimators.results import to_csv
from analysis.estimators.run import run_file, run_plan
from analysis.estimators.tables import table_of
from trialmgr.core.documents import parse_document
from trialmgr.core.errors import BadInput

ROOT = Path(__file__).parents[2]
PLAN = {"data": {"arm": "arm", "control": "A"}}
NAN = float("nan")


def column(expression, **data):
    table = table_of(data)
    return table.column(Expression.model_validate(expression))


def values(expression, **data):
    return [None if np.isnan(v) else v for v in column(expression, **data).numbers()]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"column": "c", "equals": 2}, [0, 1, None]),
        ({"column": "c", "in": [1, 2]}, [1, 1, None]),
        ({"column": "c", "above": 1}, [0, 1, None]),
        ({"column": "c", "at_least": 1, "below": 2}, [1, 0, None]),
        ({"column": "c", "at_most": 1}, [1, 0, None]),
        ({"column": "c", "observed": True}, [1, 1, 0]),
        ({"column": "c", "minus": "d"}, [-9, -18, None]),
        ({"column": "c", "power": 2}, [1, 4, None]),
        ({"columns": ["c", "d"], "take": "sum"}, [11, 22, None]),
        ({"columns": ["c", "d"], "take": "mean", "min_answered": 1}, [5.5, 11, 30]),
        ({"columns": ["c", "d"], "take": "any", "above": 15}, [0, 1, None]),
        ({"columns": ["c", "d"], "take": "all", "above": 1}, [0, 1, None]),
        ({"columns": ["c", "d"], "take": "first", "above": 1, "otherwise": 9}, [2, 1, None]),
        ({"columns": ["c", "d"], "take": "sum", "reverse": ["c"], "range": [0, 30]}, [39, 48, None]),
        ({"cases": [{"when": {"column": "c", "equals": 1}, "value": 5}], "otherwise": 0}, [5, 0, None]),
    ],
)
def test_column_expressions(expression, expected):
    assert values(expression, c=[1.0, 2.0, NAN], d=[10.0, 20.0, 30.0]) == expected


def test_cases_may_give_words():
    cases = [{"when": {"column": "c", "above": 1}, "value": "full"}]
    found = column({"cases": cases, "otherwise": "none"}, c=[1.0, 2.0]).levels()
    assert [found.names[code] for code in found.codes] == ["none", "full"]


def test_levels_are_the_text_of_the_file(tmp_path):
    (tmp_path / "d.csv").write_text("arm,code,y\n1,01,1.50\n2,1,2\n1,,\n")
    table = read_table(tmp_path / "d.csv")
    assert table.column("arm").levels().names == ("1", "2")
    assert table.column("code").levels().names == ("01", "1")
    assert table.column("y").levels().names == ("1.50", "2")
    assert table.column("code").among(["1"]).tolist() == [False, True, False]
    assert np.isnan(table.column("y").numbers()[2])


def test_parquet_and_csv_give_the_same(tmp_path, analyse):
    import pyarrow as pa
    from pyarrow import parquet

    data = {"arm": list("AABBAB"), "y": [1.0, 2.5, None, 4.0, 3.0, 7.0]}
    parquet.write_table(pa.table(data), tmp_path / "d.parquet")
    lines = [f"{a},{'' if y is None else y}" for a, y in zip(data["arm"], data["y"], strict=True)]
    (tmp_path / "d.csv").write_text("\n".join(["arm,y", *lines]))
    (tmp_path / "p.yaml").write_text(
        yaml.safe_dump({**PLAN, "analyses": [{"id": "a", "method": "ols", "outcome": "y"}]})
    )
    one, two = (run_file(tmp_path / "p.yaml", tmp_path / name).analyses for name in ("d.csv", "d.parquet"))
    assert one == two


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.csv", b"arm,y\nA,1\nB,2,3\n", "has 3 cells, the first line has 2"),
        ("d.csv", b"", "is empty"),
        ("d.csv", b"arm,arm\n", "has the column 'arm' twice"),
        ("d.csv", b"arm,y\nA,\xff\n", "is not UTF-8"),
        ("d.parquet", b"nonsense", "is not a Parquet file"),
        ("d.xlsx", b"", "is not a data file by its name"),
    ],
)
def test_a_bad_data_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_table(tmp_path / name)


def test_a_file_with_only_a_header_has_no_rows(tmp_path):
    (tmp_path / "d.csv").write_text("arm,y\n")
    assert len(read_table(tmp_path / "d.csv")) == 0


def faults(plan):
    with pytest.raises(BadInput) as caught:
        plan_of(parse_document(yaml.safe_dump(plan, sort_keys=False), "p.yaml"))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"method": "olz"}, "'olz' is not a method"),
        ({"method": "ols", "outcom": "y"}, "analyses.0.outcom: is not a known key"),
        ({"method": "ols", "se": "HC9"}, "analyses.0.se: is not a standard error of this method"),
        ({"method": "ols", "outcome": {"column": "y", "equalz": 1}}, "analyses.0.outcome.equalz: is not a known key"),
        ({"method": "ols", "outcome": {"columns": ["a"], "reverse": ["a"]}}, "has `reverse` without `range`"),
        ({"method": "adjust_p", "p": [2]}, "analyses.0.p"),
        ({"method": "ols", "level": 95}, "analyses.0.level"),
        ({"method": "ols", "outcome": "y", "outcomes": ["y"]}, "has both `outcome` and `outcomes`"),
        ({"method": "randomization_test", "design": {"arms": ["A"]}}, "only one of `arms` and `ratio`"),
    ],
)
def test_a_fault_in_a_plan_has_its_place(keys, message):
    found = faults({"analyses": [{"id": "a", **keys}]})
    assert any(message in line and line.startswith("p.yaml:") for line in found), found


def test_all_faults_are_told_at_once():
    plan = {
        "families": [{"name": "f", "analyses": ["x"], "adjust": "holm"}],
        "analyses": [{"id": "a", "method": "ols"}, {"id": "a", "method": "no"}],
    }
    assert len(faults(plan)) == 3


def test_a_column_made_of_itself_is_refused(run):
    plan = {**PLAN, "columns": {"p": "q", "q": "p"}, "analyses": [{"id": "a", "method": "ols", "outcome": "p"}]}
    found = run({"arm": list("AABB"), "y": [1, 2, 3, 5]}, plan)["analyses"][0]
    assert "is made of itself (p -> q -> p)" in found["refused"]


def test_one_refused_analysis_does_not_stop_the_others(run):
    plan = {**PLAN, "analyses": [{"id": i, "method": "ols", "outcome": y} for i, y in (("a", "zz"), ("b", "y"))]}
    first, second = run({"arm": list("AABB"), "y": [1, 2, 3, 5]}, plan)["analyses"]
    assert "there is no column 'zz'" in first["refused"]
    assert first["rows"] == []
    assert second["refused"] is None


def test_dropped_rows_are_counted_once_and_in_order(analyse):
    data = {
        "arm": ["A", "A", "B", "B", "", "A", "B", "B", "A", "A"],
        "age": [20, 20, 20, 10, 20, 20, 20, 20, 20, 20],
        "y": [1, 2, 3, 4, 5, NAN, 7, 8, 9, 4],
        "s": ["k", "k", "k", "k", "k", "k", "", "k", "k", "k"],
        "h": ["1", "2", "3", "4", "5", "6", "7", "8", "", "9"],
    }
    keys = {"fixed_effects": ["s"], "cluster": "h", "subset": {"age": {"at_least": 18}}}
    found = analyse(data, plan=PLAN, method="ols", outcome="y", **keys)
    reasons = [(part["reason"], part["column"], part["n"]) for part in found["dropped"]]
    assert reasons == [
        ("outside_subset", None, 1),
        ("arm_missing", "arm", 1),
        ("outcome_missing", "y", 1),
        ("covariate_missing", "s", 1),
        ("cluster_missing", "h", 1),
    ]
    assert found["n_rows"] == found["n_used"] + sum(n for _, _, n in reasons)
    assert found["details"]["arms"]["A"]["randomised"] == 5


def test_an_arm_named_c_works(analyse, row):
    data = {"Q": list("CCCIIICI"), "C": [1.0, 2, 3, 5, 6, 9, 2, 4], "I": list("xyxyxyxy")}
    found = analyse(data, plan={"data": {"arm": "Q", "control": "C"}}, method="ols", outcome="C", covariates=["I"])
    assert row(found, term="I")["estimate"] == pytest.approx(4)


def test_missing_covariates_get_the_mean_of_all_randomised_and_an_indicator(analyse, row):
    data = {"arm": list("AABBABAB"), "y": [1.0, 2, 4, 5, 3, 6, 2, NAN], "x": [1.0, NAN, 3, 2, 5, NAN, 2, 9]}
    mean = np.nanmean(data["x"])
    filled = {
        **data,
        "x": [mean if np.isnan(v) else v for v in data["x"]],
        "m": [float(np.isnan(v)) for v in data["x"]],
    }
    one = analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["x"])
    two = analyse(filled, plan=PLAN, method="ols", outcome="y", covariates=["x", "m"])
    assert row(one, term="B")["std_error"] == pytest.approx(row(two, term="B")["std_error"])
    dropped = analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["x"], missing="complete_case")
    assert {"reason": "covariate_missing", "column": "x", "n": 2} in dropped["dropped"]


def test_null_switches_a_default_off(analyse):
    plan = {"data": {"arm": "arm", "control": "A", "cluster": "h"}}
    data = {"arm": list("AABBAB"), "h": [1, 1, 2, 2, 3, 4], "y": [1.0, 2, 3, 5, 2, 7]}
    assert analyse(data, plan=plan, method="ols", outcome="y")["details"]["se"] == "CR2"
    assert analyse(data, plan=plan, method="ols", outcome="y", cluster=None)["details"]["se"] == "HC2"
    assert "clusters" not in analyse(data, plan=plan, method="ols", outcome="y", se="HC3")["details"]


def command(folder, *arguments):
    line = [sys.executable, ROOT / "manage.py", "analyse", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    analyses = [
        {"id": "a", "method": "randomization_test", "outcome": "y", "draws": 99},
        {"id": "b", "method": "ols", "outcome": "z"},
    ]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({**PLAN, "analyses": analyses}))
    rng = np.random.default_rng(4)
    lines = [f"{'AB'[i % 2]},{rng.normal():.4f}" for i in range(60)]
    (tmp_path / "d.csv").write_text("\n".join(["arm,y", *lines]) + "\n")
    return tmp_path


def test_the_command_gives_the_same_bytes_again(folder):
    first = command(folder, "p.yaml", "d.csv")
    assert first.returncode == 0
    assert "b: refused: there is no column 'z'" in first.stderr
    found = json.loads(first.stdout)
    assert found["data_sha256"] == hashlib.sha256((folder / "d.csv").read_bytes()).hexdigest()
    assert found["plan_sha256"] == hashlib.sha256((folder / "p.yaml").read_bytes()).hexdigest()
    command(folder, "p.yaml", "d.csv", "--out", "r.json")
    assert (folder / "r.json").read_text() == first.stdout


def test_a_fault_outside_the_analyses_hides_none_in_them():
    plan = "version: 1\ndata: {contol: A}\nanalyses:\n- {id: a, method: olss}\n- {id: a, method: ols, outcme: y}\n"
    with pytest.raises(BadInput) as caught:
        plan_of(parse_document(plan, "p.yaml"))
    places = [fault.where for fault in caught.value.faults]
    assert places == [
        "p.yaml:2: data.contol",
        "p.yaml:4: analyses.0.method",
        "p.yaml:5: analyses.1.outcme",
        "p.yaml:5: analyses.1.id",
    ]


@pytest.mark.parametrize(("language", "words"), [("nl", "(h), rekent zij niet mee."), ("en", "(h) is left out of it.")])
def test_an_error_that_leaves_the_clusters_out_says_so(analyse, language, words):
    plan = {"data": {"arm": "arm", "control": "A", "cluster": "h"}}
    data = {"arm": list("AABBAB"), "h": [1, 1, 2, 2, 3, 4], "y": [1.0, 2, 3, 5, 2, 7]}
    assert words in analyse(data, plan=plan, method="ols", outcome="y", se="HC2")["method_text"][language]
    assert words not in analyse(data, plan=plan, method="ols", outcome="y", se="CR2")["method_text"][language]


@pytest.mark.parametrize(
    ("data", "outcome", "said"),
    [
        (
            'arm,y\nA,"1,5"\nB,2\n',
            "y",
            "d.csv: the column 'y' has '1,5' in data row 1, where a number is needed: write",
        ),
        ("arm,y\nA,1\nB,abc\n", "y", "d.csv: the column 'y' has 'abc' in data row 2, where a number is needed: empty"),
        ("arm,y\nA,1\nB,2\n", "Y", "p.yaml:4: analyses.0.outcome: there is no column 'Y': check its spelling"),
        ("arm,y\nC,1\nB,2\n", "y", "p.yaml:2: data.control: no row has the control 'A' in the column 'arm': name one"),
        ("arm,y\n", "y", "d.csv:1: has no rows below the names: add the rows"),
        ("arm,y\nA,1\nB,2,3\n", "y", "d.csv:3: has 3 cells, the first line has 2: mend this row"),
    ],
)
def test_a_file_that_fits_no_analysis_is_told_with_its_place_and_nothing_is_written(tmp_path, data, outcome, said):
    (tmp_path / "d.csv").write_text(data)
    lines = ["version: 1", "data: {arm: arm, control: A}", "analyses:", f"- {{id: a, method: ols, outcome: {outcome}}}"]
    (tmp_path / "p.yaml").write_text("\n".join(lines))
    with pytest.raises(BadInput) as caught:
        run_file(tmp_path / "p.yaml", tmp_path / "d.csv")
    assert str(caught.value).startswith(said)


def test_the_refused_have_a_line_with_the_reason_in_the_table():
    plan = yaml.safe_dump(PLAN | {"analyses": [{"id": "a", "method": "ols", "outcome": "y"}]})
    data = table_of({"arm": list("AABB"), "y": [1.0] * 4})
    found = to_csv(run_plan(plan_of(parse_document(plan, "p.yaml")), data))
    line = next(csv.DictReader(io.StringIO(found)))
    assert (line["analysis"], line["measure"], line["estimate"]) == ("a", "refused", "")
    assert "has the same value" in line["note"]


def test_the_command_tells_bad_input_in_one_line(folder):
    nothing = command(folder, "p.yaml")
    assert nothing.returncode == 2
    assert nothing.stderr.strip() == "p.yaml: the analysis 'a' reads rows: name the data file after the plan"
    assert command(folder, "none.yaml", "d.csv").returncode == 2


def test_importing_the_estimators_is_light():
    heavy = ("scipy.stats", "pandas", "statsmodels")
    code = f"import sys, analysis.estimators.run; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_text_where_a_number_is_needed_is_refused_with_its_row():
    with pytest.raises(Refused, match="has '1,5' in data row 2"):
        table_of({"y": ["1", "1,5"]}).column("y").numbers()
