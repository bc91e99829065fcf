"""Means and adjusted effects against R (reference/linear.R)."""

import pytest

PLAN = {"data": {"arm": "arm", "control": "A"}}
ADJUSTED = {"outcome": "y", "covariates": ["x", "sex"], "fixed_effects": ["stratum"]}


def agrees(row, expected, relative=1e-6):
    """Every number of the reference is in the row."""
    assert expected
    for key, value in expected.items():
        assert row[key] == pytest.approx(value, rel=relative, abs=1e-12), key


@pytest.mark.parametrize("se", ["classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("arm", ["B", "C"])
def test_ols_gives_each_standard_error_of_r(analyse, reference, row, se, arm):
    found = analyse("linear.csv", plan=PLAN, method="ols", se=se, cluster="hh", **ADJUSTED)
    agrees(row(found, term=arm), reference("linear.json")[f"ols_{se}"][arm])


@pytest.mark.parametrize("se", ["HC2", "CR2"])
def test_ols_with_weights(analyse, reference, row, se):
    found = analyse(
        "linear.csv", plan=PLAN, method="ols", outcome="y", covariates=["x"], weights="w", se=se, cluster="hh"
    )
    agrees(row(found, term="B"), reference("linear.json")[f"ols_weighted_{se}"]["B"])


def test_ols_with_few_large_clusters(analyse, reference, row):
    plan = {**PLAN, "columns": {"xm": {"column": "x", "observed": False}}}
    found = analyse("linear.csv", plan=plan, method="ols", outcome="y", covariates=["x", "sex"], cluster="site")
    assert row(found, term="B")["std_error"] > 0
    assert found["details"]["clusters"] == 8


@pytest.mark.parametrize("arm", ["B", "C"])
def test_lin_centres_covariates_and_lets_them_differ_by_arm(analyse, reference, row, arm):
    found = analyse("linear.csv", plan=PLAN, method="lin", outcome="y", covariates=["x", "sex"])
    agrees(row(found, term=arm), reference("linear.json")["lin_HC2"][arm])


@pytest.mark.parametrize("arm", ["B", "C"])
@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"se": "neyman"}, "welch"),
        ({}, "difference_HC2"),
        ({"cluster": "hh"}, "difference_CR2"),
        ({"cluster": "hh", "aggregate": "cluster"}, "difference_aggregate"),
    ],
)
def test_difference_in_means(analyse, reference, row, arm, keys, name):
    found = analyse("linear.csv", plan=PLAN, method="difference_in_means", outcome="y", **keys)
    agrees(row(found, term=arm), reference("linear.json")[name][arm])


def test_describe_gives_means_by_arm_and_subgroup(analyse, row):
    data = {"arm": ["A", "A", "B", "B", "B"], "sex": ["f", "m", "f", "f", ""], "y": [1.0, 3.0, 2.0, 6.0, float("nan")]}
    found = analyse(data, plan=PLAN, method="describe", outcome="y")
    assert row(found, term="B", measure="mean")["estimate"] == 4
    assert row(found, term="B", measure="sd")["estimate"] == pytest.approx(8**0.5)
    by = analyse(data, plan=PLAN, method="describe", outcome="y", by="sex")
    assert row(by, term="B", measure="mean", subgroup="f")["n"] == 2
