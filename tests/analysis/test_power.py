"""Power, sample size and detectable effects against R (reference/power/make.R), identities, and refusals."""

import math

import pytest

EXPECTED = "power/expected.json"
DATA = {"arm": ["A"] * 12 + ["B"] * 9, "y": [3.0, 5, 4, 6, 2, 4, 5, 5, 3, 4, 6, 4, 7, 5, 6, 8, 4, 9, 6, 5, 7]}
PLAN = {"data": {"arm": "arm", "control": "A"}}


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


def value_of(found, term):
    assert found["refused"] is None, found["refused"]
    return next(item["estimate"] for item in found["rows"] if item["term"] == term)


@pytest.mark.parametrize("case", range(3))
def test_power_of_means_is_that_of_the_non_central_t_in_r(analyse, reference, case):
    wanted = reference(EXPECTED)["t"][case]
    n, delta = [wanted["n"], wanted["n"]], wanted["delta"]
    close(value_of(analyse(None, method="power", n=n, delta=delta, sd=1), "power"), wanted["power"])
    close(value_of(analyse(None, method="power", n=n, delta=-delta, sd=1, sided="one"), "power"), wanted["one"])
    close(value_of(analyse(None, method="minimum_detectable_effect", n=n, sd=1), "mde"), wanted["mde"])
    size = analyse(None, method="sample_size", delta=delta, sd=1, power=0.9)
    close(value_of(size, "control"), wanted["size"])
    assert [item["n"] for item in size["rows"]] == [math.ceil(wanted["size"])] * 2


def test_arms_of_unequal_size_and_spread(analyse, reference):
    expected = reference(EXPECTED)
    close(value_of(analyse(None, method="power", n=[120, 60], delta=0.4, sd=1), "power"), expected["unequal"])
    close(value_of(analyse(None, method="power", n=[120, 60], delta=0.4, sd=[1, 1.5]), "power"), expected["unequal_sd"])
    found = analyse(None, method="sample_size", delta=0.4, sd=1, ratio=2)
    close(value_of(found, "control"), expected["ratio"])
    close(value_of(found, "arm"), 2 * expected["ratio"])


@pytest.mark.parametrize("case", range(2))
def test_power_of_risks_is_that_of_r(analyse, reference, case):
    wanted = reference(EXPECTED)["prop"][case]
    n, risks = [wanted["n"]] * 2, {"p1": wanted["p1"], "p2": wanted["p2"]}
    close(value_of(analyse(None, method="power", n=n, **risks), "power"), wanted["power"])
    close(value_of(analyse(None, method="sample_size", **risks), "arm"), wanted["size"])
    mde = value_of(analyse(None, method="minimum_detectable_effect", n=n, p1=wanted["p1"]), "mde")
    close(wanted["p1"] + mde, wanted["p2_of"])


def test_the_formula_with_covariates_households_and_attrition(analyse, reference):
    keys = {"n": [150, 100], "sd": 2, "distribution": "normal"}
    design = {"r2": 0.3, "icc": 0.2, "cluster_size": 1.5, "cv": 0.4, "attrition": 0.25}
    expected = reference(EXPECTED)
    close(value_of(analyse(None, method="minimum_detectable_effect", **keys, **design), "mde"), expected["normal_mde"])
    close(value_of(analyse(None, method="minimum_detectable_effect", **keys, contrasts=3), "mde"), expected["three"])
    size = analyse(None, method="sample_size", delta=0.6, sd=2, power=0.9, ratio=0.5, distribution="normal")
    close(value_of(size, "control"), expected["normal_size"])


def test_what_is_detectable_is_detected_with_the_power_asked_for(analyse):
    keys = {"n": [80, 50], "sd": 3, "icc": 0.1, "cluster_size": 2, "attrition": 0.1}
    mde = value_of(analyse(None, method="minimum_detectable_effect", power=0.85, **keys), "mde")
    close(value_of(analyse(None, method="power", delta=mde, **keys), "power"), 0.85, 1e-9)
    size = analyse(
        None,
        method="sample_size",
        delta=mde,
        sd=3,
        power=0.85,
        ratio=50 / 80,
        **{k: keys[k] for k in ("icc", "cluster_size", "attrition")},
    )
    close(value_of(size, "control"), 80, 1e-9)


def test_a_standard_error_gives_the_detectable_effect(analyse, reference):
    found = analyse(None, method="minimum_detectable_effect", std_error=0.5)
    close(value_of(found, "mde"), 0.5 * (1.959963984540054 + 0.8416212335729143))
    n = analyse(None, method="sample_size", std_error=0.5, n=[100, 100], delta=0.5 * 2.801585218113, power=0.8)
    close(value_of(n, "arm"), 100)


def test_rows_of_data_give_the_detectable_effect_by_neyman(analyse, reference):
    wanted = reference(EXPECTED)["data"]
    found = analyse(DATA, plan=PLAN, method="minimum_detectable_effect", outcome="y")
    close(value_of(found, "mde"), wanted["mde"])
    assert found["rows"][0]["n"] == 21
    power = analyse(DATA, plan=PLAN, method="power", outcome="y", delta=wanted["mde"])
    close(value_of(power, "power"), 0.8)


def test_design_effect_and_events(analyse, reference):
    found = analyse(None, method="design_effect", cluster_size=1.5, cv=0.4, icc=0.2)
    close(value_of(found, "design_effect"), 1.148)
    events = analyse(None, method="events_logrank", hazard_ratio=0.7, allocation=[1, 2])
    close(value_of(events, "events"), reference(EXPECTED)["events"])
    assert events["rows"][0]["n"] == math.ceil(reference(EXPECTED)["events"])


@pytest.mark.parametrize(
    ("method", "keys", "words"),
    [
        ("power", {"n": [50, 50], "sd": 1}, "size of the effect"),
        ("power", {"delta": 1, "sd": 1}, "number of persons"),
        ("power", {"n": [50, 50], "delta": 1}, "spread of the outcome"),
        ("power", {"n": [50, 50], "delta": 0, "sd": 1}, "the effect is 0"),
        ("power", {"n": [50, 50], "delta": -1, "sd": 1, "sided": "greater"}, "other side"),
        ("power", {"n": [50, 50], "p1": 0.2}, "risk of the arm"),
        ("minimum_detectable_effect", {"n": [4, 4], "p1": 0.9}, "no risk between 0 and 1"),
        ("minimum_detectable_effect", {"n": [1, 1], "sd": 1}, "too few persons"),
        ("sample_size", {"delta": 1, "sd": 1, "power": 0.01}, "not above alpha"),
        ("sample_size", {"delta": 1, "std_error": 1}, "how many persons"),
        ("events_logrank", {"hazard_ratio": 1}, "no effect"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_words(analyse, method, keys, words):
    assert words in analyse(None, method=method, **keys)["refused"]
