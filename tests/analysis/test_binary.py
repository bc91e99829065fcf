"""Risks and tables of counts against R (reference/binary.R)."""

import numpy as np
import pytest

PLAN = {"data": {"arm": "arm", "control": "A"}}
ARMS = pytest.mark.parametrize("arm", ["B", "C"])


def agrees(row, expected, relative=1e-6):
    assert expected
    for key, value in expected.items():
        assert row[key] == pytest.approx(value, rel=relative, abs=1e-12), key


@ARMS
def test_risk_difference_with_large_cells_has_the_interval_of_least_squares(analyse, reference, row, arm):
    found = analyse("binary.csv", plan=PLAN, method="risk_difference", outcome="y")
    agrees(row(found, term=arm), reference("binary.json")["risk_difference"][arm])


@ARMS
def test_risk_difference_with_a_small_cell_has_newcombes_interval(analyse, reference, row, arm):
    found = analyse("binary.csv", plan=PLAN, method="risk_difference", outcome="rare")
    agrees(row(found, term=arm), reference("binary.json")["newcombe"][arm])
    assert "Van elke 100 deelnemers" in found["method_text"]["nl"]


@ARMS
def test_risk_ratio(analyse, reference, row, arm):
    found = analyse("binary.csv", plan=PLAN, method="risk_ratio", outcome="y")
    agrees(row(found, term=arm), reference("binary.json")["risk_ratio"][arm])


@ARMS
@pytest.mark.parametrize("se", ["model", "HC0"])
def test_odds_ratio(analyse, reference, row, arm, se):
    found = analyse("binary.csv", plan=PLAN, method="odds_ratio", outcome="y", covariates=["x", "stratum"], se=se)
    agrees(row(found, term=arm), reference("binary.json")[f"odds_{se}"][arm])
    assert found["details"]["loglik"] == pytest.approx(reference("binary.json")["loglik"])


@ARMS
def test_standardisation(analyse, reference, row, arm):
    expected = reference("binary.json")
    keys = {"method": "standardisation", "outcome": "y", "covariates": ["x", "stratum"]}
    found = analyse("binary.csv", plan=PLAN, **keys)
    agrees(row(found, term=arm, measure="risk"), expected["risk"][arm])
    agrees(row(found, term="A", measure="risk"), expected["risk"]["A"])
    agrees(row(found, term=arm, measure="difference"), expected["std_difference"][arm])
    agrees(row(found, term=arm, measure="ratio"), expected["std_ratio"][arm])
    clustered = analyse("binary.csv", plan=PLAN, cluster="hh", **keys)
    agrees(row(clustered, term=arm, measure="difference"), expected["std_cluster"][arm])
    for se in ("delta_model", "delta_HC0"):
        other = analyse("binary.csv", plan=PLAN, se=se, **keys)
        agrees(row(other, term=arm, measure="difference"), expected[f"std_{se}"][arm])


def test_standardisation_without_covariates_is_the_raw_difference(analyse, row):
    raw = analyse("binary.csv", plan=PLAN, method="risk_difference", outcome="y")
    found = analyse("binary.csv", plan=PLAN, method="standardisation", outcome="y")
    assert row(found, term="B", measure="difference")["estimate"] == pytest.approx(row(raw, term="B")["estimate"])


@ARMS
@pytest.mark.parametrize(("measure", "name"), [("risk_difference", "RD"), ("risk_ratio", "RR"), ("odds_ratio", "OR")])
def test_mantel_haenszel(analyse, reference, row, arm, measure, name):
    found = analyse("binary.csv", plan=PLAN, method="mantel_haenszel", outcome="y", strata="stratum", measure=measure)
    agrees(row(found, term=arm), reference("binary.json")["mh"][name][arm])


def test_mantel_haenszel_of_published_counts(analyse, row):
    """BCG trials 1 to 3 (Colditz 1994): the pooled ratio by hand from the definition."""
    counts = [[4, 6, 3], [119, 300, 228], [11, 29, 11], [128, 274, 209]]
    found = analyse(None, method="mantel_haenszel", counts=counts, measure="risk_ratio")
    N = [262, 609, 451]
    high = sum(a * n0 / n for a, n0, n in zip([4, 6, 3], [139, 303, 220], N, strict=True))
    low = sum(c * n1 / n for c, n1, n in zip([11, 29, 11], [123, 306, 231], N, strict=True))
    assert row(found, term="pooled")["ratio"] == pytest.approx(high / low)


def test_chi_square_and_fisher(analyse, reference, row):
    expected = reference("binary.json")
    found = analyse("binary.csv", plan=PLAN, method="chi_square", outcome="kind")
    agrees(row(found, term="joint"), expected["chi_square"])
    assert sum(found["details"]["counts"]["B"].values()) == found["details"]["arms"]["B"]["n"]
    two = {"subset": {"arm": ["A", "B"]}, "outcome": "y"}
    yates = analyse("binary.csv", plan=PLAN, method="chi_square", continuity=True, **two)
    agrees(row(yates, term="joint"), expected["chi_yates"])
    for outcome in ("kind", "rare", "y"):
        exact = analyse("binary.csv", plan=PLAN, method="fisher_exact", outcome=outcome)
        assert row(exact, term="joint")["p_value"] == pytest.approx(expected["fisher"][outcome], rel=1e-6)
    exact = analyse("binary.csv", plan=PLAN, method="fisher_exact", **two)
    assert row(exact, term="joint")["p_value"] == pytest.approx(expected["fisher"]["two"], rel=1e-6)


def test_fishers_tea_tasting(analyse, row):
    """Fisher (1935): three of four cups right; two-sided p = 34/70."""
    data = {"arm": list("AAAABBBB"), "y": [1, 1, 1, 0, 0, 0, 0, 1]}
    found = analyse(data, plan=PLAN, method="fisher_exact", outcome="y")
    assert row(found, term="joint")["p_value"] == pytest.approx(34 / 70)


def test_a_table_too_large_to_count_is_refused_at_once(analyse):
    rng = np.random.default_rng(1)
    data = {"arm": np.array(list("ABCD"))[rng.integers(0, 4, 2000)], "y": rng.integers(0, 4, 2000)}
    found = analyse(data, plan=PLAN, method="fisher_exact", outcome="y")
    assert "too large for an exact test" in found["refused"]


def test_separation_is_refused_in_words(analyse):
    data = {"arm": list("AAAABBBB"), "y": [1, 0, 1, 0, 0, 0, 0, 0]}
    found = analyse(data, plan=PLAN, method="odds_ratio", outcome="y")
    assert "no one in the arm 'B' has the outcome 'y' (separation)" in found["refused"]
    ratio = analyse(data, plan=PLAN, method="risk_ratio", outcome="y")
    assert "no one in the arm 'B'" in ratio["refused"]
