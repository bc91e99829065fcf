"""Small, odd and broken data: every method of exits, waves and missing answers gives rows or a sentence."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimators.plan_reading import plan_of
from analysis.estimators.results import to_json
from analysis.estimators.run import run_plan
from analysis.estimators.tables import table_of
from trialmgr.core.documents import parse_document

EXITS = {"time": "t", "status": "s"}
EVENT = {"time": "t", "event": "e"}
METHODS = [
    {"method": "kaplan_meier", **EVENT, "at": [2], "quantiles": [0.5]},
    {"method": "survival_difference", **EVENT, "at": [2]},
    {"method": "survival_difference", **EVENT, "se": "robust", "cluster": "h"},
    {"method": "logrank", **EVENT, "strata": "g"},
    {"method": "cox", **EVENT, "covariates": ["x"], "terms": ["x"], "cluster": "h"},
    {"method": "cox", **EVENT, "strata": "g", "ties": "breslow"},
    {"method": "ph_test", **EVENT},
    {"method": "ph_test", **EVENT, "transform": "log"},
    {"method": "rmst", **EVENT},
    {"method": "rmst", **EVENT, "tau": 3},
    {"method": "rmtl", **EXITS},
    {"method": "aalen_johansen", **EXITS, "at": [1, 3], "se": "robust", "cluster": "h"},
    {"method": "gray_test", **EXITS},
    {"method": "fine_gray", **EXITS, "covariates": ["x"]},
    {"method": "mmrm", "outcomes": ["y", "z"], "baseline": "x"},
    {"method": "mmrm", "outcomes": ["x", "y", "z"], "constrained_baseline": True, "df": "kenward_roger"},
    {"method": "mmrm", "outcomes": ["y", "z"], "se": "CR0", "cluster": "h", "covariance": "ar1"},
    {"method": "mixed_site_slope", "outcome": "y", "site": "g"},
    {"method": "monthly_itt", "outcomes": ["e", "y", "z"]},
    {"method": "monthly_itt", "outcomes": ["y", "z"], "cluster": "h", "covariates": ["x"]},
    {"method": "attrition_test", "outcomes": ["y", "z"], "fixed_effects": ["g"]},
    {"method": "attrition_test", "outcomes": ["y", "z"], "cluster": "h"},
    {"method": "lee_bounds", "outcome": "y", "within": ["g"], "draws": 20, "cluster": "h"},
    {"method": "lee_bounds", "outcome": "y", "draws": 20},
    {"method": "horowitz_manski", "outcome": "y", "range": [-3, 3], "cluster": "h"},
    {"method": "ipw", "outcome": "y", "response": {"covariates": ["x"]}, "cluster": "h"},
    {"method": "ipw", "outcome": "y", "response": {"covariates": ["z"], "fixed_effects": ["g"]}, "se": "HC2"},
    {"method": "multiple_imputation", "outcome": "y", "imputation": {"m": 3, "cycles": 2, "predictors": ["z"]}},
    {"method": "multiple_imputation", "outcome": "y", "imputation": {"m": 3, "method": "pmm", "by_arm": False}},
    {"method": "tipping_point", "outcome": "y", "deltas": [0, 1], "imputation": {"m": 2, "by_arm": False}},
]


def run_all(data):
    """The result of every method above on one data set; it must be valid JSON without NaN."""
    document = {"version": 1, "data": {"arm": "arm", "control": "A"}}
    document["analyses"] = [{"id": f"a{i}", **keys} for i, keys in enumerate(METHODS)]
    plan = plan_of(parse_document(json.dumps(document), "edges.json"))
    return json.loads(to_json(run_plan(plan, table_of(data))))["analyses"]


def small_trial(n, arms, seed, missing, values):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, values, (3, n)).astype(float) / 2
    numbers[rng.random(numbers.shape) < missing] = math.nan
    causes = rng.integers(0, 3, n)
    return {
        "arm": rng.choice(list("ABC")[:arms], n),
        "h": rng.integers(0, max(n // 2, 1), n),
        "g": rng.choice(["p", "q"], n),
        "t": rng.integers(0, 5, n).astype(float),
        "s": causes,
        "e": (causes == 1).astype(float),
        "x": numbers[0],
        "y": numbers[1],
        "z": numbers[2],
    }


def rows_or_a_sentence(found):
    for result in found:
        if result["refused"] is None:
            assert result["rows"], result["id"]
            assert all(row["n"] is None or row["n"] >= 0 for row in result["rows"])
            for row in result["rows"]:
                assert row["note"] or row["estimate"] is not None or row["statistic"] is not None
        else:
            assert len(result["refused"]) > 20, result["refused"]
            assert result["rows"] == []


@settings(max_examples=12, derandomize=True, deadline=None)
@given(
    n=st.integers(2, 24),
    arms=st.integers(1, 3),
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    values=st.sampled_from([1, 2, 9]),
)
def test_small_and_broken_trials_give_rows_or_a_sentence(n, arms, seed, missing, values):
    rows_or_a_sentence(run_all(small_trial(n, arms, seed, missing, values)))


@pytest.mark.parametrize("seed", range(3))
def test_a_trial_of_usual_size_is_refused_nowhere(seed):
    data = small_trial(300, 3, seed, 0.2, 40)
    data["y"] = np.clip(data["y"] - 10, -3, 3)
    found = run_all(data)
    rows_or_a_sentence(found)
    assert [result["refused"] for result in found] == [None] * len(found)
