"""Interim looks against rpact (reference/sequential/make.R), published values, simulation, and refusals."""

import numpy as np
import pytest

from analysis.estimators.group_sequential import crossing
from trialmgr.core.errors import BadInput

EXPECTED = "sequential/expected.json"
SHAPES = ["obrien_fleming", "pocock", "spending_obrien_fleming", "spending_pocock"]
SIDES = {1: "one", 2: "two"}


def values(found, measure):
    assert found["refused"] is None, found["refused"]
    return [item["estimate"] for item in found["rows"] if item["measure"] == measure]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", range(4))
def test_boundaries_agree_with_rpact(analyse, reference, shape, case):
    wanted = reference(EXPECTED)[shape][case]
    keys = {"boundary": shape, "information": wanted["t"], "alpha": wanted["alpha"], "sided": SIDES[wanted["sided"]]}
    found = analyse(None, method="group_sequential", **keys)
    # rpact integrates with a fixed grid of 6 to 7 digits
    assert values(found, "z") == pytest.approx(wanted["z"], rel=1e-5)
    assert values(found, "nominal_p") == pytest.approx(wanted["p"], rel=1e-4)
    assert values(found, "alpha_spent") == pytest.approx(wanted["spent"], rel=1e-4)
    assert [item["at"] for item in found["rows"][::3]] == pytest.approx(wanted["t"])
    spent = analyse(None, method="spending", **keys)
    assert values(spent, "alpha_spent") == pytest.approx(wanted["spent"], rel=1e-4)


def test_the_published_values_of_lan_and_demets_at_thirds(analyse):
    found = analyse(None, method="group_sequential", boundary="spending_obrien_fleming", looks=3)
    assert [round(z, 4) for z in values(found, "z")] == [3.7103, 2.5114, 1.9930]
    assert [item["term"] for item in found["rows"]] == [str(look) for look in (1, 2, 3) for _ in range(3)]


def test_one_look_is_the_ordinary_test(analyse):
    for shape in SHAPES:
        found = analyse(None, method="group_sequential", boundary=shape, looks=1)
        assert values(found, "z") == pytest.approx([1.959963984540054], rel=1e-9)


def test_random_walks_cross_as_often_as_computed():
    z, t = (2.4, 2.2, 2.1, 2.0), (0.25, 0.45, 0.8, 1.0)
    rng = np.random.default_rng(7)
    steps = rng.normal(size=(400_000, 4)) * np.sqrt(np.diff(t, prepend=0.0))
    walk = steps.cumsum(axis=1) / np.sqrt(t)
    crossed = np.logical_or.accumulate(np.abs(walk) >= z, axis=1).mean(axis=0)
    assert crossing(z, t, True) == pytest.approx(crossed, abs=4 * 0.0003)


def test_conditional_power(analyse, reference):
    wanted = reference(EXPECTED)["conditional"]
    cases = {
        "trend": {"z": 1.5, "information": 0.5, "final_z": 1.96},
        "planned": {"z": 0.4, "information": 0.6, "final_z": 2.01, "drift": 3.24},
        "none": {"z": 2.2, "information": 0.4, "final_z": 1.96, "drift": 0},
    }
    for name, keys in cases.items():
        found = analyse(None, method="conditional_power", **keys)
        assert found["rows"][0]["term"] == "conditional_power"
        assert found["rows"][0]["estimate"] == pytest.approx(wanted[name], rel=1e-9)


def test_more_information_than_planned_spends_no_more_than_alpha(analyse):
    found = analyse(None, method="group_sequential", boundary="spending_pocock", information=[0.5, 1.1])
    assert values(found, "alpha_spent")[-1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    "keys", [{}, {"looks": 2, "information": [0.5, 1]}, {"information": [0.5, 0.5]}, {"information": [0, 1]}]
)
def test_looks_that_cannot_be_meant_are_faults_of_the_plan(analyse, keys):
    with pytest.raises(BadInput, match=r"looks|information"):
        analyse(None, method="group_sequential", boundary="pocock", **keys)


def test_a_look_after_all_alpha_is_spent_is_refused(analyse):
    found = analyse(None, method="group_sequential", boundary="spending_pocock", information=[0.5, 1.0, 1.2])
    assert "hardly any alpha is left" in found["refused"]
