"""Pooling over sites against R (reference/sites/make.R: metafor, estimatr), identities, and refusals."""

import math

import pytest

BCG = "sites/bcg.csv"
CITIES = "sites/cities.csv"
EXPECTED = "sites/expected.json"
COUNTS = ["tpos", "tneg", "cpos", "cneg"]
MEASURES = {"RD": "risk_difference", "RR": "risk_ratio", "OR": "odds_ratio"}
PLAN = {"data": {"arm": "arm", "control": "A", "site": "city"}}
Y, SE = [0.1, 0.3, 0.2, 0.6], [0.1, 0.12, 0.2, 0.15]


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("pooling", ["FE", "DL", "PM", "REML", "ML", "HE", "SJ"])
@pytest.mark.parametrize(
    ("test", "keys"), [("z", {}), ("knha", {"interval": "hksj"}), ("adhoc", {"interval": "hksj", "floor": True})]
)
def test_pooling_of_the_vaccine_trials_agrees_with_metafor(analyse, reference, row, measure, pooling, test, keys):
    found = analyse(
        BCG, method="meta_analysis", counts=COUNTS, measure=MEASURES[measure], site="trial", pooling=pooling, **keys
    )
    wanted = reference(EXPECTED)["bcg"][measure][pooling][test]
    relative = 1e-4 if pooling in ("ML", "REML", "PM") else 1e-6
    pooled, prediction, tau2 = (row(found, measure=name) for name in ("pooled", "prediction", "tau2"))
    for name, key in (
        ("estimate", "estimate"),
        ("std_error", "se"),
        ("conf_low", "low"),
        ("conf_high", "high"),
        ("p_value", "p"),
    ):
        close(pooled[name], wanted[key], relative)
    close(tau2["estimate"], wanted["tau2"], relative)
    close(row(found, measure="I2")["estimate"], wanted["I2"], relative)
    if pooling != "FE":
        close(prediction["conf_low"], wanted["pi_low"], relative)
        close(prediction["conf_high"], wanted["pi_high"], relative)
        close(tau2["conf_low"], wanted["tau2_low"], 1e-5)
        close(tau2["conf_high"], wanted["tau2_high"], 1e-5)
        close(row(found, measure="I2")["conf_high"], wanted["I2_high"], 1e-5)
    close(row(found, measure="Q")["statistic"], wanted["Q"])
    close(row(found, measure="Q")["p_value"], wanted["Qp"])


def test_the_published_result_of_the_vaccine_trials(analyse, row):
    found = analyse(BCG, method="meta_analysis", counts=COUNTS, measure="risk_ratio", site="trial", pooling="REML")
    pooled = row(found, measure="pooled")
    assert (round(pooled["estimate"], 4), round(pooled["std_error"], 4)) == (-0.7145, 0.1798)
    assert round(row(found, measure="tau2")["estimate"], 4) == 0.3132
    assert pooled["ratio"] == pytest.approx(math.exp(pooled["estimate"]))
    assert sum(item["measure"] == "site" for item in found["rows"]) == 13
    assert set(found["details"]["weights"]) == {item["site"] for item in found["rows"] if item["site"]}


def test_lists_in_the_plan_need_no_data_and_give_the_same(analyse, reference, row):
    expected = reference(EXPECTED)
    found = analyse(None, method="meta_analysis", estimate=expected["yi"], std_error=expected["sei"], pooling="DL")
    close(row(found, measure="pooled")["estimate"], expected["bcg"]["RR"]["DL"]["z"]["estimate"])
    assert row(found, site="13", measure="site")["estimate"] == pytest.approx(expected["yi"][12])


@pytest.mark.parametrize("measure", MEASURES)
def test_weights_by_persons_agree_with_metafor(analyse, reference, row, measure):
    keys = {"counts": COUNTS, "measure": MEASURES[measure], "site": "trial"}
    found = analyse(BCG, method="meta_analysis", pooling="persons", **keys)
    wanted = reference(EXPECTED)["persons"][measure]
    close(row(found, measure="pooled")["estimate"], wanted["estimate"])
    close(row(found, measure="pooled")["std_error"], wanted["se"])
    assert row(found, measure="prediction")["conf_low"] is None


def test_groups_of_sites_under_fixed_effects_agree_with_metafor(analyse, reference, row):
    keys = {"counts": COUNTS, "measure": "risk_ratio", "site": "trial", "by": "alloc"}
    found = analyse(BCG, method="meta_analysis", pooling="FE", **keys)
    wanted = reference(EXPECTED)["between_FE"]
    close(row(found, measure="Q_between")["statistic"], wanted["Q"])
    close(row(found, measure="Q_between")["p_value"], wanted["p"])
    assert row(found, measure="Q_between")["df"] == 2


