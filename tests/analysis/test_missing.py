"""Missing outcomes against R (reference/missing/make.R), identities, and refusals."""

import math

import pytest

DATA = "missing/people.csv"
EXPECTED = "missing/expected.json"
PLAN = {"data": {"id": "person", "arm": "arm", "control": "A"}}
TINY = {"data": {"arm": "arm", "control": "A"}}


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


@pytest.mark.parametrize("outcome", ["wb1", "wb2"])
def test_attrition_test_agrees_with_r(analyse, reference, row, outcome):
    keys = {"method": "attrition_test", "outcomes": ["wb1", "wb2"], "fixed_effects": ["stratum"]}
    found = analyse(DATA, plan=PLAN, **keys)
    clustered = analyse(DATA, plan=PLAN, **keys, cluster="household")
    wanted = reference(EXPECTED)["attrition"][outcome]
    for i, arm in enumerate("BC"):
        one, other = row(found, term=arm, outcome=outcome), row(clustered, term=arm, outcome=outcome)
        close(one["estimate"], wanted["estimate"][i])
        close(one["std_error"], wanted["HC2"][i])
        close(other["std_error"], wanted["CR2"][i])
        close(other["df"], wanted["df"][i])
    joint = row(found, term="joint", measure="F", outcome=outcome)
    close(joint["statistic"], wanted["F"])
    assert (joint["df"], joint["df2"]) == (2, wanted["df2"])
    assert found["n_used"] == 360
    assert found["details"]["patterns"] == reference(EXPECTED)["patterns"]


def test_the_response_test_shows_no_mean_of_the_outcome(analyse):
    found = analyse(DATA, plan=PLAN, method="attrition_test", outcome="wb1")
    for part in found["details"]["arms"].values():
        assert {"randomised", "n", "observed"} >= set(part) - {"clusters"}


def test_a_wave_that_everybody_answered_has_no_test_but_the_others_do(analyse, row):
    found = analyse(DATA, plan=PLAN, method="attrition_test", outcomes=["wb0", "wb1"])
    assert row(found, term="B", outcome="wb0")["estimate"] == 0.0
    assert row(found, term="B", outcome="wb0")["note"] == "everybody answered"
    assert row(found, term="B", outcome="wb1")["std_error"] > 0


@pytest.mark.parametrize(("within", "name"), [([], "lee"), (["stratum"], "lee_within")])
def test_lee_bounds_agree_with_sorting_and_counting_in_r(analyse, reference, row, within, name):
    found = analyse(DATA, plan=PLAN, method="lee_bounds", outcome="wb2", within=within, draws=200)
    for arm, (lower, upper, share) in reference(EXPECTED)[name].items():
        close(row(found, term=arm, measure="lower")["estimate"], lower)
        close(row(found, term=arm, measure="upper")["estimate"], upper)
        assert row(found, term=arm, measure="trim_share")["estimate"] == pytest.approx(share, rel=1e-6, abs=1e-12)


def test_errors_of_lee_bounds_are_those_of_a_household_bootstrap(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="lee_bounds", outcome="wb2", cluster="household", treatment="B", draws=4000)
    lower, upper = row(found, measure="lower"), row(found, measure="upper")
    for one, wanted in ((lower, "0"), (upper, "1")):
        # both numbers are bootstraps of 4,000 draws: their relative error is about 1/sqrt(8000) each
        close(one["std_error"], reference(EXPECTED)["lee_boot"][int(wanted)], 0.06)
    assert lower["conf_low"] < lower["estimate"] - 1.6 * lower["std_error"]
    assert upper["conf_high"] > upper["estimate"] + 1.6 * upper["std_error"]
    assert lower["conf_high"] is upper["conf_low"] is lower["p_value"] is None


def test_the_same_seed_gives_the_same_limits_and_another_seed_others(analyse):
    keys = {"method": "lee_bounds", "outcome": "wb2", "draws": 100}
    one, same, other = (analyse(DATA, plan=PLAN, **keys, seed=seed)["rows"] for seed in (1, 1, 2))
    assert one == same
    assert one[0]["conf_low"] != other[0]["conf_low"]


