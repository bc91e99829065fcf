"""Item statistics and reliability, against R (oracles/reliability.R)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surveys.instruments.loading import load_instrument
from surveys.instruments.reliability import cronbach, feldt, omega
from surveys.instruments.schema import Instrument
from surveys.instruments.statistics import as_table, describe

ORACLES = Path(__file__).parent / "oracles"
REFERENCE = json.loads((ORACLES / "reliability.json").read_text("utf-8"))
KEYED = ("no_way", "pushed", "control", "can_do", "helpless", "future", "change")


def mastery(**changes):
    data = load_instrument("mastery4").model_dump(by_alias=True)
    data["items"] = [item | changes.get(item["code"], {}) for item in data["items"]]
    return Instrument.model_validate(data)


def in_r_order(one):
    by_code = {item.code: item for item in one.items}
    return [by_code[f"mastery4_{name}"] for name in KEYED]


@pytest.mark.parametrize("case", ["turned", "forgotten"])
def test_reliability_agrees_with_r(case):
    answers = pd.read_csv(ORACLES / "reliability.csv")
    wrong_way = {"mastery4_can_do": {"reverse": True}} if case == "forgotten" else {}
    (one,) = describe(mastery(**wrong_way), answers)
    expected, found = REFERENCE[case], one.reliability
    assert found.n == expected["n"]
    for name in ("alpha", "alpha_low", "alpha_high", "alpha_standardised", "average_r"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=1e-10), name
    assert found.omega == pytest.approx(expected["omega"], abs=1e-5)  # lavaan stops its search at about 1e-6
    items = in_r_order(one)
    assert [item.item_rest for item in items] == pytest.approx(expected["item_rest"], abs=1e-10)
    assert [item.alpha_if_deleted for item in items] == pytest.approx(expected["alpha_if_deleted"], abs=1e-10)


def test_means_and_deviations_agree_with_r_on_complete_cases():
    answers = pd.read_csv(ORACLES / "reliability.csv").dropna()
    (one,) = describe(mastery(), answers)
    items = in_r_order(one)
    assert [item.values.mean for item in items] == pytest.approx(REFERENCE["turned"]["mean"], abs=1e-10)
    assert [item.values.sd for item in items] == pytest.approx(REFERENCE["turned"]["sd"], abs=1e-10)


def test_a_forgotten_reversal_is_warned_of_by_item():
    answers = pd.read_csv(ORACLES / "reliability.csv")
    (right,) = describe(mastery(), answers)
    assert not [warning for warning in right.warnings() if "goes against" in warning]
    (wrong,) = describe(mastery(mastery4_can_do={"reverse": True}), answers)
    (warning,) = [warning for warning in wrong.warnings() if "goes against" in warning]
    assert "mastery4_can_do" in warning
    assert "-0.37" in warning


def test_alpha_of_a_small_table_by_hand():
    # two items, three persons: (1,2) (2,2) (3,5): variances 1 and 3, covariance 1.5, total 7; alpha = 2 x (1 - 4/7)
    assert cronbach(np.array([[1.0, 1.5], [1.5, 3.0]])) == pytest.approx(6 / 7)
    low, high = feldt(0.8, 50, 5)
    assert low < 0.8 < high


def test_omega_of_an_exact_one_factor_matrix_is_exact():
    loadings = np.array([0.8, 0.7, 0.6, 0.5])
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1)
    spread = np.array([1.0, 2.0, 0.5, 3.0])
    common = (loadings @ spread) ** 2
    exact = common / (common + ((1 - loadings**2) * spread**2).sum())
    assert omega(correlation, spread) == pytest.approx(exact, abs=1e-9)


def test_reliability_that_cannot_be_computed_is_missing_not_wrong():
    same = pd.DataFrame({item.code: [2, 2, 2] for item in load_instrument("mastery4").items})
    (one,) = describe(load_instrument("mastery4"), same)
    assert np.isnan(one.reliability.alpha)
    assert np.isnan(one.reliability.omega)
    (nobody,) = describe(load_instrument("mastery4"), same.iloc[:0])
    assert (nobody.persons, nobody.values.n, nobody.reliability.n) == (0, 0, 0)


def test_missing_answers_are_told_apart():
    answers = pd.DataFrame({"work_paid": [1, 1, 0, None, 1, 1], "work_hours_week": [20, None, None, None, -8, 400]})
    hours = next(one for one in describe(load_instrument("work"), answers) if one.score == "work_hours")
    item = hours.items[0]
    assert (item.values.n, item.not_asked, item.empty, item.dont_know, item.wont_say, item.wrong) == (2, 1, 2, 1, 0, 1)
    assert hours.missing == 4


def test_floor_and_ceiling_count_the_ends_of_the_possible_range():
    answers = pd.DataFrame({"life_grade": [1, 10, 10, 5, None]})
    (one,) = describe(load_instrument("life_satisfaction"), answers)
    assert (one.values.floor, one.values.ceiling, one.missing) == (0.25, 0.5, 1)
    assert any("50% of persons have the highest possible score" in warning for warning in one.warnings())


def test_the_table_has_a_row_per_score_and_a_row_per_item_of_a_scale():
    table = as_table(describe(load_instrument("mastery4"), pd.read_csv(ORACLES / "reliability.csv")))
    assert list(table["item"]) == ["", *(item.code for item in load_instrument("mastery4").items)]
    assert table["alpha"].notna().sum() == 1
    assert table.loc[0, "persons"] == 240


def test_statistics_do_not_depend_on_how_answers_are_sliced(monkeypatch):
    answers = pd.read_csv(ORACLES / "reliability.csv")
    whole = as_table(describe(load_instrument("mastery4"), answers))
    monkeypatch.setattr("surveys.instruments.statistics.SLICE", 17)
    pd.testing.assert_frame_equal(as_table(describe(load_instrument("mastery4"), answers)), whole)