def test_groups_of_sites_with_their_own_variance_agree_with_metafor(analyse, reference, row):
    keys = {"counts": COUNTS, "measure": "risk_ratio", "site": "trial", "by": "alloc"}
    found = analyse(BCG, method="meta_analysis", pooling="DL", **keys)
    wanted = reference(EXPECTED)["between_DL"]
    for group, estimate in wanted["estimate"].items():
        close(row(found, measure="pooled", subgroup=group)["estimate"], estimate)
    close(row(found, measure="Q_between")["statistic"], wanted["Q"])


@pytest.mark.parametrize("pooling", ["REML", "DL", "PM", "FE"])
@pytest.mark.parametrize(("test", "interval"), [("z", "normal"), ("knha", "hksj")])
def test_moderators_of_the_vaccine_trials_agree_with_metafor(analyse, reference, row, pooling, test, interval):
    keys = {"counts": COUNTS, "measure": "risk_ratio", "site": "trial", "moderators": ["ablat", "alloc"]}
    found = analyse(BCG, method="meta_regression", pooling=pooling, interval=interval, **keys)
    wanted = reference(EXPECTED)["regression"][test][pooling]
    relative = 1e-6 if pooling in ("DL", "FE") else 1e-4
    for place, name in enumerate(["intercept", "ablat", "alloc=random", "alloc=systematic"]):
        for field, key in (("estimate", "beta"), ("std_error", "se"), ("p_value", "p")):
            close(row(found, term=name)[field], wanted[key][place], relative)
    close(row(found, measure="tau2")["estimate"], wanted["tau2"], relative)
    close(row(found, measure="Q")["statistic"], wanted["QE"])
    close(row(found, measure="QM")["statistic"], wanted["QM"], relative)
    close(row(found, measure="QM")["p_value"], wanted["QMp"], relative)
    if pooling != "FE":
        close(row(found, measure="tau2")["conf_high"], wanted["tau2_high"], 1e-5)
        close(row(found, measure="I2")["estimate"], wanted["I2"], relative)


def test_moderators_may_stand_in_the_plan(analyse, reference, row):
    lists = {"estimate": Y, "std_error": SE}
    named = analyse(None, method="meta_regression", pooling="FE", **lists, moderators={"share": [1, 2, 3, 4]})
    bare = analyse(None, method="meta_regression", pooling="FE", **lists, moderators=[[1, 2, 3, 4]])
    assert row(named, term="share")["estimate"] == row(bare, term="moderator 1")["estimate"]


def test_estimates_that_hardly_differ_have_no_variance_between_sites(analyse, reference, row):
    given = {"estimate": [0.1, 0.12, 0.09, 0.11], "std_error": [v**0.5 for v in (0.04, 0.05, 0.03, 0.06)]}
    found = analyse(None, method="meta_analysis", pooling="REML", **given)
    assert row(found, measure="tau2")["estimate"] == 0.0
    close(row(found, measure="pooled")["std_error"], reference(EXPECTED)["alike"]["se"])


def test_an_empty_cell_gets_a_half_and_the_result_says_so(analyse, reference, row):
    counts = [[0, 4, 5], [20, 18, 20], [3, 6, 9], [17, 15, 17]]
    found = analyse(
        None, method="meta_analysis", counts=counts, measure="risk_ratio", pooling="DL", site=["a", "b", "c"]
    )
    wanted = reference(EXPECTED)["empty_cell"]
    close(row(found, measure="site", site="a")["estimate"], wanted["yi"][0])
    close(row(found, measure="pooled")["estimate"], wanted["estimate"])
    assert any("a half is added" in message and "a" in message for message in found["messages"])


@pytest.mark.parametrize(("se", "keys"), [("HC2", {}), ("CR2", {"cluster": "household"})])
def test_two_stages_agree_with_estimatr_and_metafor(analyse, reference, row, se, keys):
    found = analyse(CITIES, plan=PLAN, method="two_stage_meta", outcome="y", covariates=["x"], interval="hksj", **keys)
    for arm in "BC":
        wanted = reference(EXPECTED)["two_stage"][se][arm]
        for place, site in enumerate(wanted["sites"]):
            one = row(found, term=arm, measure="site", site=site)
            close(one["estimate"], wanted["y"][place])
            close(one["std_error"], wanted["s"][place])
        pooled = row(found, term=arm, measure="pooled")
        for name, key in (("estimate", "estimate"), ("std_error", "se"), ("conf_low", "low"), ("p_value", "p")):
            close(pooled[name], wanted[key], 1e-4)
        close(row(found, term=arm, measure="prediction")["conf_high"], wanted["pi_high"], 1e-4)
    assert found["details"]["sites_left_out"] == {"B": [], "C": ["Oss"]}
    assert set(found["details"]["weights"]["C"]) == {"Tilburg", "Nijmegen", "Groningen", "Deventer"}