def test_lee_bounds_meet_the_difference_when_both_arms_answer_equally(analyse, row):
    data = {"arm": ["A"] * 4 + ["B"] * 4, "y": [1.0, 2, 3, math.nan, 2, 4, 6, math.nan]}
    found = analyse(data, plan=TINY, method="lee_bounds", outcome="y", draws=50)
    assert row(found, measure="lower")["estimate"] == row(found, measure="upper")["estimate"] == 2.0
    assert row(found, measure="trim_share")["estimate"] == 0.0


def test_lee_counts_the_last_person_in_part(analyse, row):
    data = {"arm": ["A"] * 4 + ["B"] * 4, "y": [2.0, 2, 3, math.nan, 1, 2, 4, 9]}
    found = analyse(data, plan=TINY, method="lee_bounds", outcome="y", draws=50)
    # three of four in A answered, so 3 of the 4 answers of B are kept: 1, 2, 4 or 2, 4, 9
    assert row(found, measure="lower")["estimate"] == pytest.approx(0.0, abs=1e-12)
    close(row(found, measure="upper")["estimate"], (2 + 4 + 9) / 3 - 7 / 3, 1e-12)
    flipped = analyse(data, plan={"data": {"arm": "arm", "control": "B"}}, method="lee_bounds", outcome="y", draws=50)
    close(row(flipped, measure="lower")["estimate"], -(2 + 4 + 9) / 3 + 7 / 3, 1e-12)


def test_an_arm_in_which_nobody_answers_has_no_bounds_and_the_others_do(analyse, row):
    data = {"arm": ["A"] * 3 + ["B"] * 3 + ["C"] * 3, "y": [1.0, 2, 4, 3, 5, math.nan] + [math.nan] * 3}
    found = analyse(data, plan=TINY, method="lee_bounds", outcome="y", draws=50)
    assert "nobody of the arm 'C'" in row(found, term="C")["note"]
    assert row(found, term="B", measure="lower")["estimate"] is not None
    alone = analyse(data, plan=TINY, method="lee_bounds", outcome="y", draws=50, subset={"arm": ["A", "C"]})
    assert "nobody of the arm 'C'" in alone["refused"]


def test_horowitz_manski_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="horowitz_manski", outcome="score", range=[0, 20])
    for arm, wanted in reference(EXPECTED)["hm"].items():
        lower, upper = row(found, term=arm, measure="lower"), row(found, term=arm, measure="upper")
        close(lower["estimate"], wanted["lower"])
        close(upper["estimate"], wanted["upper"])
        close(lower["std_error"], wanted["std_error"][0])
        close(lower["conf_low"], wanted["conf_low"])
        close(upper["conf_high"], wanted["conf_high"])


@pytest.mark.parametrize(
    ("ends", "words"), [([0, 5], "outside the `range`"), ([3, 3], "the `range` is empty"), ([20, 0], "is empty")]
)
def test_a_range_that_does_not_hold_the_scale_is_refused(analyse, ends, words):
    assert words in analyse(DATA, plan=PLAN, method="horowitz_manski", outcome="score", range=ends)["refused"]


RESPONSE = {"covariates": ["x", "wb0"], "fixed_effects": ["stratum"]}
WEIGHTED = {"method": "ipw", "outcome": "wb2", "covariates": ["wb0"], "response": RESPONSE}


@pytest.mark.parametrize(
    ("keys", "name"),
    [({}, "stacked"), ({"cluster": "household"}, "clustered"), ({"se": "HC0"}, "HC0"), ({"se": "HC2"}, "HC2")],
)
def test_weighting_agrees_with_stacked_equations_in_r(analyse, reference, row, keys, name):
    found = analyse(DATA, plan=PLAN, **WEIGHTED, **keys)
    wanted = reference(EXPECTED)["ipw"]
    for i, arm in enumerate("BC"):
        one = row(found, term=arm)
        close(one["estimate"], wanted["estimate"][i])
        close(one["std_error"], wanted[name][i])
        assert one["df"] == (wanted["clusters"] - 1 if "cluster" in keys else wanted["df"])
        assert one["n"] == wanted["n"]
    close(found["details"]["weight_max"], wanted["weight_max"])
    close(found["details"]["weight_ess"], wanted["weight_ess"])


