"""Inference by drawing again: enumerated toys by hand, and identities."""

from itertools import permutations, product
from math import comb

import numpy as np
import pytest

PLAN = {"data": {"arm": "arm", "control": "A"}}
TEST = {"method": "randomization_test", "outcome": "y"}


def test_six_rows_enumerated_by_hand(analyse, row):
    """Twenty ways to choose three of six; the arm has the three largest values, so p = 2 / 20."""
    data = {"arm": list("AAABBB"), "y": [1, 2, 3, 10, 11, 12]}
    found = analyse(data, plan=PLAN, statistic="difference", enumerate=True, keep=20, **TEST)
    assert row(found, term="B")["p_value"] == pytest.approx(2 / 20)
    assert row(found, term="B")["estimate"] == pytest.approx(9)
    null = found["details"]["null"][0]
    assert null["assignments"] == 20
    assert null["mean"] == pytest.approx(0, abs=1e-12)
    assert len(null["values"]) == 20
    one = analyse(data, plan=PLAN, statistic="difference", sided="greater", **TEST)
    assert row(one, term="B")["p_value"] == pytest.approx(1 / 20)


def brute_force(y, arm, admissible, statistic):
    """p of all admissible assignments with the arm sizes observed."""
    seen = abs(statistic(y, arm))
    every = [np.array(z) for z in set(permutations(arm)) if admissible(np.array(z))]
    return sum(abs(statistic(y, z)) >= seen - 1e-9 for z in every) / len(every), len(every)


def difference(y, z):
    return y[z == "B"].mean() - y[z == "A"].mean()


def welch(y, z):
    one, two = y[z == "B"], y[z == "A"]
    return (one.mean() - two.mean()) / np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))


@pytest.mark.parametrize(("name", "statistic"), [("difference", difference), ("welch_t", welch)])
def test_strata_are_kept(analyse, row, name, statistic):
    arm, stratum = np.array(list("ABABBAAB")), np.array(list("pppqqqqq"))
    y = np.array([3.0, 5, 1, 7, 6, 2, 4, 9])
    inside = {s: sorted(arm[stratum == s]) for s in "pq"}
    p, count = brute_force(y, arm, lambda z: all(sorted(z[stratum == s]) == inside[s] for s in "pq"), statistic)
    data = {"arm": arm.tolist(), "s": stratum.tolist(), "y": y.tolist()}
    found = analyse(data, plan=PLAN, design={"strata": "s"}, statistic=name, **TEST)
    assert count == comb(3, 1) * comb(5, 2)
    assert found["details"]["null"][0]["assignments"] == count
    assert row(found, term="B")["p_value"] == pytest.approx(p)


def test_clusters_are_drawn_as_one(analyse, row):
    arm, cluster = list("AABBBAAB"), [1, 1, 2, 2, 2, 3, 3, 4]
    y = np.array([3.0, 5, 1, 7, 6, 2, 4, 9])
    first = {1: "A", 2: "B", 3: "A", 4: "B"}
    every = [dict(zip(first, z, strict=True)) for z in set(permutations(first.values()))]
    values = [difference(y, np.array([z[g] for g in cluster])) for z in every]
    seen = abs(difference(y, np.array(arm)))
    found = analyse({"arm": arm, "g": cluster, "y": y}, plan=PLAN, cluster="g", statistic="difference", **TEST)
    assert row(found, term="B")["p_value"] == pytest.approx(sum(abs(v) >= seen - 1e-9 for v in values) / len(values))


def test_welch_t_with_clusters_is_the_t_of_cr2(analyse, row):
    plan = {**PLAN, "data": {**PLAN["data"], "cluster": "hh"}}
    t = analyse("linear_filled.csv", plan=plan, method="difference_in_means", outcome="y")
    found = analyse("linear_filled.csv", plan=plan, statistic="welch_t", draws=99, **TEST)
    for arm in "BC":
        assert row(found, term=arm)["statistic"] == pytest.approx(row(t, term=arm)["statistic"])


@pytest.mark.parametrize(
    ("statistic", "method", "se"),
    [("ols_t", "ols", s) for s in ("HC2", "classical", "HC1", "HC3", "CR0", "CR1S", "CR2")] + [("lin_t", "lin", "HC2")],
)
def test_the_t_of_a_regression_is_that_of_its_method(analyse, row, statistic, method, se):
    keys = {"outcome": "y", "covariates": ["xf", "sex"], "se": se, "cluster": "hh"}
    fit = analyse("linear_filled.csv", plan=PLAN, method=method, **keys)
    complete = {"statistic": statistic, "hypothesis": "complete", "draws": 30, "method": "randomization_test"}
    found = analyse("linear_filled.csv", plan=PLAN, **complete, **keys)
    for arm in "BC":
        assert row(found, term=arm)["statistic"] == pytest.approx(row(fit, term=arm)["statistic"])


