"""Null trials by the thousand: methods reject as often as they say, and those that must fail do (`make nightly`)."""

from pathlib import Path

import numpy as np
import pytest

from analysis.estimators.plan_reading import plan_of
from analysis.estimators.run import run_plan
from analysis.estimators.tables import table_of
from trialmgr.core.documents import Document

TRIALS = 2_000
THREE_ERRORS = 3 * (0.05 * 0.95 / TRIALS) ** 0.5
DATA = {"arm": "arm", "control": "A"}
EXITS = {"time": "day", "status": "cause", "events": [1]}
EVENT = {"time": "day", "event": "left"}
IMPUTATION = {"columns": ["w1", "w2"], "predictors": ["w0"], "m": 20, "cycles": 5}

PERSONS = [
    {"id": "mmrm", "method": "mmrm", "outcomes": ["w1", "w2"], "baseline": "w0"},
    {"id": "mmrm_kr", "method": "mmrm", "outcomes": ["w1", "w2"], "baseline": "w0", "df": "kenward_roger"},
    {"id": "ipw", "method": "ipw", "outcome": "w2", "covariates": ["w0"], "response": {"covariates": ["w0"]}},
    {"id": "mi", "method": "multiple_imputation", "outcome": "w2", "covariates": ["w0"], "imputation": IMPUTATION},
    {"id": "answered", "method": "attrition_test", "outcome": "w2"},
    {"id": "difference", "method": "survival_difference", **EVENT, "at": [300]},
    {"id": "incidence", "method": "aalen_johansen", **EXITS, "at": [300]},
    {"id": "rmst", "method": "rmst", **EVENT, "tau": 300},
    {"id": "logrank", "method": "logrank", **EVENT},
    {"id": "gray", "method": "gray_test", **EXITS},
    {"id": "cox", "method": "cox", **EVENT, "covariates": ["w0"]},
    {"id": "fine_gray", "method": "fine_gray", **EXITS, "covariates": ["w0"]},
    {"id": "ph", "method": "ph_test", **EVENT},
]
HOUSEHOLDS = [
    {"id": "mmrm", "method": "mmrm", "outcomes": ["w1", "w2"], "baseline": "w0", "se": "CR0", "cluster": "home"},
    {"id": "cox", "method": "cox", **EVENT, "cluster": "home"},
    {"id": "incidence", "method": "aalen_johansen", **EXITS, "at": [300], "se": "robust", "cluster": "home"},
    {"id": "rmst", "method": "rmst", **EVENT, "tau": 300, "se": "robust", "cluster": "home"},
]
LEFT_ASIDE = [
    {"id": "mmrm", "method": "mmrm", "outcomes": ["w1", "w2"]},
    {"id": "incidence", "method": "aalen_johansen", **EXITS, "at": [300]},
    {"id": "cox", "method": "cox", **EVENT},
]


def null_trial(rng, *, homes, size, alike, dropout):
    """No arm does anything. `alike` is the share of variance that a household has in common; a quarter is missing."""
    n = homes * size
    home = np.repeat(np.arange(homes), size)
    arm = rng.permutation(np.resize(["A", "B"], homes))[home]
    level = np.sqrt(alike) * rng.normal(size=homes)[home] + np.sqrt(1 - alike) * rng.normal(size=n)
    w0 = level + 0.5 * rng.normal(size=n)
    w1, w2 = level + 0.7 * rng.normal(size=(2, n))
    work, other = rng.exponential(500 * np.exp(-0.8 * level)), rng.exponential(900, n)
    end = rng.uniform(320, 700, n)
    day = np.ceil(np.minimum(np.minimum(work, other), end))
    cause = np.where(end <= np.minimum(work, other), 0, np.where(work <= other, 1, 2))
    gone = dropout(w0, w2, arm)
    w1[rng.random(n) < 0.1], w2[rng.random(n) < gone] = np.nan, np.nan
    columns = {"arm": arm, "home": home, "w0": w0, "w1": w1, "w2": w2, "day": day, "cause": cause}
    return columns | {"left": (cause == 1).astype(float)}


def at_random(w0, w2, arm):
    return 1 / (1 + np.exp(1.2 + 0.8 * w0))


def not_at_random(w0, w2, arm):
    return np.where(arm == "B", 1 / (1 + np.exp(1.2 + 2.0 * w2)), 0.25)


def rejections(analyses, *, seed, trials=TRIALS, **world):
    """The share of trials in which the arm, or the joint test, has p < 0.05, by analysis."""
    rng = np.random.default_rng(seed)
    plan = plan_of(Document(Path("nightly.yaml"), {"version": 1, "data": DATA, "analyses": analyses}))
    found = {keys["id"]: [] for keys in analyses}
    for _ in range(trials):
        for result in run_plan(plan, table_of(null_trial(rng, **world))).analyses:
            assert result.refused is None, result.refused
            rows = [row.p_value for row in result.rows if row.p_value is not None and row.wave in (None, 2)]
            found[result.id].append(rows[0] < 0.05)
    return {name: float(np.mean(values)) for name, values in found.items()}


@pytest.mark.nightly
def test_persons_drawn_and_answers_missing_at_random_give_the_error_rate_promised():
    rates = rejections(PERSONS, seed=1, homes=240, size=1, alike=0.0, dropout=at_random)
    assert {name: rate for name, rate in rates.items() if abs(rate - 0.05) > THREE_ERRORS} == {}


@pytest.mark.nightly
def test_households_drawn_give_the_error_rate_promised_with_robust_errors():
    rates = rejections(HOUSEHOLDS, seed=2, homes=200, size=2, alike=0.8, dropout=at_random)
    assert {name: rate for name, rate in rates.items() if abs(rate - 0.05) > THREE_ERRORS} == {}


@pytest.mark.nightly
def test_leaving_households_aside_rejects_too_often():
    rates = rejections(LEFT_ASIDE, seed=3, homes=150, size=3, alike=0.9, dropout=at_random)
    assert min(rates.values()) > 0.05 + THREE_ERRORS


@pytest.mark.nightly
def test_methods_for_answers_missing_at_random_fail_when_they_are_not():
    analyses = [keys for keys in PERSONS if keys["id"] in ("mmrm", "ipw", "mi")]
    rates = rejections(analyses, seed=4, trials=500, homes=400, size=1, alike=0.0, dropout=not_at_random)
    assert min(rates.values()) > 0.15