def test_without_missing_outcomes_weighting_is_least_squares(analyse, row):
    found = analyse(DATA, plan=PLAN, method="ipw", outcome="wb0", covariates=["x"], response={"covariates": ["x"]})
    ols = analyse(DATA, plan=PLAN, method="ols", outcome="wb0", covariates=["x"], se="HC0")
    for key in ("estimate", "std_error", "df", "p_value"):
        close(row(found, term="B")[key], row(ols, term="B")[key], 1e-9)
    assert "everybody" in found["messages"][0]
    assert found["details"]["weight_ess"] == 360


def test_a_response_that_covariates_tell_exactly_is_refused(analyse):
    data = {"arm": ["A", "B"] * 6, "z": [0.0, 0, 1, 1] * 3, "y": [math.nan, math.nan, 1.0, 2.5] * 3}
    data["y"][2] = 1.75
    found = analyse(data, plan=TINY, method="ipw", outcome="y", response={"covariates": ["z"]})
    assert "separation" in found["refused"]


def test_rubin_pool_agrees_with_mice_and_mitools(analyse, reference, row):
    q, u = [0.41, 0.35, 0.52, 0.47, 0.29], [0.21, 0.2, 0.23, 0.215, 0.205]
    found = analyse(None, method="rubin_pool", estimate=q, std_error=u, df_complete=196)
    wanted = reference(EXPECTED)["rubin"]
    one = row(found, term="pooled")
    close(one["estimate"], wanted["estimate"])
    close(one["std_error"], math.sqrt(wanted["total"]))
    close(one["df"], wanted["df"])
    for name in ("within", "between", "total", "riv", "lambda", "fmi"):
        close(found["details"][name], wanted[name])
    old = analyse({"q": q, "u": u}, method="rubin_pool", estimate="q", std_error="u", df_complete=196, df="rubin")
    close(row(old, term="pooled")["df"], wanted["df_rubin"])
    close(old["details"]["fmi"], wanted["fmi_rubin"])


def test_equal_imputations_pool_to_the_complete_data(analyse, row):
    found = analyse(None, method="rubin_pool", estimate=[2, 2, 2], std_error=[1, 1, 1], df_complete=40)
    one = row(found, term="pooled")
    assert (one["estimate"], one["std_error"], found["details"]["between"]) == (2, 1, 0)
    close(one["df"], 41 / 43 * 40)


@pytest.mark.parametrize(
    ("q", "u", "words"),
    [([1, 2], [1, 2, 3], "2 estimates and 3"), ([1], [1], "at least two"), ([1, 2], [1, 0], "not above 0")],
)
def test_lists_that_cannot_be_pooled_are_refused(analyse, q, u, words):
    assert words in analyse(None, method="rubin_pool", estimate=q, std_error=u)["refused"]


IMPUTED = {
    "outcome": "wb2",
    "covariates": ["wb0"],
    "imputation": {"columns": ["wb1", "wb2"], "predictors": ["x", "wb0"], "m": 300},
}


@pytest.mark.parametrize("method", ["norm", "pmm"])
def test_imputation_agrees_with_mice_within_the_error_of_drawing(analyse, reference, row, method):
    keys = IMPUTED | {"imputation": IMPUTED["imputation"] | {"method": method}}
    found = analyse(DATA, plan=PLAN, method="multiple_imputation", **keys)
    for arm, (estimate, error, fmi) in zip("BC", reference(EXPECTED)[f"mice_{method}"], strict=True):
        one = row(found, term=arm)
        # two runs of 300: the Monte Carlo error of a pooled estimate is sqrt(between / 300) each, about 0.006
        assert one["estimate"] == pytest.approx(estimate, abs=0.035)
        close(one["std_error"], error, 0.06)
        assert found["details"]["fmi"][arm] == pytest.approx(fmi, abs=0.09)
        assert one["n"] == 360


def test_imputed_and_likelihood_estimates_agree_when_answers_are_missing_at_random(analyse, row):
    imputed = analyse(DATA, plan=PLAN, method="multiple_imputation", **IMPUTED)
    likelihood = analyse(DATA, plan=PLAN, method="mmrm", outcomes=["wb1", "wb2"], baseline="wb0", covariates=["x"])
    for arm in "BC":
        one, other = row(imputed, term=arm), row(likelihood, term=arm, wave=2)
        assert abs(one["estimate"] - other["estimate"]) < 0.5 * other["std_error"]