def test_the_rule_of_a_rerandomised_design_is_kept(analyse, row):
    arm, x = np.array(list("ABABBAAB")), np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    y = np.array([3.0, 5, 1, 7, 6, 2, 4, 9])
    p, count = brute_force(y, arm, lambda z: abs(difference(x, z)) <= 1, difference)
    ignored, _ = brute_force(y, arm, lambda _: True, difference)
    data = {"arm": arm.tolist(), "x": x.tolist(), "y": y.tolist()}
    design = {"acceptance": [{"column": "x", "max_difference": 1}]}
    found = analyse(data, plan=PLAN, statistic="difference", design=design, enumerate=True, **TEST)
    assert found["details"]["null"][0]["assignments"] == count
    assert row(found, term="B")["p_value"] == pytest.approx(p)
    assert p != ignored


def test_mahalanobis_rule(analyse, row):
    arm, y = np.array(list("ABABBAAB")), np.array([3.0, 5, 1, 7, 6, 2, 4, 9])
    X = np.column_stack([[1.0, 2, 3, 4, 5, 6, 7, 8], [2.0, 1, 4, 3, 3, 9, 1, 1]])
    inverse = np.linalg.inv(np.cov(X.T))

    def near(z):
        d = X[z == "B"].mean(axis=0) - X[z == "A"].mean(axis=0)
        return 4 * 4 / 8 * d @ inverse @ d <= 1.5

    p, count = brute_force(y, arm, near, difference)
    data = {"arm": arm.tolist(), "x": X[:, 0], "w": X[:, 1], "y": y}
    design = {"acceptance": [{"mahalanobis": ["x", "w"], "max": 1.5}]}
    found = analyse(data, plan=PLAN, statistic="difference", design=design, enumerate=True, **TEST)
    assert found["details"]["null"][0]["assignments"] == count
    assert row(found, term="B")["p_value"] == pytest.approx(p)


def test_a_cut_block_is_drawn_from_its_template(analyse, row):
    """Two blocks of A A B; the second has two persons. Sequences AA have chance 1/3, AB and BA 1/3 each."""
    data = {"arm": list("AABAB"), "b": list("pppqq"), "y": [1.0, 2, 6, 3, 5]}
    design = {"method": "blocks", "block": "b", "arms": ["A", "B"], "ratio": [2, 1]}
    y = np.array(data["y"])
    full, cut = ["AAB", "ABA", "BAA"], ["AA", "AB", "BA"]
    values = [difference(y, np.array(list(one + two))) for one, two in product(full, cut)]
    seen = difference(y, np.array(data["arm"]))
    expected = np.mean([abs(v) >= abs(seen) - 1e-9 for v in values])
    found = analyse(data, plan=PLAN, statistic="difference", design=design, enumerate=True, **TEST)
    assert row(found, term="B")["p_value"] == pytest.approx(expected)


