"""Identities between methods, and what may not change a result (metamorphic properties)."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLAN = {"data": {"arm": "arm", "control": "A"}}
NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")


def trial(seed, n=90, arms="ABC"):
    rng = np.random.default_rng(seed)
    household = np.sort(rng.integers(0, n // 2, n))
    arm = np.array([arms[h % len(arms)] for h in household])
    x = rng.normal(size=n).round(3)
    y = (x + 0.5 * (arm == "B") + rng.normal(size=n // 2)[household] + rng.normal(size=n)).round(4)
    site = np.array(list("pqr"))[household % 7 % 3]
    return {"arm": arm, "h": household, "x": x, "y": y, "s": site, "sex": np.array(list("fm"))[np.arange(n) % 2]}


def numbers(result, term="B"):
    row = next(item for item in result["rows"] if item["term"] == term)
    return {key: row[key] for key in NUMBERS}


METHODS = [
    {"method": "ols", "covariates": ["x", "sex"], "fixed_effects": ["s"], "cluster": "h"},
    {"method": "ols", "covariates": ["x"], "se": "HC3"},
    {"method": "lin", "covariates": ["x"]},
    {"method": "difference_in_means", "cluster": "h"},
]


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), which=st.sampled_from(METHODS))
def test_the_order_of_rows_and_columns_does_not_matter(analyse, seed, which):
    data = trial(seed)
    order = np.random.default_rng(seed).permutation(len(data["y"]))
    turned = {name: values[order] for name, values in reversed(list(data.items()))}
    one, two = (numbers(analyse(part, plan=PLAN, outcome="y", **which)) for part in (data, turned))
    assert two == pytest.approx(one, rel=1e-9)


@pytest.mark.parametrize("which", METHODS)
def test_a_change_of_scale_scales_the_effect(analyse, which):
    data = trial(3)
    one = numbers(analyse(data, plan=PLAN, outcome="y", **which))
    two = numbers(analyse({**data, "y": 10 * data["y"] - 7}, plan=PLAN, outcome="y", **which))
    for key in ("estimate", "std_error", "conf_low", "conf_high"):
        assert two[key] == pytest.approx(10 * one[key])
    assert two["p_value"] == pytest.approx(one["p_value"])


def test_swapping_arm_and_control_changes_the_sign(analyse):
    data = trial(4, arms="AB")
    one = numbers(analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["x"], cluster="h"))
    plan = {"data": {"arm": "arm", "control": "B"}}
    two = numbers(analyse(data, plan=plan, method="ols", outcome="y", covariates=["x"], cluster="h"), term="A")
    assert two["estimate"] == pytest.approx(-one["estimate"])
    assert two["std_error"] == pytest.approx(one["std_error"])


def test_another_arm_leaves_a_raw_pair_as_it_was(analyse):
    data = trial(5)
    pair = {name: values[data["arm"] != "C"] for name, values in data.items()}
    one, two = (
        analyse(part, plan=PLAN, method="difference_in_means", outcome="y", cluster="h") for part in (data, pair)
    )
    assert numbers(one) == pytest.approx(numbers(two))


def test_doubling_every_household_divides_the_error_by_the_root_of_two(analyse):
    data = trial(6, n=900)
    twice = {name: np.concatenate([values, values]) for name, values in data.items()}
    twice["h"] = np.concatenate([data["h"], data["h"] + 10_000])
    keys = {"method": "ols", "outcome": "y", "covariates": ["x"], "cluster": "h", "se": "CR0"}
    one, two = (numbers(analyse(part, plan=PLAN, **keys)) for part in (data, twice))
    assert two["estimate"] == pytest.approx(one["estimate"])
    assert two["std_error"] == pytest.approx(one["std_error"] / 2**0.5)


def test_cr2_with_one_person_a_cluster_is_hc2(analyse):
    data = {**trial(7), "i": np.arange(90)}
    one = numbers(analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["x"], cluster="i"))
    two = numbers(analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["x"], se="HC2"))
    assert one["std_error"] == pytest.approx(two["std_error"])


def test_cr3_is_the_jackknife_over_clusters(analyse):
    data = trial(8, n=40, arms="AB")
    keys = {"method": "ols", "outcome": "y", "covariates": ["x"]}
    whole = numbers(analyse(data, plan=PLAN, se="CR3", cluster="h", **keys))
    left_out = []
    for h in np.unique(data["h"]):
        part = {name: values[data["h"] != h] for name, values in data.items()}
        left_out.append(numbers(analyse(part, plan=PLAN, se="HC1", **keys))["estimate"])
    spread = np.sum((np.array(left_out) - whole["estimate"]) ** 2)
    assert whole["std_error"] == pytest.approx(spread**0.5)


def test_saturated_lin_is_the_block_estimator(analyse):
    data = trial(9, n=240)
    keys = {"outcome": "y", "se": "HC2", "subset": {"arm": ["A", "B"]}}
    one = numbers(analyse(data, plan=PLAN, method="lin", fixed_effects=["s"], **keys))
    two = numbers(analyse(data, plan=PLAN, method="blocked_difference_in_means", block="s", **keys))
    assert one == pytest.approx(two)


def test_neyman_is_hc2_of_the_raw_pair(analyse):
    data = trial(10)
    one = numbers(analyse(data, plan=PLAN, method="difference_in_means", outcome="y", se="neyman"))
    two = numbers(analyse(data, plan=PLAN, method="difference_in_means", outcome="y", se="HC2"))
    assert one["std_error"] == pytest.approx(two["std_error"])
    assert one["df"] < two["df"]


def test_a_constant_covariate_is_refused_by_name(analyse):
    data = {**trial(11), "one": np.ones(90)}
    found = analyse(data, plan=PLAN, method="ols", outcome="y", covariates=["one"])
    assert found["refused"].startswith("the column 'one' has one value in all rows used")
    both = {**data, "twice": 2 * data["x"]}
    found = analyse(both, plan=PLAN, method="ols", outcome="y", covariates=["x", "twice"])
    assert "is a combination of" in found["refused"]
    assert "'twice'" in found["refused"] or "'x'" in found["refused"]


def test_leverage_one_is_refused(analyse):
    data = {**trial(12), "alone": ["one", *["rest"] * 89]}
    found = analyse(data, plan=PLAN, method="ols", outcome="y", fixed_effects=["alone"], se="HC2")
    assert "one row alone determines the column 'alone=rest'" in found["refused"] or "leverage 1" in found["refused"]


def test_an_indicator_that_is_empty_in_one_arm_does_not_stop_lin(analyse, row):
    data = trial(13)
    x = np.where((data["arm"] == "B") & (np.arange(90) % 3 == 0), np.nan, data["x"])
    found = analyse({**data, "x": x}, plan=PLAN, method="lin", outcome="y", covariates=["x"])
    assert row(found, term="C")["std_error"] > 0


def test_two_covariates_missing_together_share_an_indicator(analyse, row):
    data = trial(14)
    gone = np.arange(90) % 9 == 0
    both = {**data, "x": np.where(gone, np.nan, data["x"]), "z": np.where(gone, np.nan, np.arange(90.0))}
    found = analyse(both, plan=PLAN, method="ols", outcome="y", covariates=["x", "z"])
    assert row(found, term="B")["std_error"] > 0


def test_persons_are_counted_when_clusters_are_averaged(analyse, row):
    data = trial(15)
    found = analyse(data, plan=PLAN, method="difference_in_means", outcome="y", cluster="h", aggregate="cluster")
    assert row(found, term="B")["n"] == int(np.isin(data["arm"], ["A", "B"]).sum())


def test_weighted_lin_agrees_with_r(analyse, reference, row):
    found = analyse("linear_filled.csv", plan=PLAN, method="lin", outcome="y", covariates=["xf"], weights="w")
    for key, value in reference("linear.json")["lin_weighted"]["B"].items():
        assert row(found, term="B")[key] == pytest.approx(value, rel=1e-6)


def test_an_empty_arm_is_named_and_the_others_are_reported(analyse, row):
    data = trial(16)
    found = analyse(
        {**data, "y": np.where(data["arm"] == "C", np.nan, data["y"])}, plan=PLAN, method="ols", outcome="y"
    )
    assert row(found, term="C")["estimate"] is None
    assert "no row of this arm" in row(found, term="C")["note"]
    assert row(found, term="B")["std_error"] > 0


@pytest.mark.parametrize("sided", ["greater", "less"])
def test_a_one_sided_interval_has_one_limit(analyse, row, sided):
    found = row(analyse(trial(17), plan=PLAN, method="ols", outcome="y", sided=sided), term="B")
    two = row(analyse(trial(17), plan=PLAN, method="ols", outcome="y", level=0.9), term="B")
    kept, gone = ("conf_low", "conf_high") if sided == "greater" else ("conf_high", "conf_low")
    assert found[gone] is None
    assert found[kept] == pytest.approx(two[kept])
