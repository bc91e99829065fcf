"""Effects of receipt against R (reference/compliance.R)."""

import pytest

PLAN = {"data": {"arm": "arm", "control": "A"}}
ARMS = pytest.mark.parametrize("arm", ["B", "C"])


def agrees(row, expected, relative=1e-6):
    assert expected
    for key, value in expected.items():
        assert row[key] == pytest.approx(value, rel=relative, abs=1e-12), key


@ARMS
@pytest.mark.parametrize("se", ["classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR2"])
def test_two_stage_least_squares(analyse, reference, row, arm, se):
    keys = {"outcome": "y", "received": "got", "covariates": ["x"], "cluster": "hh", "se": se}
    found = analyse("compliance.csv", plan=PLAN, method="iv_2sls", **keys)
    agrees(row(found, term=arm, measure="effect"), reference("compliance.json")[se][arm])


@ARMS
def test_first_stage_and_hausman(analyse, reference, row, arm):
    found = analyse("compliance.csv", plan=PLAN, method="iv_2sls", outcome="y", received="got", covariates=["x"])
    expected = reference("compliance.json")
    agrees(row(found, term=arm, measure="received"), expected["received"][arm])
    agrees(row(found, term=arm, measure="first_stage_F"), expected["first_F"][arm])
    agrees(row(found, term=arm, measure="wu_hausman_F"), expected["wu_hausman"][arm])


@ARMS
def test_wald_is_two_stage_least_squares_without_covariates(analyse, reference, row, arm):
    found = analyse("compliance.csv", plan=PLAN, method="wald_iv", outcome="y", received="got")
    agrees(row(found, term=arm, measure="effect"), reference("compliance.json")["wald"][arm])
    itt, share = (row(found, term=arm, measure=name)["estimate"] for name in ("itt", "received"))
    assert row(found, term=arm, measure="effect")["estimate"] == pytest.approx(itt / share)


@ARMS
def test_bloom_needs_a_control_arm_that_received_nothing(analyse, reference, row, arm):
    found = analyse("compliance.csv", plan=PLAN, method="bloom_att", outcome="y", received="one")
    agrees(row(found, term=arm, measure="effect"), reference("compliance.json")["bloom"][arm])
    refused = analyse("compliance.csv", plan=PLAN, method="bloom_att", outcome="y", received="got")
    assert "use `wald_iv`" in refused["refused"]


def test_a_weak_first_stage_points_to_the_anderson_rubin_interval(analyse):
    data = {"arm": list("AB") * 20, "d": [1, 0, 0, 1] * 10, "y": [float(i % 7) for i in range(40)]}
    data["d"][0] = 0
    found = analyse(data, plan=PLAN, method="iv_2sls", outcome="y", received="d")
    assert any("Anderson-Rubin" in message for message in found["messages"])