def test_draws_of_a_file(run, tmp_path):
    import yaml

    from analysis.estimators.run import run_file

    (tmp_path / "data.csv").write_text("id,arm,y\na,A,1\nb,B,5\nc,A,2\nd,B,6\n")
    (tmp_path / "draws.csv").write_text("id,1,2,3\na,A,B,A\nb,B,B,A\nc,A,A,B\nd,B,A,B\n")
    plan = {
        "data": {"id": "id", "arm": "arm", "control": "A"},
        "analyses": [
            {
                "id": "f",
                **TEST,
                "statistic": "difference",
                "enumerate": True,
                "design": {"method": "file", "file": "draws.csv"},
            }
        ],
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    result = run_file(tmp_path / "plan.yaml", tmp_path / "data.csv").analyses[0]
    assert result.refused is None
    assert result.rows[0].p_value == pytest.approx(1 / 3)
    assert result.details["null"][0]["assignments"] == 3


def test_pairwise_and_complete_are_different_hypotheses(analyse, row):
    data = {"arm": list("AABBCC"), "y": [1.0, 2, 5, 6, 30, 40]}
    pair = analyse(data, plan=PLAN, statistic="difference", **TEST)
    whole = analyse(data, plan=PLAN, statistic="difference", hypothesis="complete", **TEST)
    assert row(pair, term="B")["p_value"] == pytest.approx(2 / 6)
    assert pair["details"]["hypothesis"] == "pairwise"
    y = np.array(data["y"])
    every = [np.array(z) for z in set(permutations("AABBCC"))]
    values = [difference(y, z) for z in every]
    assert row(whole, term="B")["p_value"] == pytest.approx(np.mean(np.abs(values) >= 4 - 1e-9))
    assert row(whole, term="joint")["p_value"] is not None
    most = [max(abs(y[z == a].mean() - y[z == "A"].mean()) for a in "BC") for z in every]
    assert row(whole, term="B")["p_adjusted"] == pytest.approx(np.mean(np.array(most) >= 4 - 1e-9))


def test_the_interval_is_the_set_of_effects_not_rejected(analyse, row):
    """Six rows: 20 assignments, so at 80 % an effect is rejected when at most 4 of 20 differences are as large."""
    data = {"arm": list("AAABBB"), "y": [1.0, 2, 4, 5, 7, 12]}
    found = analyse(data, plan=PLAN, method="randomization_interval", outcome="y", statistic="difference", level=0.8)
    y, z = np.array(data["y"]), np.array(data["arm"])

    def p(tau):
        return brute_force(np.where(z == "B", y - tau, y), z, lambda _: True, difference)[0]

    low, high = (row(found, term="B")[key] for key in ("conf_low", "conf_high"))
    for limit, out in ((low, -1e-6), (high, 1e-6)):
        assert p(limit - out) > 0.2
        assert p(limit + out) <= 0.2


def test_rank_sum_agrees_with_the_exact_wilcoxon_test(analyse, row):
    """R: wilcox.test(c(5, 7, 12, 9), c(1, 2, 4, 6, 3)): p = 0.03174603 (W = 19)."""
    data = {"arm": list("BBBBAAAAA"), "y": [5.0, 7, 12, 9, 1, 2, 4, 6, 3]}
    found = analyse(data, plan=PLAN, statistic="rank_sum", enumerate=True, **TEST)
    assert row(found, term="B")["p_value"] == pytest.approx(0.03174603, abs=1e-8)
    assert row(found, term="B")["statistic"] == 19 + 4 * 5 / 2


def test_blocked_difference_and_horvitz_thompson_by_hand(analyse, row):
    data = {"arm": list("ABABBA"), "b": list("ppqqqq"), "y": [1.0, 4, 2, 8, 6, 3]}
    design = {"method": "blocks", "block": "b"}
    blocked = analyse(data, plan=PLAN, statistic="blocked_difference", design=design, **TEST)
    assert row(blocked, term="B")["statistic"] == pytest.approx(2 / 6 * 3 + 4 / 6 * 4.5)
    weighted = analyse(data, plan=PLAN, statistic="horvitz_thompson", design=design, **TEST)
    assert row(weighted, term="B")["statistic"] == pytest.approx((2 * 18 - 2 * 6) / 6)


def test_romano_wolf_steps_down(analyse):
    data = {"arm": list("AAAABBBB"), "y": [1.0, 2, 3, 4, 8, 9, 10, 13], "w": [1.0, 4, 2, 3, 2, 4, 1, 5]}
    found = analyse(data, plan=PLAN, method="romano_wolf", outcomes=["y", "w"], statistic="difference")
    first, second = found["rows"]
    assert first["p_value"] == pytest.approx(2 / 70)
    assert first["p_adjusted"] >= first["p_value"]
    assert second["p_adjusted"] == pytest.approx(max(first["p_adjusted"], second["p_value"]))


def test_a_family_by_redraws(run):
    plan = {
        **PLAN,
        "families": [{"name": "main", "analyses": ["a", "b"], "adjust": "romano_wolf", "draws": 199}],
        "analyses": [{"id": name, "method": "ols", "outcome": y} for name, y in (("a", "y"), ("b", "z"))],
    }
    found = run("linear_filled.csv", plan)["analyses"]
    for analysis in found:
        for item in analysis["rows"]:
            assert 1 >= item["p_adjusted"] >= 1 / 200
    assert run("linear_filled.csv", plan)["analyses"] == found


def test_random_draws_count_the_observed_one(analyse, row):
    found = analyse("linear_filled.csv", plan=PLAN, draws=99, **TEST)
    assert found["details"]["null"][0]["draws"] == 99
    assert row(found, term="B")["p_value"] * 100 == pytest.approx(round(row(found, term="B")["p_value"] * 100))
