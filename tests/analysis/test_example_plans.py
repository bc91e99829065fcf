"""The plans of the documentation run on the data it names, and nothing in them is refused."""

from pathlib import Path

import pytest

from analysis.estimators.run import run_file

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "analysis"
DATA = ROOT / "tests" / "analysis" / "reference"


@pytest.mark.parametrize(
    ("plan", "data"),
    [
        ("exits", "survival/exits"),
        ("waves", "repeated/waves"),
        ("answers", "missing/people"),
        ("vaccine", "sites/bcg"),
        ("start", "balance/people"),
        ("design", None),
    ],
)
def test_the_example_plans_run(plan, data):
    results = run_file(EXAMPLES / f"{plan}.yaml", data and DATA / f"{data}.csv")
    assert [item.refused for item in results.analyses] == [None] * len(results.analyses)
    assert all(item.rows for item in results.analyses)


@pytest.mark.parametrize(
    "page",
    [
        "time-to-exit",
        "repeated-measures",
        "missing-outcomes",
        "many-sites",
        "balance-scales-flow",
        "page-and-rehearsal",
    ],
)
def test_the_pages_name_plans_and_data_that_exist(page):
    text = (ROOT / "docs" / "methods" / f"{page}.md").read_text()
    command = next(line for line in text.splitlines() if line.startswith("$ python manage.py analyse"))
    plan, data = command.split()[4:6]
    assert (ROOT / plan).is_file()
    assert (ROOT / data).is_file()
