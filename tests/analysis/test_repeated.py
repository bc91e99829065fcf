"""Repeated measures against R (reference/repeated/make.R), identities, and refusals."""

import math

import numpy as np
import pytest

DATA = "repeated/waves.csv"
EXPECTED = "repeated/expected.json"
PLAN = {"data": {"id": "person", "arm": "arm", "control": "A"}}
WAVES = ["wb1", "wb2", "wb3"]
MODEL = {"method": "mmrm", "outcomes": WAVES, "baseline": "wb0", "covariates": ["stratum"]}


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


def cells(wanted, name):
    """The reference by arm and wave: its terms are `wave1:armB`."""
    pairs = zip(wanted["term"], wanted[name], strict=True)
    return {(term[-1], int(term[4])): value for term, value in pairs}


@pytest.mark.parametrize("covariance", ["unstructured", "toeplitz", "ar1", "compound_symmetry"])
def test_mmrm_agrees_with_gls(analyse, reference, row, covariance):
    found = analyse(DATA, plan=PLAN, **MODEL, covariance=covariance)
    wanted = reference(EXPECTED)[covariance]
    for name in ("estimate", "std_error"):
        for (arm, wave), value in cells(wanted, name).items():
            one = row(found, term=arm, wave=wave)
            assert one["outcome"] == WAVES[wave - 1]
            close(one[name], value, 1e-4)
    close(found["details"]["loglik"], wanted["loglik"], 1e-8)
    assert found["details"]["structure"] == covariance


def test_mmrm_agrees_with_its_definition_person_by_person(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, **MODEL)
    wanted = reference(EXPECTED)["df"]
    for name, key in (("estimate", "estimate"), ("std_error", "std_error"), ("satterthwaite", "df")):
        for (arm, wave), value in cells(wanted, name).items():
            close(row(found, term=arm, wave=wave)[key], value)
    for wave, (statistic, df2) in enumerate(wanted["joint"], start=1):
        one = row(found, term="joint", measure="F", wave=wave)
        close(one["statistic"], statistic)
        close(one["df2"], df2)
        assert one["df"] == 2
    mean = row(found, term="B", wave="average")
    close(mean["df"], wanted["average_B"])
    close(mean["estimate"], reference(EXPECTED)["unstructured"]["average_B"][0], 1e-4)
    close(mean["std_error"], reference(EXPECTED)["unstructured"]["average_B"][1], 1e-4)
    close(np.array(found["details"]["covariance"]), np.array(wanted["sigma"]))
    close(found["details"]["loglik"], wanted["loglik"], 1e-9)


def test_kenward_roger_agrees_with_its_definition(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, **MODEL, df="kenward_roger")
    wanted = reference(EXPECTED)["df"]
    for name, key in (("kr_std_error", "std_error"), ("kr_df", "df")):
        for (arm, wave), value in cells(wanted, name).items():
            close(row(found, term=arm, wave=wave)[key], value)
    for wave, (statistic, df2) in enumerate(wanted["kr_joint"], start=1):
        one = row(found, term="joint", wave=wave)
        close(one["statistic"], statistic)
        close(one["df2"], df2)


def test_kenward_roger_is_near_pbkrtest_which_has_the_expected_information(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, **MODEL, covariance="compound_symmetry", df="kenward_roger")
    wanted = reference(EXPECTED)["pbkrtest"]
    for name, key, relative in (("std_error", "std_error", 1e-4), ("df", "df", 5e-3)):
        for (arm, wave), value in cells(wanted, name).items():
            close(row(found, term=arm, wave=wave)[key], value, relative)


def test_the_household_sandwich_agrees_with_its_definition(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, **MODEL, cluster="household", se="CR0")
    wanted = reference(EXPECTED)["sandwich"]
    terms = reference(EXPECTED)["df"]["term"]
    for term, value in zip(terms, wanted["std_error"], strict=True):
        one = row(found, term=term[-1], wave=int(term[4]))
        close(one["std_error"], value)
        assert one["df"] == wanted["clusters"] - 1
    beside = analyse(DATA, plan=PLAN | {"data": PLAN["data"] | {"cluster": "household"}}, **MODEL)
    close(row(beside, term="B", wave=2)["std_error"], reference(EXPECTED)["df"]["std_error"][1])
    stated = [item for item in beside["details"]["cluster_robust"] if item["term"] == "B" and item["wave"] == 2]
    close(stated[0]["std_error"], wanted["std_error"][1])
    assert beside["details"]["clusters"] == wanted["clusters"]


