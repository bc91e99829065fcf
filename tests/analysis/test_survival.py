"""Time-to-exit methods against R (reference/survival/make.R), identities, and refusals."""

import math

import numpy as np
import pytest

DATA = "survival/exits.csv"
EXPECTED = "survival/expected.json"
PLAN = {"data": {"id": "person", "arm": "arm", "control": "A"}}
WORK = {"time": "day", "event": "worked"}
CAUSES = {"time": "day", "status": "cause", "events": [1, 2]}
AT = [180, 365, 560]
ARMS = ["A", "B", "C"]


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


@pytest.mark.parametrize("kind", ["log-log", "log", "plain"])
def test_kaplan_meier_agrees_with_r(analyse, reference, row, kind):
    found = analyse(DATA, plan=PLAN, method="kaplan_meier", **WORK, at=AT, quantiles=[0.25, 0.5], interval=kind)
    wanted = reference(EXPECTED)["kaplan_meier"][kind]
    for i, (stratum, at) in enumerate(zip(wanted["strata"], wanted["time"], strict=True)):
        one = row(found, term=stratum[-1], measure="survival", at=at)
        assert one["n"] == wanted["n"][i]
        for key, name in (("estimate",) * 2, ("std_error",) * 2, ("conf_low", "low"), ("conf_high", "high")):
            close(one[key], wanted[name][i])
    for i, arm in enumerate(ARMS):
        for j, quantile in enumerate((0.25, 0.5)):
            one = row(found, term=arm, measure="quantile", at=quantile)
            for key, name in (("estimate", "quantile"), ("conf_low", "quantile_low"), ("conf_high", "quantile_high")):
                value = wanted[name][i][j]
                assert one[key] == (None if value == "NA" else value)


def test_an_unreached_limit_of_the_median_is_null_and_says_so(analyse, row):
    found = analyse(DATA, plan=PLAN, method="kaplan_meier", **WORK, interval="log")
    one = row(found, term="A", measure="quantile")
    assert one["conf_high"] is None
    assert "limits of the curve" in one["note"]


def test_a_quantile_on_a_flat_stretch_is_its_middle(analyse, row):
    data = {"arm": ["A"] * 4, "t": [1.0, 2.0, 5.0, 9.0], "e": [1, 1, 1, 1]}
    found = analyse(data, method="kaplan_meier", time="t", event="e", arm="arm", quantiles=[0.5, 0.25, 0.6])
    assert row(found, at=0.5)["estimate"] == 3.5  # S = 0.5 from day 2 to day 5
    assert row(found, at=0.25)["estimate"] == 1.5
    assert row(found, at=0.6)["estimate"] == 5.0


def test_survival_before_any_event_and_after_the_last_person(analyse, row):
    data = {"arm": ["A"] * 4, "t": [3.0, 4.0, 5.0, 6.0], "e": [1, 1, 0, 0]}
    found = analyse(data, method="kaplan_meier", time="t", event="e", arm="arm", at=[1, 10])
    first, last = row(found, measure="survival", at=1), row(found, measure="survival", at=10)
    assert (first["estimate"], first["std_error"], first["conf_low"]) == (1.0, 0.0, None)
    assert "no events" in first["note"]
    assert last["estimate"] is None
    assert "followed so long" in last["note"]


def test_survival_difference_is_the_difference_of_the_curves_with_summed_variances(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="survival_difference", **WORK, at=AT)
    wanted = reference(EXPECTED)["kaplan_meier"]["plain"]
    for arm, place in (("B", 3), ("C", 6)):
        for i, at in enumerate(AT):
            one = row(found, term=arm, at=at)
            close(one["estimate"], wanted["estimate"][i] - wanted["estimate"][place + i])
            close(one["std_error"], math.hypot(wanted["std_error"][i], wanted["std_error"][place + i]))
            assert one["n"] == wanted["n"][i] + wanted["n"][place + i]


@pytest.mark.parametrize(("strata", "name"), [(None, "plain"), ("stratum", "strata")])
def test_logrank_agrees_with_r(analyse, reference, row, strata, name):
    found = analyse(DATA, plan=PLAN, method="logrank", **WORK, strata=strata)
    wanted = reference(EXPECTED)["logrank"][name]
    one = row(found, term="joint", measure="chi2")
    close(one["statistic"], wanted["chisq"])
    assert one["df"] == 2
    for arm, observed, expected in zip(ARMS, wanted["observed"], wanted["expected"], strict=True):
        assert found["details"]["arms"][arm]["events"] == observed
        close(found["details"]["arms"][arm]["expected"], expected)


