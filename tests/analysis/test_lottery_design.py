"""Inference that draws again by the lottery's own design or record."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from analysis.estimators.run import run_file
from randomization.lottery.design import Design
from randomization.lottery.draw import commit, draw, freeze
from randomization.lottery.sequential import announce, close, reveal, seal

SECRET, BEACON = bytes(range(32)), "7:" + "ab" * 32
PLAN = {"data": {"arm": "arm", "control": "A", "id": "unit"}}
TEST = {"method": "randomization_test", "outcome": "y", "statistic": "difference"}
ROOT = Path(__file__).resolve().parents[2]
MINIMISED = {"method": "minimisation", "probability": "4/5", "factors": ({"column": "age"},)}


def people(design, n, strata=1, ages=False):
    """A drawn record, and data of its units with outcomes that the arm moves a little."""
    rows = [(f"u{i:03d}", f"s{i % strata}", *(["young", "old"][i % 3 == 0],) * ages) for i in range(n)]
    record = draw(commit(freeze(rows, design), SECRET), SECRET, BEACON)
    return record, outcomes(record.result)


def outcomes(result):
    noise = np.random.default_rng(4).normal(size=len(result)).round(3)
    units, strata, arms = (list(column) for column in zip(*result, strict=True))
    y = [float(value + 0.5 * (arm == "B")) for value, arm in zip(noise, arms, strict=True)]
    age = ["old" if int(unit[1:]) % 3 == 0 else "young" for unit in units]
    return {"unit": units, "s": strata, "arm": arms, "y": y, "age": age}


@pytest.fixture
def by(tmp_path, analyse):
    """`by(record or design, data, ...)`: the analysis with that lottery in a file."""

    def one(lottery, data, *, design=None, **keys):
        is_design = isinstance(lottery, Design)
        file = tmp_path / ("design.yaml" if is_design else "record.json")
        file.write_text(lottery.to_yaml() if is_design else lottery.to_json())
        lottery_keys = {"method": "lottery", "file": str(file), **(design or {})}
        return analyse(data, plan=PLAN, design=lottery_keys, **{**TEST, **keys})

    return one


def test_a_small_list_is_gone_through_and_agrees_with_counting_by_hand(by, row):
    record, data = people(Design(arms=("A", "B"), method="complete"), 8)
    y, treated = np.array(data["y"]), np.array(data["arm"]) == "B"
    gaps = [y[list(c)].mean() - np.delete(y, c).mean() for c in combinations(range(8), 4)]
    seen = y[treated].mean() - y[~treated].mean()
    p = np.mean(np.abs(gaps) >= abs(seen) - 1e-9)
    for lottery in (record, Design(arms=("A", "B"), method="complete")):
        found = by(lottery, data)
        assert found["details"]["null"][0]["assignments"] == 70
        assert row(found, term="B")["p_value"] == pytest.approx(p)


def test_the_rule_of_balance_is_kept_when_a_small_list_is_gone_through(by, row):
    rule = {"tolerances": ({"column": "x", "max_difference": "1"},)}
    design = Design(arms=("A", "B"), method="complete", balance=rule)
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    data = {"unit": [f"u{i}" for i in range(8)], "arm": list("ABABBAAB"), "x": x.tolist()}
    data["y"] = [3.0, 5, 1, 7, 6, 2, 4, 9]
    gap = lambda z, v: v[list(z)].mean() - np.delete(v, z).mean()  # noqa: E731
    kept = [z for z in combinations(range(8), 4) if abs(gap(z, x)) <= 1]
    gaps = [gap(z, np.array(data["y"])) for z in kept]
    p = np.mean(np.abs(gaps) >= abs(gap((1, 3, 4, 7), np.array(data["y"]))) - 1e-9)
    assert 0 < len(kept) < 70
    for hypothesis in ("pairwise", "complete"):
        found = by(design, data, hypothesis=hypothesis, draws=100)
        assert found["details"]["null"][0]["assignments"] == len(kept)
        assert row(found, term="B")["p_value"] == pytest.approx(p)
    drawn = by(design, data, hypothesis="complete", draws=60)
    assert drawn["details"]["null"][0]["draws"] == 60


@pytest.mark.parametrize("hypothesis", ["pairwise", "complete"])
@pytest.mark.parametrize("method", ["randomization_test", "randomization_interval", "romano_wolf"])
def test_the_lottery_agrees_with_the_built_in_design(by, analyse, row, method, hypothesis):
    """Two sets of 9,999 draws: p-values differ by at most five times the error of drawing."""
    record, data = people(Design(arms=("A", "B", "C"), method="complete"), 60, strata=2)
    keys = {**TEST, "method": method, "hypothesis": hypothesis, "seed": 5}
    built_in = analyse(data, plan=PLAN, **keys, design={"strata": "s"})
    for lottery, design in ((record, {}), (Design.from_params(record.params), {"strata": "s"})):
        found = by(lottery, data, **keys, design=design)
        for arm in "BC":
            one, two = row(found, term=arm), row(built_in, term=arm)
            assert one["estimate"] == pytest.approx(two["estimate"])
            if method == "randomization_interval":
                assert one["conf_low"] == pytest.approx(two["conf_low"], abs=0.05)
                assert one["conf_high"] == pytest.approx(two["conf_high"], abs=0.05)
            else:
                p = two["p_value"]
                assert one["p_value"] == pytest.approx(p, abs=5 * (2 * p * (1 - p) / 9999) ** 0.5 + 1e-3)


def test_blocks_that_were_given_in_turn_agree_with_the_built_in_blocks(by, analyse, row):
    design = Design(arms=("A", "B", "C"), method="blocks", mode="sequential", multipliers=(2,))
    record = seal(announce({"s0": 60}, design, SECRET), SECRET, BEACON)
    for place in range(36):
        record, _ = reveal(record, SECRET, unit=f"u{(place * 7) % 36:03d}", stratum="s0")
    data = outcomes([(unit, stratum, arm) for stratum, _, unit, arm, _ in record.revealed])
    data["block"] = [place // 6 for place in range(36)]
    for hypothesis, lottery in (("pairwise", record), ("complete", close(record, SECRET))):
        keys = {"hypothesis": hypothesis, "seed": 3}
        built_in = analyse(data, plan=PLAN, **TEST, **keys, design={"method": "blocks", "block": "block"})
        found = by(lottery, data, **keys)
        for arm in "BC":
            p = row(built_in, term=arm)["p_value"]
            assert row(found, term=arm)["p_value"] == pytest.approx(p, abs=5 * (2 * p * (1 - p) / 9999) ** 0.5 + 1e-3)


def test_a_coin_for_each_unit_agrees_with_counting_all_throws(by, row):
    """2^10 throws, equally likely; those with an empty arm have no difference and are not further out."""
    record, data = people(Design(arms=("A", "B"), method="simple"), 10)
    y, treated = np.array(data["y"]), np.array(data["arm"]) == "B"
    throws = np.array(list(product([False, True], repeat=10)))[1:-1]
    gaps = np.array([y[z].mean() - y[~z].mean() for z in throws])
    p = (np.abs(gaps) >= abs(y[treated].mean() - y[~treated].mean()) - 1e-9).sum() / 2**10
    found = row(by(record, data), term="B")["p_value"]
    assert found == pytest.approx(p, abs=5 * (p * (1 - p) / 9999) ** 0.5)


@pytest.mark.parametrize("keys", [{"method": "coin", "probability": "2/3"}, MINIMISED])
def test_a_record_and_its_design_give_the_same_p(by, row, keys):
    design = Design(arms=("A", "B"), **keys)
    record, data = people(design, 30, ages="factors" in keys)
    one, two = (row(by(lottery, data, draws=4999), term="B")["p_value"] for lottery in (record, design))
    assert 0 < one < 1
    assert one == pytest.approx(two, abs=5 * (2 * one * (1 - one) / 4999) ** 0.5)


def test_minimisation_draws_again_with_its_factors_in_balance(by):
    """The outcome is the factor itself, which minimisation keeps alike: its differences are those of few persons."""
    spread = {}
    for name, keys in (("minimisation", MINIMISED), ("complete", {"method": "complete"})):
        record, data = people(Design(arms=("A", "B"), **keys), 30, ages=name == "minimisation")
        data["y"] = [float(age == "old") for age in data["age"]]
        found = by(record, data, draws=1999)["details"]["null"][0]
        assert found["draws"] == 1999
        spread[name] = found["sd"]
    assert spread["complete"] == pytest.approx((10 / 30 * 20 / 30 * (30 / 29) * (4 / 30)) ** 0.5, rel=0.1)
    assert spread["minimisation"] < 0.6 * spread["complete"]


def test_numbers_that_differ_between_draws_are_redrawn_too(by):
    """With a coin for each of 30 units 10 (B - A) / 30 / (1/2) has the spread 20 sqrt(30) / 30."""
    record, data = people(Design(arms=("A", "B"), method="simple"), 30)
    data["y"] = [10.0 + 0.001 * place for place in range(30)]
    found = by(record, data, statistic="horvitz_thompson")["details"]["null"][0]
    assert found["sd"] == pytest.approx(20 / 30**0.5, rel=0.05)


def test_chances_of_a_lottery_are_counted_over_its_draws(by, row):
    record, data = people(Design(arms=("A", "B"), ratio=(2, 1), method="simple"), 30)
    found = by(record, data, statistic="horvitz_thompson")
    y, treated = np.array(data["y"]), np.array(data["arm"]) == "B"
    wanted = (y[treated].sum() * 3 - y[~treated].sum() * 1.5) / 30
    assert row(found, term="B")["estimate"] == pytest.approx(wanted, rel=0.1)


def test_people_who_are_not_in_the_data_are_drawn_too(by, row):
    record, data = people(Design(arms=("A", "B", "C"), method="complete"), 30)
    some = {name: values[:-3] for name, values in data.items()}
    for hypothesis in ("pairwise", "complete"):
        found = by(record, some, hypothesis=hypothesis, draws=99)
        assert found["details"]["null"][0]["draws"] == 99
        assert row(found, term="B")["n"] == sum(arm != "C" for arm in some["arm"])


def test_two_arms_cannot_be_exchanged_when_minimisation_fixed_the_third(by):
    record, data = people(Design(arms=("A", "B", "C"), **MINIMISED), 30, ages=True)
    assert by(record, data, draws=99)["refused"].endswith("choose `hypothesis: complete`")
    assert by(record, data, draws=99, hypothesis="complete")["refused"] is None
    refused = by(record, data, hypothesis="complete", enumerate=True)["refused"]
    assert refused == "the draws of this lottery are not equally likely; leave `enumerate` out"


def test_a_lottery_that_does_not_fit_the_data_is_refused_in_a_sentence(by):
    design = Design(arms=("A", "B"), method="complete")
    record, data = people(design, 8)
    undrawn = commit(freeze(record.units, design), SECRET)
    assert "has not been drawn" in by(undrawn, data)["refused"]
    assert "has no unit 'u900'" in by(record, {**data, "unit": ["u900", *data["unit"][1:]]})["refused"]
    other = {**data, "arm": [{"A": "A", "B": "Z"}[arm] for arm in data["arm"]]}
    assert "the lottery has the arms A, B, and the data have A, Z" in by(record, other)["refused"]
    turned = {**data, "arm": [{"A": "B", "B": "A"}[arm] for arm in data["arm"]]}
    assert "by the record" in by(record, turned)["refused"]
    uneven = {**data, "arm": ["A", *"BBBBBBB"]}
    assert "cannot have come from this lottery" in by(design, uneven)["refused"]
    sequential = Design(arms=("A", "B"), method="blocks", mode="sequential")
    assert "give the record, which knows the order" in by(sequential, data)["refused"]


def test_minimisation_without_chance_is_refused(tmp_path, analyse):
    file = tmp_path / "design.yaml"
    file.write_text("arms: [A, B]\nmethod: minimisation\nprobability: 1\nfactors: [{column: age}]\n")
    _, data = people(Design(arms=("A", "B"), method="complete"), 8)
    found = analyse(data, plan=PLAN, design={"method": "lottery", "file": str(file)}, **TEST)
    assert "with 1 the next arm could be predicted" in found["refused"]


def test_a_file_that_is_no_lottery_is_refused(tmp_path, analyse):
    _, data = people(Design(arms=("A", "B"), method="complete"), 8)
    for name in ("record.json", "design.yaml"):
        found = analyse(data, plan=PLAN, design={"method": "lottery", "file": str(tmp_path / name)}, **TEST)
        assert "the lottery cannot be drawn again" in found["refused"]
        assert "internal fault" not in found["refused"]


def test_the_example_of_the_documentation_runs():
    folder = ROOT / "docs" / "examples" / "analysis"
    results = run_file(folder / "lottery.yaml", folder / "lottery.csv")
    assert [item.refused for item in results.analyses] == [None, None]
    assert (folder / "lottery-record.json").name in (ROOT / "docs/methods/redrawing-and-multiplicity.md").read_text()
