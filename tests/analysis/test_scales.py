"""Reliability of scales against psych and lavaan (reference/scales/make.R), identities, and refusals."""

import numpy as np
import pytest

DATA = "scales/answers.csv"
EXPECTED = "scales/expected.json"
SCALE = {"items": ["q1", "q2", "q3", "q4", "q5"], "reverse": ["q3"], "range": [0, 6]}
ITEMS = SCALE["items"]


def close(value, wanted, relative=1e-6):
    assert value == pytest.approx(wanted, rel=relative)


def test_alpha_agrees_with_psych(analyse, reference, row):
    found, wanted = analyse(DATA, method="cronbach_alpha", **SCALE), reference(EXPECTED)
    alpha = row(found, term="alpha")
    close(alpha["estimate"], wanted["alpha"])
    close(alpha["conf_low"], wanted["low"])
    close(alpha["conf_high"], wanted["high"])
    close(row(found, term="alpha_standardised")["estimate"], wanted["standardised"])
    close(found["details"]["average_inter_item_r"], wanted["average_r"])
    for place, item in enumerate(ITEMS):
        close(row(found, term=item, measure="alpha_if_deleted")["estimate"], wanted["deleted"][place])
        close(row(found, term=item, measure="item_rest_r")["estimate"], wanted["rest_r"][place])
    assert alpha["n"] == found["n_used"] == wanted["n"]
    assert sum(part["n"] for part in found["dropped"]) == 3


def test_omega_agrees_with_lavaan(analyse, reference, row):
    found, wanted = analyse(DATA, method="omega", **SCALE), reference(EXPECTED)
    close(row(found, term="omega")["estimate"], wanted["omega"], 1e-5)
    close(row(found, term="omega_standardised")["estimate"], wanted["omega_standardised"], 1e-5)
    close(list(found["details"]["loadings"].values()), wanted["loadings"], 1e-4)


def test_a_forgotten_reverse_key_is_pointed_out(analyse):
    found = analyse(DATA, method="cronbach_alpha", items=ITEMS)
    assert any("'q3' goes against the others" in message for message in found["messages"])


def test_the_items_may_be_a_list_of_the_plan(analyse, row):
    plan = {"columns": {"scale": {"columns": ITEMS, "reverse": ["q3"], "range": [0, 6]}}}
    named = analyse(DATA, plan=plan, method="cronbach_alpha", items="scale")
    close(
        row(named, term="alpha")["estimate"],
        row(analyse(DATA, method="cronbach_alpha", **SCALE), term="alpha")["estimate"],
    )


def test_parallel_items_have_alpha_equal_to_omega_and_the_formula_of_spearman_and_brown(analyse, row):
    x = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) @ np.eye(3)
    f = np.repeat([1.0, -1.0], 4)[:, None]
    data = dict(zip("abc", (np.vstack([x, x]) + f).T, strict=True))
    alpha, omega = (analyse(data, method=name, items=list("abc")) for name in ("cronbach_alpha", "omega"))
    r = alpha["details"]["average_inter_item_r"]
    close(row(alpha, term="alpha")["estimate"], 3 * r / (1 + 2 * r), 1e-12)
    close(row(omega, term="omega")["estimate"], 3 * r / (1 + 2 * r))


@pytest.mark.parametrize(
    ("data", "keys", "words"),
    [
        ({"a": [1, 2, 3], "b": [1, 1, 1]}, {"items": ["a", "b"]}, "same answer (1) to the item 'b'"),
        ({"a": [1, 2, 3]}, {"items": ["a"]}, "at least two items"),
        ({"a": [1, 2, 3], "b": [1, 2, 9]}, {"items": ["a", "b"], "range": [0, 5]}, "outside its range"),
        ({"a": [1, 2, 3], "b": [1, 2, 2]}, {"items": ["a", "b"], "reverse": "c"}, "not among the items"),
        ({"a": [1, 2, 3], "b": [3, 2, 1]}, {"items": ["a", "b"]}, "does not vary"),
        ({"a": [1, None, 3], "b": [3, 2, None]}, {"items": ["a", "b"]}, "answered every item"),
    ],
)
def test_what_is_no_scale_is_refused_in_words(analyse, data, keys, words):
    data = {name: [np.nan if value is None else float(value) for value in values] for name, values in data.items()}
    assert words in analyse(data, method="cronbach_alpha", **keys)["refused"]


def test_two_items_have_no_single_factor(analyse):
    assert "three items" in analyse({"a": [1.0, 2, 3], "b": [1.0, 3, 2]}, method="omega", items=["a", "b"])["refused"]