COX = [
    ("plain", {}),
    ("breslow", {"ties": "breslow"}),
    ("strata", {"strata": "stratum"}),
    ("cluster", {"strata": "stratum", "cluster": "household"}),
    ("cluster_breslow", {"cluster": "household", "ties": "breslow"}),
    ("robust", {"se": "robust"}),
    ("plain", {"cluster": "household", "se": "model"}),
]


@pytest.mark.parametrize(("name", "keys"), COX)
def test_cox_agrees_with_r(analyse, reference, row, name, keys):
    found = analyse(DATA, plan=PLAN, method="cox", **WORK, covariates=["age"], terms=["age"], **keys)
    wanted = reference(EXPECTED)["cox"][name]
    for i, term in enumerate(("B", "C", "age")):
        one = row(found, term=term)
        close(one["estimate"], wanted["estimate"][i])
        close(one["std_error"], wanted["std_error"][i])
        close(one["ratio"], math.exp(wanted["estimate"][i]))
        assert one["df"] is None
    close(found["details"]["loglik"], wanted["loglik"][1])
    close(found["details"]["loglik_null"], wanted["loglik"][0])


@pytest.mark.parametrize("transform", ["km", "log", "identity"])
@pytest.mark.parametrize(
    ("name", "keys"), [("plain", {}), ("strata", {"strata": "stratum"}), ("breslow", {"ties": "breslow"})]
)
def test_ph_test_agrees_with_r(analyse, reference, row, transform, name, keys):
    found = analyse(
        DATA, plan=PLAN, method="ph_test", **WORK, covariates=["age"], terms=["age"], transform=transform, **keys
    )
    wanted = reference(EXPECTED)["ph_test"][name][transform]
    for i, term in enumerate(("B", "C", "age", "joint")):
        one = row(found, term=term)
        close(one["statistic"], wanted["chisq"][i])
        close(one["p_value"], wanted["p"][i])
        assert one["df"] == wanted["df"][i]


def test_restricted_mean_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="rmst", **WORK, tau=560)
    wanted = reference(EXPECTED)["rmst"]
    means, errors = wanted["estimate"], wanted["std_error"]
    for i, arm in enumerate(ARMS):
        close(row(found, term=arm, measure="rmst")["estimate"], means[i])
        close(row(found, term=arm, measure="rmst")["std_error"], errors[i])
    for i, arm in ((1, "B"), (2, "C")):
        difference, ratio = row(found, term=arm, measure="difference"), row(found, term=arm, measure="ratio")
        close(difference["estimate"], means[i] - means[0])
        close(difference["std_error"], math.hypot(errors[i], errors[0]))
        close(ratio["ratio"], means[i] / means[0])
        close(ratio["std_error"], math.hypot(errors[i] / means[i], errors[0] / means[0]))


def test_restricted_mean_stops_by_default_where_every_arm_is_still_followed(analyse):
    data = {"arm": ["A", "A", "B", "B"], "t": [3.0, 9.0, 4.0, 7.0], "e": [1, 0, 1, 1]}
    found = analyse(data, plan={"data": {"arm": "arm", "control": "A"}}, method="rmst", time="t", event="e")
    assert found["details"]["tau"] == 7.0


def test_restricted_mean_is_the_area_under_the_curve(analyse, row):
    data = {"arm": ["A"] * 5, "t": [2.0, 4.0, 4.0, 7.0, 9.0], "e": [1, 1, 0, 1, 0]}
    found = analyse(data, method="rmst", time="t", event="e", arm="arm", control="A", tau=8)["refused"]
    assert "only arm" in found
    found = analyse(data, method="rmst", time="t", event="e", tau=8)
    # S = 1, 0.8, 0.6, 0.3 from days 0, 2, 4, 7
    close(row(found, term="all")["estimate"], 2 * 1 + 2 * 0.8 + 3 * 0.6 + 1 * 0.3)