def test_constrained_baseline_agrees_with_gls(analyse, reference, row):
    found = analyse(
        DATA, plan=PLAN, method="mmrm", outcomes=["wb0", *WAVES], constrained_baseline=True, covariates=["stratum"]
    )
    wanted = reference(EXPECTED)["clda"]
    for i, term in enumerate(wanted["term"]):
        one = row(found, term=term[0], outcome=f"wb{int(term[1]) - 1}")
        assert one["wave"] == int(term[1]) - 1
        close(one["estimate"], wanted["estimate"][i], 1e-4)
        close(one["std_error"], wanted["std_error"][i], 1e-4)
    assert all(one["outcome"] != "wb0" for one in found["rows"])
    assert found["n_used"] == 240


def test_complete_data_without_covariates_give_each_wave_its_own_analysis_of_variance(analyse, reference, row):
    outcomes = ["full1", "full2", "full3"]
    for df in ("satterthwaite", "kenward_roger"):
        found = analyse(DATA, plan=PLAN, method="mmrm", outcomes=outcomes, df=df)
        for wave, wanted in enumerate(reference(EXPECTED)["anova"], start=1):
            for arm, estimate, error in zip("BC", wanted["estimate"], wanted["std_error"], strict=True):
                one = row(found, term=arm, wave=wave)
                close(one["estimate"], estimate)
                close(one["std_error"], error)
                close(one["df"], wanted["df"])
            close(row(found, term="joint", wave=wave)["statistic"], wanted["F"])
            close(row(found, term="joint", wave=wave)["df2"], wanted["df"])


def test_details_count_persons_observations_and_patterns(analyse):
    details = analyse(DATA, plan=PLAN, **MODEL)["details"]
    assert sum(details["patterns"].values()) == details["persons"]
    assert sum(kind.count("1") * n for kind, n in details["patterns"].items()) == details["observations"]
    assert "000" not in details["patterns"]
    assert "clusters" not in details


def test_only_the_treatment_is_reported_but_all_arms_are_fitted(analyse, row):
    whole, one = analyse(DATA, plan=PLAN, **MODEL), analyse(DATA, plan=PLAN, **MODEL, treatment="B")
    assert row(one, term="B", wave=2) == row(whole, term="B", wave=2)
    assert not [item for item in one["rows"] if item["term"] == "C"]


def test_rows_in_another_order_give_the_same_numbers(run, reference):
    rng = np.random.default_rng(4)
    n = 120
    data = {"arm": rng.choice(["A", "B"], n), "w1": rng.normal(size=n), "w2": rng.normal(size=n)}
    data["w2"][rng.random(n) < 0.3] = math.nan
    order = rng.permutation(n)
    plan = {
        "data": {"arm": "arm", "control": "A"},
        "analyses": [{"id": "a", "method": "mmrm", "outcomes": ["w1", "w2"]}],
    }
    one = run(data, plan)["analyses"][0]["rows"]
    other = run({name: values[order] for name, values in data.items()}, plan)["analyses"][0]["rows"]
    for left, right in zip(one, other, strict=True):
        for key in ("estimate", "std_error", "df", "p_value"):
            assert left[key] == (None if right[key] is None else pytest.approx(right[key], rel=1e-7))


def test_the_unit_of_the_outcome_does_not_matter(run, row):
    rng = np.random.default_rng(15)
    n = 150
    arm, level = rng.choice(["A", "B"], n), rng.normal(size=n)
    one = {"arm": arm, "w1": level + rng.normal(size=n), "w2": level + rng.normal(size=n)}
    one["w2"][rng.random(n) < 0.2] = math.nan
    euros = {"arm": arm} | {name: 2e6 + 25_000 * one[name] for name in ("w1", "w2")}
    plan = {
        "data": {"arm": "arm", "control": "A"},
        "analyses": [{"id": "a", "method": "mmrm", "outcomes": ["w1", "w2"]}],
    }
    small, large = (run(data, plan)["analyses"][0] for data in (one, euros))
    for wave in (1, 2, "average"):
        left, right = row(small, term="B", wave=wave), row(large, term="B", wave=wave)
        close(right["estimate"], 25_000 * left["estimate"])
        close(right["std_error"], 25_000 * left["std_error"])
        close(right["df"], left["df"])
    close(large["details"]["covariance"][0][1], 25_000**2 * small["details"]["covariance"][0][1])
    free = small["details"]["observations"] - 4
    close(large["details"]["loglik"], small["details"]["loglik"] - free * math.log(25_000), 1e-9)


def test_a_household_of_twice_the_persons_gives_the_same_estimates(run, row):
    rng = np.random.default_rng(14)
    n = 80
    one = {"arm": rng.choice(["A", "B"], n), "h": np.arange(n), "w1": rng.normal(size=n), "w2": rng.normal(size=n)}
    two = {name: np.concatenate([values, values]) for name, values in one.items()}
    plan = {"data": {"arm": "arm", "control": "A", "cluster": "h"}}
    plan["analyses"] = [{"id": "a", "method": "mmrm", "outcomes": ["w1", "w2"], "se": "CR0"}]
    single, double = (run(data, plan)["analyses"][0] for data in (one, two))
    for wave in (1, 2):
        left, right = row(single, term="B", wave=wave), row(double, term="B", wave=wave)
        close(left["estimate"], right["estimate"], 1e-5)
        close(left["std_error"], right["std_error"], 2e-2)