def test_groups_of_cities_come_from_a_column(analyse, row):
    found = analyse(CITIES, plan=PLAN, method="two_stage_meta", outcome="y", pooling="FE", treatment="B", by="size")
    groups = [row(found, measure="pooled", subgroup=name) for name in ("large", "small")]
    w = [item["std_error"] ** -2 for item in groups]
    whole = row(found, measure="pooled", subgroup=None)
    assert whole["estimate"] == pytest.approx(sum(a * g["estimate"] for a, g in zip(w, groups, strict=True)) / sum(w))
    assert row(found, measure="Q_between")["df"] == 1


def test_few_sites_with_normal_limits_are_warned_of(analyse):
    found = analyse(None, method="meta_analysis", estimate=Y, std_error=SE, pooling="DL")
    assert any("`interval: hksj` is the safer choice" in message for message in found["messages"])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"estimate": [0.1], "std_error": [0.1]}, "one site cannot be pooled"),
        ({"estimate": Y, "std_error": SE[:3]}, "differ in length"),
        ({"estimate": Y, "std_error": [0.1, 0, 0.1, 0.1]}, "standard error above 0"),
        ({"estimate": Y, "std_error": SE, "pooling": "persons"}, "needs the persons"),
        ({"estimate": Y, "std_error": SE, "site": ["a", "b", "c"]}, "3 labels for 4"),
        ({"estimate": Y, "std_error": SE, "site": ["a", "b", "c", "a"]}, "two sites are called 'a'"),
        ({"estimate": Y, "std_error": SE, "by": ["x", "x", "x", "x"]}, "one group"),
        ({"estimate": Y}, "nothing to pool"),
        ({"counts": [[1, 0], [2, 0], [3, 1], [4, 1]]}, "arm of a site is empty"),
    ],
)
def test_what_cannot_be_pooled_is_refused_in_words(analyse, keys, words):
    data = {"y": [1.0]} if "std_error" not in keys and "counts" not in keys else None
    found = analyse(data, method="meta_analysis", **keys)
    assert words in found["refused"]
    assert found["rows"] == []


def test_collinear_moderators_are_named(analyse):
    lists = {"estimate": Y, "std_error": SE, "moderators": {"a": [1, 2, 3, 5], "b": [2, 4, 6, 10]}}
    assert "is a combination of" in analyse(None, method="meta_regression", **lists)["refused"]


def test_a_site_that_cannot_be_analysed_is_left_out_by_name(analyse, row):
    data = {
        "arm": ["A", "B"] * 12,
        "city": ["x"] * 8 + ["y"] * 8 + ["z"] * 8,
        "y": [1.0, 2, 3, 3, 2, 4, 1, 5, 2, 2, 4, 3, 3, 1, 2, 4, *[7.0] * 8],
    }
    found = analyse(data, plan=PLAN, method="two_stage_meta", outcome="y", pooling="FE")
    assert found["details"]["sites_left_out"] == {"B": ["z"]}
    assert any("'z' is left out" in message for message in found["messages"])


def test_the_fixed_effect_is_the_mean_by_inverse_variance(analyse, row):
    w = [1 / se**2 for se in SE]
    pooled = row(analyse(None, method="meta_analysis", estimate=Y, std_error=SE, pooling="FE"), measure="pooled")
    close(pooled["estimate"], sum(a * b for a, b in zip(w, Y, strict=True)) / sum(w), 1e-14)
    close(pooled["std_error"], sum(w) ** -0.5, 1e-14)


@pytest.mark.parametrize("pooling", ["FE", "DL", "PM", "REML", "ML", "HE", "SJ"])
def test_another_unit_and_another_order_change_nothing_else(analyse, row, pooling):
    keys = {"method": "meta_analysis", "pooling": pooling, "interval": "hksj"}
    one = analyse(None, **keys, estimate=Y, std_error=SE)
    turned = analyse(None, **keys, estimate=[10 * y for y in Y[::-1]], std_error=[10 * se for se in SE[::-1]])
    for field in ("estimate", "std_error", "conf_low", "conf_high"):
        close(row(turned, measure="pooled")[field], 10 * row(one, measure="pooled")[field], 1e-8)
    close(row(turned, measure="I2")["estimate"], row(one, measure="I2")["estimate"], 1e-8)
    close(row(turned, measure="tau2")["estimate"], 100 * row(one, measure="tau2")["estimate"], 1e-8)