def test_aalen_johansen_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="aalen_johansen", **CAUSES, at=AT)
    wanted = reference(EXPECTED)["aalen_johansen"]
    shares = {}
    for i, (stratum, at) in enumerate(zip(wanted["strata"], wanted["time"], strict=True)):
        for event in (1, 2):
            one = row(found, term=stratum[-1], measure="incidence", event=str(event), at=at)
            close(one["estimate"], wanted["estimate"][i][event])
            close(one["std_error"], wanted["std_error"][i][event])
            assert one["n"] == wanted["n"][i]
            shares[stratum[-1], event, at] = wanted["estimate"][i][event], wanted["std_error"][i][event]
    one = row(found, term="C", measure="difference", event="2", at=365)
    (share, error), (control, other) = shares["C", 2, 365], shares["A", 2, 365]
    close(one["estimate"], share - control)
    close(one["std_error"], math.hypot(error, other))


def test_mean_time_lost_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="rmtl", **CAUSES, tau=560)
    wanted = reference(EXPECTED)["rmtl"]
    for name, mean, error in zip(wanted["rows"], wanted["estimate"], wanted["std_error"], strict=True):
        if name[-1] in "12":
            one = row(found, term=name[4], measure="rmtl", event=name[-1])
            close(one["estimate"], mean)
            close(one["std_error"], error)


def test_one_cause_of_exit_gives_one_minus_kaplan_meier(analyse, row):
    curve = analyse(DATA, plan=PLAN, method="kaplan_meier", time="day", event="left", at=AT)
    share = analyse(DATA, plan=PLAN, method="aalen_johansen", time="day", status="left", at=AT)
    for arm in ARMS:
        for at in AT:
            one, other = row(curve, term=arm, at=at), row(share, term=arm, at=at, measure="incidence")
            close(other["estimate"], 1 - one["estimate"], 1e-12)
            close(other["std_error"], one["std_error"], 1e-12)


def test_without_censoring_the_incidence_difference_is_the_risk_difference(analyse, row):
    rng = np.random.default_rng(5)
    arm = np.repeat(["A", "B"], 50)
    status, time = rng.integers(1, 3, 100), rng.integers(1, 30, 100).astype(float)
    data = {"arm": arm, "status": status, "time": time}
    plan = {"data": {"arm": "arm", "control": "A"}}
    found = analyse(data, plan=plan, method="aalen_johansen", time="time", status="status", events=[1], at=[15])
    gone = (status == 1) & (time <= 15)
    p, q = gone[arm == "B"].mean(), gone[arm == "A"].mean()
    one = row(found, measure="difference")
    close(one["estimate"], p - q, 1e-12)
    close(one["std_error"], math.sqrt(p * (1 - p) / 50 + q * (1 - q) / 50), 1e-12)


def test_gray_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="gray_test", **CAUSES)
    wanted = reference(EXPECTED)["gray"]
    for i, event in enumerate("12"):
        one = row(found, term="joint", measure="chi2", event=event)
        close(one["statistic"], wanted["stat"][i])
        close(one["p_value"], wanted["p"][i])
        assert one["df"] == 2
    within = analyse(DATA, plan=PLAN, method="gray_test", **CAUSES, strata="stratum")
    for i, event in enumerate("12"):
        close(row(within, event=event)["statistic"], reference(EXPECTED)["gray_strata"]["stat"][i])
    two = analyse(DATA, plan=PLAN, method="gray_test", **CAUSES, subset={"arm": ["A", "B"]})
    for i, event in enumerate("12"):
        close(row(two, event=event)["statistic"], reference(EXPECTED)["gray_two"]["stat"][i])


def test_fine_gray_agrees_with_r(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="fine_gray", **CAUSES, covariates=["age"], terms=["age"])
    for event in (1, 2):
        wanted = reference(EXPECTED)["fine_gray"][event - 1]
        for i, term in enumerate(("B", "C", "age")):
            one = row(found, term=term, event=str(event))
            close(one["estimate"], wanted["estimate"][i], 1e-6)
            close(one["std_error"], wanted["std_error"][i], 1e-6)
        close(found["details"]["loglik"][str(event)], wanted["loglik"])


def test_status_with_one_event_is_the_cause_specific_hazard(analyse, row):
    by_event = analyse(DATA, plan=PLAN, method="cox", **WORK)
    by_status = analyse(DATA, plan=PLAN, method="cox", time="day", status="cause", events=[1])
    assert row(by_status, term="B")["estimate"] == row(by_event, term="B")["estimate"]