def test_waves_never_seen_together_fall_back_to_a_simpler_covariance_and_say_so(analyse):
    rng = np.random.default_rng(2)
    n = 90
    w1, w2, w3 = rng.normal(size=(3, n))
    w1[:45], w3[45:] = math.nan, math.nan
    data = {"arm": np.tile(["A", "B"], 45), "w1": w1, "w2": w2, "w3": w3}
    plan = {"data": {"arm": "arm", "control": "A"}}
    found = analyse(data, plan=plan, method="mmrm", outcomes=["w1", "w2", "w3"])
    assert found["refused"] is None
    assert found["details"]["structure"] != "unstructured"
    assert "could not be estimated" in found["messages"][0]
    assert "AR1" in found["method_text"]["nl"]  # the lag of two waves is never seen either


def test_the_method_text_says_covariance_and_degrees_of_freedom(analyse):
    text = analyse(DATA, plan=PLAN, **MODEL, df="kenward_roger")["method_text"]
    assert "Covariance: unstructured. Degrees of freedom: Kenward-Roger (linear)." in text["en"]
    assert "zonder vaste vorm. Vrijheidsgraden: Kenward-Roger (linear)." in text["nl"]


SMALL = {
    "arm": ["A", "A", "A", "B", "B", "B"],
    "w1": [1.0, 2.0, 4.0, 2.0, 3.0, 5.0],
    "w2": [2.0, 2.5, 1.0] + [math.nan] * 3,
}
TINY = {"data": {"arm": "arm", "control": "A"}}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"outcomes": ["w1", "w2"]}, "nobody of the arm 'B' has the outcome 'w2'"),
        ({"outcomes": ["w1"], "baseline": "w1", "constrained_baseline": True}, "exclude each other"),
        ({"outcomes": ["w1"], "constrained_baseline": True}, "a wave after the baseline"),
        ({"outcomes": ["w1", "same"]}, "has the same value"),
        ({"outcomes": ["w1", "none"]}, "has no value"),
        ({"outcomes": ["w1"], "covariates": ["one"]}, "the column 'one' has one value in all rows used"),
        ({"outcomes": ["w1"], "se": "CR0"}, "needs a cluster"),
    ],
)
def test_refusals_of_the_repeated_measures_model(analyse, keys, words):
    data = SMALL | {"same": [1.0] * 6, "none": [math.nan] * 6, "one": [3.0] * 6}
    found = analyse(data, plan=TINY, method="mmrm", **keys)
    assert words in found["refused"]
    assert found["rows"] == []


@pytest.mark.parametrize(("effects", "name"), [([], "slope"), ([["site", "stratum"]], "slope_strata")])
def test_random_slopes_over_sites_agree_with_lmer(analyse, reference, row, effects, name):
    found = analyse(
        "repeated/sites.csv", plan=PLAN, method="mixed_site_slope", outcome="y", site="site", fixed_effects=effects
    )
    wanted = reference(EXPECTED)[name]
    close(row(found, term="B", measure=None)["estimate"], wanted["estimate"], 1e-4)
    close(row(found, term="B", measure=None)["std_error"], wanted["std_error"], 1e-4)
    close(row(found, term="B", measure="tau2")["estimate"], wanted["tau2"], 1e-4)
    assert found["details"]["sites"] == 12


def test_without_variation_between_sites_the_slope_is_that_of_ols(analyse, row):
    rng = np.random.default_rng(3)
    site = np.repeat(["p", "q", "r", "s"], 40)
    arm = np.tile(["A", "B"], 80)
    y = np.tile(rng.normal(size=40), 4) + rng.normal(scale=1e-3, size=160)
    data = {"site": site, "arm": arm, "y": y}
    found = analyse(data, plan=TINY, method="mixed_site_slope", outcome="y", site="site")
    ols = analyse(data, plan=TINY, method="ols", outcome="y", fixed_effects=["site"], se="classical")
    assert row(found, measure="tau2")["estimate"] == pytest.approx(0.0, abs=1e-12)
    assert "variance is 0" in row(found, measure="tau2")["note"]
    close(row(found, measure=None)["estimate"], row(ols, term="B")["estimate"])
    close(row(found, measure=None)["std_error"], row(ols, term="B")["std_error"])


def test_one_site_or_none_is_refused(analyse):
    data = {"arm": ["A", "B"] * 4, "y": [1.0, 2, 3, 4, 5, 6, 7, 9], "site": ["p"] * 8}
    assert "one site" in analyse(data, plan=TINY, method="mixed_site_slope", outcome="y", site="site")["refused"]
    assert "names no site" in analyse(data, plan=TINY, method="mixed_site_slope", outcome="y")["refused"]


