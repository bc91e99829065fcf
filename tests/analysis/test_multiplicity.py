"""Comparisons of several arms and adjusted p-values against R (reference/multiplicity.R)."""

import pytest

PLAN = {"data": {"arm": "arm", "control": "A"}}
MODEL = {"outcome": "y", "covariates": ["xf", "sex"]}
# Benjamini and Hochberg (1995), section 4: 15 p-values; 4 rejected at 0.05 by their procedure, 3 by Bonferroni.
BH1995 = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1,
]


def adjusted(result, procedure):
    return [row["p_adjusted"] for row in result["rows"] if row["measure"] == procedure]


@pytest.mark.parametrize("procedure", ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY", "sharpened_q"])
def test_adjusted_p_values(analyse, reference, procedure):
    found = analyse(None, method="adjust_p", p=BH1995, adjust=[procedure])
    assert adjusted(found, procedure) == pytest.approx(reference("multiplicity.json")["adjust"][procedure], rel=1e-9)


@pytest.mark.parametrize("procedure", ["hochberg", "hommel", "BY", "sharpened_q"])
def test_adjusted_p_values_with_ties_and_in_any_order(analyse, reference, procedure):
    p = [0.04, 0.001, 0.03, 0.2, 0.012, 0.012, 0.9]
    found = analyse(None, method="adjust_p", p=p, adjust=procedure)
    assert adjusted(found, procedure) == pytest.approx(reference("multiplicity.json")["ties"][procedure], rel=1e-9)


def test_the_published_example_of_benjamini_and_hochberg(analyse):
    found = analyse(None, method="adjust_p", p=BH1995, adjust=["BH", "bonferroni"])
    assert found["details"]["rejected"] == {"BH": 4, "bonferroni": 3}


def test_the_exact_sharpened_q_is_the_limit_of_a_finer_grid(analyse, reference):
    found = analyse(None, method="adjust_p", p=BH1995, adjust="sharpened_q_exact")
    fine = reference("multiplicity.json")["fine"]["sharpened_q"]
    assert adjusted(found, "sharpened_q_exact") == pytest.approx(fine, abs=1.1e-5)


def test_sidak_by_hand(analyse):
    found = analyse(None, method="adjust_p", p={"a": 0.01, "b": 0.04}, adjust=["sidak", "holm_sidak"])
    assert adjusted(found, "sidak") == pytest.approx([1 - 0.99**2, 1 - 0.96**2])
    assert adjusted(found, "holm_sidak") == pytest.approx([1 - 0.99**2, 0.04])


def test_a_fixed_sequence_stops_at_the_first_that_fails(analyse):
    found = analyse(None, method="fixed_sequence", p=[0.01, 0.2, 0.001])
    assert adjusted(found, "fixed_sequence") == [0.01, 0.2, 0.2]
    assert found["details"]["rejected"] == {"fixed_sequence": 1}


def test_dunnett(analyse, reference):
    expected = reference("multiplicity.json")["dunnett"]
    found = analyse("linear_filled.csv", plan=PLAN, method="dunnett", df="n-k", se="HC2", **MODEL)
    for place, row in enumerate(found["rows"]):
        assert row["estimate"] == pytest.approx(expected["estimate"][place])
        assert row["p_adjusted"] == pytest.approx(expected["p"][place], abs=1e-6)
        assert row["conf_low_adjusted"] == pytest.approx(expected["low"][place], abs=1e-6)
    assert found["details"]["critical_value"] == pytest.approx(expected["critical"], abs=1e-6)
    down = analyse("linear_filled.csv", plan=PLAN, method="dunnett", step="down", **MODEL)
    wanted = reference("multiplicity.json")["dunnett_down"]["p"]
    assert [row["p_adjusted"] for row in down["rows"]] == pytest.approx(wanted, abs=1e-6)


def test_tukey(analyse, reference):
    expected = reference("multiplicity.json")["tukey"]
    found = analyse("linear_filled.csv", plan=PLAN, method="tukey", **MODEL)
    assert [row["term"] for row in found["rows"]] == ["B - A", "C - A", "C - B"]
    assert [row["p_adjusted"] for row in found["rows"]] == pytest.approx(expected["p"], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "n", "df"),
    [("equal", [20] * 4, 76), ("unequal", [40, 15, 20, 30, 10], 110), ("six", [12] * 7, 77)],
)
def test_critical_values_without_data(analyse, reference, name, n, df):
    found = analyse(None, method="dunnett", n=n, df=df)
    assert found["details"]["critical_value"] == pytest.approx(
        reference("multiplicity.json")["critical"][name], abs=2e-5
    )


def test_critical_value_of_the_studentised_range(analyse, reference):
    found = analyse(None, method="tukey", n=[11] * 6, df=60)
    expected = reference("multiplicity.json")["critical"]["tukey_six"]
    assert found["details"]["critical_value"] == pytest.approx(expected, abs=5e-5)


def test_a_family_is_adjusted_over_its_analyses(run):
    plan = {
        **PLAN,
        "families": [{"name": "primary", "analyses": ["a", "b"], "adjust": "holm"}],
        "analyses": [
            {"id": "a", "method": "ols", **MODEL},
            {"id": "b", "method": "ols", "outcome": "x", "covariates": ["hh"]},
        ],
    }
    found = run("linear_filled.csv", plan)["analyses"]
    rows = [row for analysis in found for row in analysis["rows"]]
    least = min(rows, key=lambda row: row["p_value"])
    assert least["p_adjusted"] == pytest.approx(min(1, 4 * least["p_value"]))
    assert {analysis["family"] for analysis in found} == {"primary"}


def test_a_dunnett_family_of_one_analysis_is_dunnett(run, analyse):
    plan = {
        **PLAN,
        "families": [{"name": "primary", "analyses": ["a"], "adjust": "dunnett"}],
        "analyses": [{"id": "a", "method": "ols", **MODEL}],
    }
    found = run("linear_filled.csv", plan)["analyses"][0]["rows"]
    alone = analyse("linear_filled.csv", plan=PLAN, method="dunnett", **MODEL)["rows"]
    assert [row["p_adjusted"] for row in found] == pytest.approx([row["p_adjusted"] for row in alone])
    both = {
        **plan,
        "families": [{"name": "primary", "analyses": ["a", "b"], "adjust": "dunnett"}],
        "analyses": [*plan["analyses"], {"id": "b", "method": "ols", "outcome": "z"}],
    }
    wider = run("linear_filled.csv", both)["analyses"][0]["rows"]
    assert all(more["p_adjusted"] > less["p_adjusted"] for more, less in zip(wider, found, strict=True))