SMALL = {
    "arm": ["A", "A", "A", "B", "B", "B", "C", "C", "C"],
    "t": [1.0, 2.0, 3.0, 1.5, 2.5, 3.5, 1.0, 2.0, 4.0],
    "e": [1, 0, 1, 1, 1, 0, 0, 0, 0],
    "none": [0] * 9,
    "s": [1, 0, 2, 1, 2, 0, 0, 2, 0],
    "x": [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
}
TINY = {"data": {"arm": "arm", "control": "A"}}
EVERY = ["kaplan_meier", "survival_difference", "logrank", "cox", "ph_test", "rmst", "rmtl", "aalen_johansen"]


@pytest.mark.parametrize("method", [*EVERY, "gray_test", "fine_gray"])
def test_zero_events_are_refused_in_words(analyse, method):
    found = analyse(SMALL, plan=TINY, method=method, time="t", event="none", at=[2])
    assert "zero events" in found["refused"]
    assert found["rows"] == []


def test_an_arm_without_events_has_no_hazard_ratio_and_the_others_do(analyse, row):
    found = analyse(SMALL, plan=TINY, method="cox", time="t", event="e")
    alone = analyse(SMALL, plan=TINY, method="cox", time="t", event="e", subset={"arm": ["A", "B"]})
    assert row(found, term="C")["estimate"] is None
    assert "nobody of this arm has the event" in row(found, term="C")["note"]
    close(row(found, term="B")["estimate"], row(alone, term="B")["estimate"], 1e-9)


def test_a_covariate_that_tells_who_leaves_is_refused_as_separation(analyse):
    found = analyse(SMALL, plan=TINY, method="cox", time="t", event="e", covariates=["x"], subset={"arm": ["A", "B"]})
    assert "separation" in found["refused"]


def test_an_event_without_exits_in_an_arm_is_told_for_that_event_only(analyse, row):
    found = analyse(SMALL, plan=TINY, method="fine_gray", time="t", status="s", events=[1, 2])
    assert row(found, term="C", event="1")["estimate"] is None
    assert row(found, term="B", event="2")["estimate"] is not None


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"event": "e"}, "names no time"),
        ({"time": "t"}, "`event` (0/1) or `status`"),
        ({"time": "t", "event": "s"}, "where 0 or 1 is needed"),
        ({"time": "t", "status": "s", "events": [7]}, "nobody left by '7'"),
        ({"time": "when", "event": "e"}, "no column 'when'"),
        ({"time": "arm", "event": "e"}, "where a number is needed"),
    ],
)
def test_wrong_keys_are_refused_with_what_to_do(analyse, keys, words):
    assert words in analyse(SMALL, plan=TINY, method="logrank", **keys)["refused"]


def test_a_time_below_zero_is_refused(analyse):
    data = SMALL | {"t": [-1.0, *SMALL["t"][1:]]}
    assert "below 0" in analyse(data, plan=TINY, method="cox", time="t", event="e")["refused"]


def test_rows_without_time_or_event_are_counted_as_outcome_missing(analyse):
    data = SMALL | {"t": [math.nan, *SMALL["t"][1:]]}
    found = analyse(data, plan=TINY, method="logrank", time="t", event="e")
    assert found["dropped"] == [{"reason": "outcome_missing", "column": "t", "n": 1}]
    assert found["n_used"] == 8
    assert found["details"]["arms"]["A"] == {
        "randomised": 3,
        "n": 2,
        "events": 1,
        "expected": pytest.approx(2 / 7 + 1 / 4 + 1 / 3),
    }


@pytest.mark.parametrize("method", ["cox", "fine_gray", "gray_test", "logrank", "aalen_johansen", "rmtl"])
def test_the_order_of_rows_does_not_matter(run, method):
    rng = np.random.default_rng(9)
    n = 90
    data = {
        "arm": rng.choice(["A", "B"], n),
        "t": rng.integers(1, 40, n).astype(float),
        "s": rng.integers(0, 3, n),
        "x": rng.normal(size=n).round(3),
    }
    order = rng.permutation(n)
    keys = {"id": "a", "method": method, "time": "t", "status": "s", "events": [1]} | (
        {"covariates": ["x"]} if method in ("cox", "fine_gray") else {}
    )
    one = run(data, TINY | {"analyses": [keys]})["analyses"][0]["rows"]
    other = run({k: np.asarray(v)[order] for k, v in data.items()}, TINY | {"analyses": [keys]})["analyses"][0]["rows"]
    assert len(one) == len(other) > 0
    for left, right in zip(one, other, strict=True):
        for key in left:
            assert left[key] == (pytest.approx(right[key], rel=1e-9) if isinstance(right[key], float) else right[key])


