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
    found = analyse("linear.csv", plan=PLAN, method="ols", outcome="y", covariates=["x", "sex"], cluster="site")
    agrees(row(found, term="B"), reference("linear.json")["ols_CR2_sites"]["B"])
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


@pytest.mark.parametrize("arm", ["B", "C"])
def test_change_score_is_the_two_wave_difference_in_differences(analyse, reference, row, arm):
    found = analyse("linear.csv", plan=PLAN, method="change_score", outcome="z", baseline="x", cluster="hh")
    agrees(row(found, term=arm), reference("linear.json")["change_score"][arm])


@pytest.mark.parametrize("arm", ["B", "C"])
def test_blocked_difference_weights_blocks_by_size(analyse, reference, row, arm):
    found = analyse("linear.csv", plan=PLAN, method="blocked_difference_in_means", outcome="y", block="stratum")
    agrees(row(found, term=arm), reference("linear.json")["blocked"][arm])
    assert found["details"]["blocks"] == 3


def test_blocked_precision_weights_are_those_of_block_fixed_effects(analyse, reference, row):
    keys = {"method": "blocked_difference_in_means", "outcome": "y", "block": "stratum", "block_weights": "precision"}
    found = analyse("linear.csv", plan=PLAN, **keys)
    expected = reference("linear.json")["blocked_precision_estimate"]
    assert row(found, term="B")["estimate"] == pytest.approx(expected["B"])
    lin = analyse("linear.csv", plan=PLAN, **{**keys, "method": "blocked_lin"})
    assert row(lin, term="B")["estimate"] == pytest.approx(row(found, term="B")["estimate"])
    assert row(lin, term="B")["std_error"] == pytest.approx(row(found, term="B")["std_error"])


@pytest.mark.parametrize("arm", ["B", "C"])
def test_blocked_lin_adds_covariates(analyse, reference, row, arm):
    keys = {"outcome": "y", "block": "stratum", "covariates": ["xf"]}
    found = analyse("linear_filled.csv", plan=PLAN, method="blocked_lin", **keys)
    agrees(row(found, term=arm), reference("linear.json")["blocked_lin"][arm])


def test_a_block_with_one_person_in_an_arm_is_named_and_left_out(analyse, row):
    data = {"arm": list("AABBAABBAAB"), "b": list("ppppqqqqrrr"), "y": [1, 2, 3, 5, 2, 2, 4, 5, 9, 8, 7]}
    found = analyse(data, plan=PLAN, method="blocked_difference_in_means", outcome="y", block="b")
    assert found["details"]["blocks_dropped"] == ["r"]
    assert found["dropped"] == [{"reason": "block_unusable", "column": "b", "n": 3}]
    assert row(found, term="B")["estimate"] == pytest.approx(2.5)


@pytest.mark.parametrize("se", ["HC2", "CR2", "CR1S"])
def test_joint_test_of_the_arms(analyse, reference, row, se):
    found = analyse("linear.csv", plan=PLAN, method="joint_test", se=se, cluster="hh", **ADJUSTED)
    agrees(row(found, term="joint"), reference("linear.json")[f"joint_{se}"])


def test_interaction_between_groups(analyse, reference, row):
    expected = reference("linear.json")["interaction"]
    found = analyse("linear.csv", plan=PLAN, method="interaction_test", outcome="y", modifier="sex")
    agrees(row(found, term="B", measure="interaction", subgroup="m"), expected["B"])
    agrees(row(found, term="B", measure="effect", subgroup="f"), expected["effect_f"])
    agrees(row(found, term="B", measure="effect", subgroup="m"), expected["effect_m"])
    agrees(row(found, term="joint"), expected["joint"])


def test_interaction_with_a_number_is_shown_at_its_quartiles(analyse, reference, row):
    expected = reference("linear.json")["interaction_number"]
    keys = {"outcome": "y", "modifier": "xf", "modifier_as": "number"}
    found = analyse("linear_filled.csv", plan=PLAN, method="interaction_test", **keys)
    agrees(row(found, term="B", measure="interaction"), expected["slope"])
    effects = [item for item in found["rows"] if item["term"] == "B" and item["measure"] == "effect"]
    for place, item in enumerate(effects):
        assert item["at"] == pytest.approx(expected["quartiles"][place])
        assert item["estimate"] == pytest.approx(expected["estimate"][place], rel=1e-6)
        assert item["std_error"] == pytest.approx(expected["std_error"][place], rel=1e-6)


@pytest.mark.parametrize("arm", ["A", "B", "C"])
def test_marginal_means(analyse, reference, row, arm):
    found = analyse("linear.csv", plan=PLAN, method="marginal_means", outcome="y", covariates=["x", "sex"])
    agrees(row(found, term=arm), reference("linear.json")["marginal"][arm])


def test_anova_and_ranks(analyse, reference, row):
    expected = reference("linear.json")
    for method, name in (("welch_anova", "welch_anova"), ("kruskal_wallis", "kruskal")):
        agrees(row(analyse("linear.csv", plan=PLAN, method=method, outcome="y"), term="joint"), expected[name])
    for arm in ("B", "C"):
        wanted = expected["mann_whitney"][arm]
        found = row(analyse("linear.csv", plan=PLAN, method="mann_whitney", outcome="y"), term=arm)
        assert found["statistic"] == pytest.approx(wanted["statistic"])
        assert found["p_value"] == pytest.approx(wanted["p_value"])
        plain = analyse("linear.csv", plan=PLAN, method="mann_whitney", outcome="y", continuity=False)
        assert row(plain, term=arm)["p_value"] == pytest.approx(wanted["p_plain"])


def test_r2(analyse, reference):
    found = analyse("linear.csv", plan=PLAN, method="ols", **ADJUSTED)
    assert found["details"]["r2"] == pytest.approx(reference("linear.json")["r2"])