@pytest.mark.parametrize("by_arm", [True, False])
def test_the_same_seed_gives_the_same_imputations(analyse, by_arm):
    keys = IMPUTED | {"imputation": {"columns": ["wb1", "wb2"], "predictors": ["x"], "m": 5, "by_arm": by_arm}}
    one, same, other = (
        analyse(DATA, plan=PLAN, method="multiple_imputation", **keys, seed=s)["rows"] for s in (3, 3, 4)
    )
    assert one == same
    assert one[0]["estimate"] != other[0]["estimate"]


def test_complete_data_give_ordinary_least_squares(analyse, row):
    found = analyse(DATA, plan=PLAN, method="multiple_imputation", outcome="wb0", covariates=["x"])
    ols = analyse(DATA, plan=PLAN, method="ols", outcome="wb0", covariates=["x"])
    close(row(found, term="B")["estimate"], row(ols, term="B")["estimate"], 1e-12)
    close(row(found, term="B")["std_error"], row(ols, term="B")["std_error"], 1e-12)


def test_a_covariate_with_gaps_is_imputed_too(analyse, row):
    keys = {"outcome": "wb2", "covariates": ["wb1"], "imputation": {"predictors": ["x", "wb0"], "m": 20}}
    found = analyse(DATA, plan=PLAN, method="multiple_imputation", **keys)
    assert row(found, term="B")["std_error"] > 0
    assert set(found["details"]["trace"]) == {"wb1", "wb2"}
    assert len(found["details"]["trace"]["wb1"]) == 10


def test_an_outcome_made_of_imputed_columns_is_made_anew(analyse, row):
    plan = PLAN | {"columns": {"gain": {"column": "wb2", "minus": "wb0"}}}
    imputation = {"columns": ["wb1", "wb2"], "predictors": ["x", "wb0"], "m": 40}
    keys = {"method": "multiple_imputation", "covariates": ["wb0"], "imputation": imputation}
    level = analyse(DATA, plan=PLAN, outcome="wb2", **keys)
    for outcome in ("gain", {"column": "wb2", "minus": "wb0"}):
        gain = analyse(DATA, plan=plan, outcome=outcome, **keys)
        # with the baseline as covariate the effect on the gain is the effect on the level
        close(row(gain, term="B")["estimate"], row(level, term="B")["estimate"], 1e-9)


def test_the_tipping_point_moves_the_raw_difference_by_the_share_imputed(analyse, row):
    keys = {"outcome": "wb2", "imputation": {"columns": ["wb2"], "predictors": ["x", "wb0"], "m": 10}}
    base = analyse(DATA, plan=PLAN, method="multiple_imputation", **keys)
    found = analyse(DATA, plan=PLAN, method="tipping_point", deltas=[0, -1, -2.5], **keys)
    for arm in "BC":
        part = base["details"]["arms"][arm]
        share = 1 - part["observed"]["wb2"] / part["randomised"]
        start = row(base, term=arm)["estimate"]
        for delta in (0, -1, -2.5):
            close(row(found, term=arm, at=delta)["estimate"], start + delta * share, 1e-9)
    assert len(found["details"]["fmi"]["B"]) == 3


@pytest.mark.parametrize(
    ("data", "keys", "words"),
    [
        ({"y": [math.nan] * 9}, {}, "nobody of the arm 'A' has a value of 'y'"),
        ({"y": [1.0, 2, math.nan, 3, 4, math.nan, 5, 6, 7]}, {"predictors": ["x"]}, "too few to predict"),
    ],
)
def test_imputation_without_enough_values_is_refused(analyse, data, keys, words):
    whole = {"arm": ["A", "B", "C"] * 3, "x": [1.0, 2, 4, 3, 5, 2, 6, 1, 3]} | data
    found = analyse(whole, plan=TINY, method="multiple_imputation", outcome="y", imputation=keys)
    assert words in found["refused"]


def test_bounds_without_variation_have_no_limits_and_bounds_without_answers_are_refused(analyse, row):
    data = {"arm": ["A", "A", "B", "B"], "y": [1.0, 1.0, 3.0, 3.0], "none": [math.nan] * 4}
    found = analyse(data, plan=TINY, method="horowitz_manski", outcome="y", range=[0, 4])
    assert row(found, measure="lower")["estimate"] == 2.0
    assert "no variation" in row(found, measure="lower")["note"]
    found = analyse(data, plan=TINY, method="horowitz_manski", outcome="none", range=[0, 4])
    assert "nobody has the outcome 'none'" in found["refused"]