@pytest.mark.parametrize("method", ["kaplan_meier", "logrank", "survival_difference", "aalen_johansen", "rmst"])
@pytest.mark.parametrize("key", ["weights", "covariates"])
def test_keys_that_a_method_cannot_use_are_refused_not_left_aside(analyse, method, key):
    found = analyse(SMALL, plan=TINY, method=method, time="t", event="e", **{key: "x"})
    assert f"does not use `{key}`" in found["refused"]


def test_default_columns_of_the_data_that_a_method_has_no_key_for_are_left_aside(analyse, row):
    plan = {"data": {**PLAN["data"], "strata": "stratum"}}
    one = analyse(DATA, plan=plan, method="gray_test", **CAUSES)
    assert row(one, event="1") == row(analyse(DATA, plan=PLAN, method="gray_test", **CAUSES), event="1")
    strata = analyse(DATA, plan=plan, method="logrank", **WORK)
    assert (
        row(strata)["statistic"]
        == row(analyse(DATA, plan=PLAN, method="logrank", **WORK, strata="stratum"))["statistic"]
    )


def test_the_method_text_counts_people_by_cause_and_time_and_never_days_as_people(analyse):
    text = analyse(DATA, plan=PLAN, method="aalen_johansen", **CAUSES, at=[365], treatment="B")["method_text"]
    assert (
        "zijn er naar schatting 23 meer uitgestroomd door oorzaak 1 (tot en met tijdstip 365) dan in de controlegroep"
        in text["nl"]
    )
    assert "23 more have exit 1 (up to time 365) than in the control arm" in text["en"]
    years = {"arm": ["A", "B"] * 3, "t": [0.2, 0.5, 0.3, 0.9, 0.6, 0.8], "e": [1] * 6}
    text = analyse(years, plan=TINY, method="rmst", time="t", event="e")["method_text"]
    assert "Van elke 100" not in text["nl"]


def test_details_count_the_events_reported_and_all_causes(analyse):
    found = analyse(DATA, plan=PLAN, method="aalen_johansen", **CAUSES | {"events": [1]}, at=[365])
    assert found["details"]["arms"]["A"]["events"] == 60
    assert found["details"]["arms"]["A"]["causes"] == {"1": 60, "2": 28}


def test_robust_errors_count_households_once_as_in_r(analyse, reference, row):
    wanted = reference(EXPECTED)["robust"]
    keys = {"cluster": "household", "se": "robust"}
    rmst = analyse(DATA, plan=PLAN, method="rmst", **WORK, tau=560, **keys)
    rmtl = analyse(DATA, plan=PLAN, method="rmtl", **CAUSES, tau=560, **keys)
    share = analyse(DATA, plan=PLAN, method="aalen_johansen", **CAUSES, at=[365], **keys)
    one = analyse(DATA, plan=PLAN, method="aalen_johansen", time="day", event="worked", at=[365], **keys)
    for i, arm in enumerate(ARMS):
        close(row(rmst, term=arm, measure="rmst")["std_error"], wanted["rmst"][arm])
        close(row(one, term=arm, measure="incidence")["std_error"], wanted["survival"][i])
        for j, event in enumerate("12"):
            close(row(rmtl, term=arm, measure="rmtl", event=event)["std_error"], wanted["rmtl"][arm][j])
            close(row(share, term=arm, measure="incidence", event=event)["std_error"], wanted["incidence"][arm][j])
    # a household may have persons in both arms: their influences are summed with their signs
    close(row(rmst, term="B", measure="difference")["std_error"], wanted["rmst_difference_B"])