MONTHS = [f"m{month}" for month in range(1, 7)]


def register(n=300, seed=6):
    """A register panel: who works in each of six months, some of them in households."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(["A", "B", "C"], n)
    work = np.zeros((n, 6))
    for month in range(6):
        before = work[:, month - 1] if month else np.zeros(n)
        chance = 0.1 + 0.7 * before + 0.06 * (arm == "B")
        work[:, month] = rng.random(n) < chance
    return {"arm": arm, "h": np.arange(n) // 2, "x": rng.normal(size=n)} | dict(zip(MONTHS, work.T, strict=True))


@pytest.mark.parametrize("keys", [{}, {"cluster": "h"}, {"covariates": ["x"], "se": "HC3"}])
def test_each_month_is_an_ols_and_their_sum_is_the_effect_on_months_worked(analyse, row, keys):
    data = register()
    data["total"] = sum(data[month] for month in MONTHS)
    found = analyse(data, plan=TINY, method="monthly_itt", outcomes=MONTHS, **keys)
    whole = analyse(data, plan=TINY, method="ols", outcome="total", **keys)
    month = analyse(data, plan=TINY, method="ols", outcome="m4", **keys)
    for arm in "BC":
        one, wanted = row(found, term=arm, wave=4), row(month, term=arm)
        assert one["outcome"] == "m4"
        for key in ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high"):
            close(one[key], wanted[key], 1e-9)
            close(row(found, term=arm, wave="sum")[key], row(whole, term=arm)[key], 1e-9)


def test_the_band_lies_between_one_interval_and_bonferroni(analyse, row):
    found = analyse(register(), plan=TINY, method="monthly_itt", outcomes=MONTHS)
    details = found["details"]
    for arm in "BC":
        assert 1.959964 < details["critical_value"][arm] < details["bonferroni_value"]
        one = row(found, term=arm, wave=3)
        close(one["conf_high_adjusted"], one["estimate"] + details["critical_value"][arm] * one["std_error"], 1e-12)
    close(details["bonferroni_value"], 2.638257273476751, 1e-9)  # qnorm(1 - 0.05 / 12)


def test_independent_months_have_the_critical_value_of_sidak(analyse):
    rng = np.random.default_rng(8)
    n = 400
    H = np.linalg.qr(np.column_stack([np.ones(n), np.tile([0.0, 1.0], n // 2), rng.normal(size=(n, 5))]))[0][:, 2:]
    data = {"arm": np.tile(["A", "B"], n // 2)} | {f"m{j}": H[:, j] for j in range(5)}
    found = analyse(data, plan=TINY, method="monthly_itt", outcomes=[f"m{j}" for j in range(5)], se="HC0")
    # residuals are orthogonal, so the months are nearly uncorrelated: c solves (2 Phi(c) - 1)^5 = 0.95
    assert found["details"]["critical_value"]["B"] == pytest.approx(2.5687631680113974, abs=5e-3)


def test_months_in_the_state_and_persons_who_lost_it_again(analyse):
    data = {
        "arm": ["A", "A", "A", "B", "B", "B"],
        "m1": [0.0, 1, 0, 0, 1, 0],
        "m2": [1.0, 0, 0, 1, 1, math.nan],
        "m3": [1.0, 1, 0, 0, 1, 1],
    }
    details = analyse(data, plan=TINY, method="monthly_itt", outcomes=["m1", "m2", "m3"])["details"]
    assert details["means"] == {"A": pytest.approx([1 / 3] * 2 + [2 / 3]), "B": pytest.approx([1 / 3, 1, 2 / 3])}
    assert details["ever"] == {"A": pytest.approx(2 / 3), "B": 1.0}
    assert details["returned"] == {"A": 1, "B": 1}


def test_a_month_in_which_nobody_works_has_no_error_and_the_rest_goes_on(analyse, row):
    data = register() | {"m1": np.zeros(300)}
    found = analyse(data, plan=TINY, method="monthly_itt", outcomes=MONTHS)
    first = row(found, term="B", wave=1)
    assert (first["estimate"], first["std_error"]) == (0.0, None)
    assert "same value" in first["note"]
    assert row(found, term="B", wave=2)["std_error"] > 0
    close(
        row(found, term="B", wave="sum")["estimate"], sum(row(found, term="B", wave=w)["estimate"] for w in range(1, 7))
    )


def test_months_without_any_variation_are_refused(analyse):
    data = {"arm": ["A", "B"] * 3, "m1": [0.0] * 6, "m2": [1.0] * 6}
    assert (
        "one value in every month" in analyse(data, plan=TINY, method="monthly_itt", outcomes=["m1", "m2"])["refused"]
    )
