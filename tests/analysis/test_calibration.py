"""Rejection rates in many null trials of a known generator, with controls that must fail. `make nightly` runs these."""

import numpy as np
import pytest

pytestmark = pytest.mark.nightly
TRIALS = 1000
PLAN = {"data": {"arm": "arm", "control": "A"}}
SLACK = 3 * (0.05 * 0.95 / TRIALS) ** 0.5


def null_trial(seed, clusters=60):
    """Households of one to three drawn in strata; no effect of any arm; a quarter has no outcome, by the covariate."""
    rng = np.random.default_rng(seed)
    household = np.repeat(np.arange(clusters), rng.integers(1, 4, clusters))
    arm = rng.permutation(np.resize(list("ABC"), clusters))[household]
    x = rng.normal(size=len(household))
    y = 0.5 * x + rng.normal(size=clusters)[household] + rng.normal(size=len(household))
    y[rng.random(len(y)) < 1 / (1 + np.exp(1.1 - 0.5 * x))] = np.nan
    return {"arm": arm, "h": household, "x": x, "y": y}


def rejected(analyse, make, **keys):
    found = [analyse(make(seed), plan=PLAN, outcome="y", **keys) for seed in range(TRIALS)]
    assert all(item["refused"] is None for item in found)
    return np.array([item["rows"][0]["p_value"] for item in found])


@pytest.mark.parametrize(
    "keys",
    [
        {"method": "ols", "covariates": ["x"], "cluster": "h"},
        {"method": "difference_in_means", "cluster": "h"},
        {"method": "lin", "covariates": ["x"], "cluster": "h"},
        {"method": "randomization_test", "cluster": "h", "draws": 199},
        {"method": "wild_cluster_bootstrap", "covariates": ["x"], "cluster": "h", "draws": 199},
    ],
    ids=lambda keys: keys["method"],
)
def test_a_true_null_is_rejected_one_time_in_twenty(analyse, keys):
    assert (rejected(analyse, null_trial, **keys) <= 0.05).mean() == pytest.approx(0.05, abs=SLACK + 0.004)


def test_p_values_of_redrawing_are_spread_evenly(analyse):
    from scipy import stats

    p = rejected(analyse, null_trial, method="randomization_test", cluster="h", draws=199)
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_dunnett_keeps_the_error_of_the_family(analyse):
    keys = {"method": "dunnett", "covariates": ["x"], "cluster": "h", "outcome": "y"}
    found = [analyse(null_trial(seed), plan=PLAN, **keys)["rows"] for seed in range(TRIALS)]
    assert np.mean([min(row["p_adjusted"] for row in rows) <= 0.05 for rows in found]) <= 0.065 + 0.004


def six_clusters(seed):
    rng = np.random.default_rng(seed)
    h = np.repeat(np.arange(6), 20)
    return {"arm": np.array(list("AB"))[h % 2], "h": h, "y": rng.normal(size=6)[h] + rng.normal(size=120)}


def test_control_cr0_with_six_clusters_rejects_too_often(analyse):
    """A method that is known to be wrong must be seen to be wrong."""
    p = rejected(analyse, six_clusters, method="ols", cluster="h", se="CR0", df="normal")
    assert (p <= 0.05).mean() > 0.1


def unequal_cities(seed):
    rng = np.random.default_rng(seed)
    city = np.repeat([0, 1], 100)
    arm = np.where(rng.random(200) < np.where(city == 1, 0.75, 0.25), "B", "A")
    return {"arm": arm, "y": 1.0 * city + rng.normal(size=200), "city": city.astype(str)}


def test_control_pooling_cities_with_unequal_ratios_is_biased(analyse):
    pooled = rejected(analyse, unequal_cities, method="ols")
    within = rejected(analyse, unequal_cities, method="ols", fixed_effects=["city"])
    assert (pooled <= 0.05).mean() > 0.5
    assert (within <= 0.05).mean() == pytest.approx(0.05, abs=SLACK + 0.004)
