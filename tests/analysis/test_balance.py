"""Balance of covariates against R (reference/balance/make.R), enumeration, and refusals."""

from itertools import combinations

import numpy as np
import pytest

DATA = "balance/people.csv"
EXPECTED = "balance/expected.json"
PLAN = {"data": {"id": "person", "arm": "arm", "control": "A"}}
NUMBERS = ["age", "woman", "wb0"]


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


def test_the_table_has_means_spreads_and_standardised_differences(analyse, reference, row):
    found = analyse(DATA, plan=PLAN, method="balance_table", covariates=[*NUMBERS, "school"])
    expected = reference(EXPECTED)
    for arm in "BC":
        for name, smd in expected["smd"][arm].items():
            close(row(found, term=arm, measure="smd", outcome=name)["estimate"], smd)
    close(row(found, term="B", measure="mean", outcome="age")["estimate"], expected["moments"]["mean"])
    close(row(found, term="B", measure="sd", outcome="age")["estimate"], expected["moments"]["sd"])
    assert row(found, term="A", measure="mean", outcome="school=high")["n"] == 60
    assert all(item["p_value"] is None for item in found["rows"])


def test_differences_that_stand_out_are_marked(analyse, row):
    data = {"arm": ["A"] * 4 + ["B"] * 4, "x": [1.0, 2, 3, 4, 2, 3, 4, 6]}
    assert (
        row(analyse(data, plan=PLAN, method="balance_table", covariates=["x"]), measure="smd")["note"]
        == "larger than 0.25"
    )


@pytest.mark.parametrize(("keys", "name"), [({}, "pair"), ({"strata": "city"}, "strata")])
def test_the_distance_of_two_arms_is_that_of_hansen_and_bowers(analyse, reference, row, keys, name):
    found = analyse(DATA, plan=PLAN, method="balance_omnibus", covariates=NUMBERS, treatment="B", **keys)
    joint = row(found, term="joint", measure="chi2")
    close(joint["statistic"], reference(EXPECTED)[name]["d2"])
    assert joint["df"] == 3
    if name == "pair":
        close(joint["p_value"], reference(EXPECTED)[name]["p"])


@pytest.mark.parametrize(("keys", "name"), [({}, "three_F"), ({"strata": "city"}, "three_F_strata")])
def test_the_f_of_three_arms_is_that_of_pillai(analyse, reference, row, keys, name):
    joint = row(analyse(DATA, plan=PLAN, method="balance_omnibus", covariates=NUMBERS, test="F", **keys), measure="F")
    wanted = reference(EXPECTED)[name]
    for field, key in (("statistic", "F"), ("df", "df"), ("df2", "df2"), ("p_value", "p")):
        close(joint[field], wanted[key])


def test_the_f_of_two_arms_is_that_of_a_regression(analyse, reference, row):
    keys = {"covariates": NUMBERS, "test": "F", "treatment": "B"}
    joint = row(analyse(DATA, plan=PLAN, method="balance_omnibus", **keys), measure="F")
    close(joint["statistic"], reference(EXPECTED)["pair_F"]["F"])
    assert joint["df2"] == reference(EXPECTED)["pair_F"]["df2"]


def test_the_distance_of_three_arms_and_of_households(analyse, reference, row):
    expected = reference(EXPECTED)
    three = row(analyse(DATA, plan=PLAN, method="balance_omnibus", covariates=NUMBERS), measure="chi2")
    close(three["statistic"], expected["three_d2"])
    assert three["df"] == 6
    keys = {"arm": "arm2", "cluster": "household", "covariates": ["age", "wb0"]}
    close(
        row(analyse(DATA, plan=PLAN, method="balance_omnibus", **keys), measure="chi2")["statistic"],
        expected["clusters"],
    )


def test_drawing_again_is_enumeration_for_a_small_lottery(analyse, row):
    x = np.array([1.0, 4, 2, 8, 5, 7, 3, 9])
    data = {"arm": list("AABBABBA"), "x": x}
    found = analyse(data, plan=PLAN, method="balance_omnibus", covariates=["x"], test="randomization")
    seen = abs(x[[2, 3, 5, 6]].mean() - x[[0, 1, 4, 7]].mean())
    every = [abs(2 * x[list(part)].mean() - x.mean() * 2) for part in combinations(range(8), 4)]
    wanted = np.mean(np.array(every) >= seen - 1e-9)
    close(row(found, term="joint")["p_value"], wanted, 1e-12)
    assert found["details"]["draws"] == 70


def test_a_broken_lottery_raises_the_alarm(analyse):
    data = {"arm": ["A"] * 40 + ["B"] * 40, "x": np.arange(80.0)}
    found = analyse(data, plan=PLAN, method="balance_omnibus", covariates=["x"])
    assert any("have the draw audited" in message for message in found["messages"])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "names no covariates"),
        ({"covariates": ["age", {"column": "age", "minus": "age"}]}, "is 0 in all rows"),
        ({"covariates": ["age"], "cluster": "household"}, "in another arm than the rest of its unit"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(analyse, keys, words):
    assert words in analyse(DATA, plan=PLAN, method="balance_omnibus", **keys)["refused"]


def test_neither_the_unit_of_a_covariate_nor_the_order_of_rows_matters(analyse, row):
    rng = np.random.default_rng(8)
    data = {"arm": rng.choice(list("ABC"), 90), "x": rng.normal(size=90), "z": rng.normal(size=90)}
    order = rng.permutation(90)
    turned = {"arm": data["arm"][order], "x": (30 * data["x"] - 7)[order], "z": (data["z"] + data["x"])[order]}
    for test, measure in (("chi_square", "chi2"), ("F", "F")):
        keys = {"plan": PLAN, "method": "balance_omnibus", "covariates": ["x", "z"], "test": test}
        one, other = (row(analyse(columns, **keys), measure=measure)["statistic"] for columns in (data, turned))
        close(other, one, 1e-10)


def test_other_names_of_two_arms_turn_the_differences_around(analyse, row):
    data = {"arm": list("AABBABBA"), "x": [1.0, 4, 2, 8, 5, 7, 3, 9]}
    keys = {"method": "balance_table", "covariates": ["x"]}
    one = row(analyse(data, plan=PLAN, **keys), term="B", measure="smd")["estimate"]
    other = row(analyse(data, plan={"data": {"arm": "arm", "control": "B"}}, **keys), term="A", measure="smd")[
        "estimate"
    ]
    close(other, -one, 1e-12)