@pytest.mark.parametrize("method", ["survival_difference", "rmst", "aalen_johansen"])
def test_robust_errors_of_single_persons_are_those_of_the_model(analyse, method):
    keys = {"method": method, **WORK, "at": [365], "tau": 560}
    model, robust = analyse(DATA, plan=PLAN, **keys), analyse(DATA, plan=PLAN, **keys, se="robust")
    for one, other in zip(model["rows"], robust["rows"], strict=True):
        close(other["std_error"], one["std_error"], 1e-9)


def test_errors_that_leave_households_aside_say_so(analyse):
    found = analyse(DATA, plan=PLAN, method="survival_difference", **WORK, at=[365], cluster="household")
    assert "take persons as independent" in found["messages"][0]


@pytest.mark.parametrize(
    "keys",
    [
        {"method": "survival_difference", **WORK, "at": [365]},
        {"method": "aalen_johansen", **CAUSES, "events": [1], "at": [365]},
        {"method": "rmst", **WORK, "tau": 560},
        {"method": "cox", **WORK},
    ],
)
def test_arms_of_one_analysis_are_adjusted_for_their_number_with_their_shared_control(run, keys):
    family = {"name": "f", "analyses": ["a"], "adjust": "dunnett"}
    plan = PLAN | {"families": [family], "analyses": [{"id": "a", **keys}]}
    rows = [r for r in run(DATA, plan)["analyses"][0]["rows"] if r["p_adjusted"] is not None]
    assert {r["term"] for r in rows} == {"B", "C"}
    for r in rows:
        assert r["p_value"] < r["p_adjusted"] < min(1, 2 * r["p_value"])  # stricter than none, milder than Bonferroni


def test_details_hold_the_curves_on_a_grid_for_pictures(analyse, row):
    found = analyse(DATA, plan=PLAN, method="kaplan_meier", **WORK, at=[0])["details"]["curve"]
    assert found["time"][0] == 0.0
    assert len(found["time"]) == len(found["arms"]["B"]["survival"]) == 25
    assert found["arms"]["B"]["at_risk"][0] == 120
    assert found["arms"]["B"]["survival"] == sorted(found["arms"]["B"]["survival"], reverse=True)
    last = found["time"][-1]
    share = analyse(DATA, plan=PLAN, method="aalen_johansen", **CAUSES, at=[last])
    drawn = share["details"]["curve"]["arms"]["C"]["incidence"]["1"]
    close(drawn[-1], row(share, term="C", measure="incidence", event="1")["estimate"])


def test_relabelling_the_arms_flips_the_sign(run):
    for method in ("cox", "survival_difference", "rmst"):
        signs = []
        for control, other in (("A", "B"), ("B", "A")):
            keys = {"id": "a", "method": method, **WORK, "at": [365], "tau": 365, "subset": {"arm": ["A", "B"]}}
            plan = {"data": {"arm": "arm", "control": control}, "analyses": [keys]}
            rows = run(DATA, plan)["analyses"][0]["rows"]
            signs += [r for r in rows if r["term"] == other and r["measure"] in (None, "difference")]
        close(signs[0]["estimate"], -signs[1]["estimate"], 1e-9)
        close(signs[0]["std_error"], signs[1]["std_error"], 1e-9)


TREATED = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def test_leukaemia_remission_as_published(analyse, row):
    """Freireich et al. 1963, weeks in remission; the figures are in every textbook since Cox 1972 and Kalbfleisch."""
    weeks = f"{TREATED} {PLACEBO}".split()
    data = {
        "arm": ["6-MP"] * 21 + ["placebo"] * 21,
        "t": [float(week.rstrip("+")) for week in weeks],
        "e": [0.0 if week.endswith("+") else 1.0 for week in weeks],
    }
    plan = {"data": {"arm": "arm", "control": "6-MP"}}
    keys = {"time": "t", "event": "e"}
    medians = analyse(data, plan=plan, method="kaplan_meier", **keys)
    assert row(medians, term="6-MP")["estimate"] == 23
    assert row(medians, term="placebo")["estimate"] == 8
    assert round(row(analyse(data, plan=plan, method="logrank", **keys))["statistic"], 2) == 16.79
    for ties, beta, error in (("efron", 1.5721, 0.4124), ("breslow", 1.5092, 0.4096)):
        one = row(analyse(data, plan=plan, method="cox", ties=ties, **keys), term="placebo")
        assert (round(one["estimate"], 4), round(one["std_error"], 4)) == (beta, error)
