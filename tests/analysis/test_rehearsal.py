"""Rehearsal: the simulated trials are as described, the plan's performance is what theory says, seeds decide all."""

import json
import math
from collections import Counter
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from django.core.management import call_command

from analysis.estimators.plan_reading import plan_of
from analysis.estimators.rehearsal.description import Description, read_description
from analysis.estimators.rehearsal.rehearse import draw_of, rehearse
from analysis.estimators.rehearsal.simulate import simulate
from trialmgr.core.documents import parse_document
from trialmgr.core.errors import BadInput

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "rehearsal"
DATA = {"id": "person", "arm": "arm", "control": "A", "cluster": "household"}


def world(**changes):
    base = {
        "persons": 200,
        "arms": ["A", "B"],
        "control": "A",
        "waves": {"names": ["wb0", "wb2"], "sd": 2, "correlation": 0.6, "effects": {"B": [0, 0.5]}},
    }
    return Description.model_validate(base | changes)


def plan(*analyses, **more):
    whole = {"data": DATA, "analyses": list(analyses), **more}
    return plan_of(parse_document(yaml.safe_dump(whole), Path("plan.yaml")))


def of(found, analysis, term="B", **wanted):
    rows = [row for row in found.rows if row.analysis == analysis and row.term == term]
    rows = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
    assert len(rows) == 1
    return rows[0]


@pytest.fixture(scope="module")
def large():
    return simulate(
        read_description(EXAMPLES / "city.yaml").model_copy(update={"persons": 200_000}), np.random.default_rng(4)
    )


def test_couples_share_one_arm_and_are_alike_as_described(large):
    size = Counter(large["household"])
    arm = dict(zip(large["household"], large["arm"], strict=True))
    assert all(arm[h] == a for h, a in zip(large["household"], large["arm"], strict=True))
    assert Counter(size.values())[2] / len(size) == pytest.approx(0.3, abs=0.005)
    first = {h: k for k, h in reversed(list(enumerate(large["household"])))}
    pairs = [(first[h], k) for k, h in enumerate(large["household"]) if first[h] != k]
    wb0 = large["wb0"] - np.where(np.array(large["stratum"]) == "long", -0.5, 0)
    one, two = np.array(pairs).T
    assert np.corrcoef(wb0[one], wb0[two])[0, 1] == pytest.approx(0.3, abs=0.015)


def test_waves_effects_and_attrition_are_as_described(large):
    arm = np.array(large["arm"])
    means = {(a, w): np.nanmean(large[w][arm == a]) for a in "ABC" for w in ("wb0", "wb1", "wb2")}
    both = ~np.isnan(large["wb1"])
    assert np.corrcoef(large["wb0"][both], large["wb1"][both])[0, 1] == pytest.approx(0.6, abs=0.015)
    assert means["B", "wb0"] - means["A", "wb0"] == pytest.approx(0, abs=0.03)
    assert np.isnan(large["wb1"][arm == "A"]).mean() == pytest.approx(0.20, abs=0.015)
    assert not (np.isnan(large["wb1"]) & ~np.isnan(large["wb2"])).any()
    assert large["received"][arm == "B"].mean() == pytest.approx(0.8, abs=0.01)


def test_exits_follow_the_exponential_law_of_competing_causes(large):
    arm, cause, day = np.array(large["arm"]), np.array(large["exit_cause"]), large["exit_day"]
    for name, ratio in (("A", 1.0), ("B", 1.4)):
        work, other = 0.15 * ratio / 365.25, 0.08 / 365.25
        wanted = work / (work + other) * (1 - math.exp(-(work + other) * 365))
        seen = ((cause == "work") & (day <= 365))[arm == name].mean()
        assert seen == pytest.approx(wanted, abs=0.005)


def test_blocks_keep_the_ratio_within_each_stratum(large):
    units = {h: (b, a) for h, b, a in zip(large["household"], large["block"], large["arm"], strict=True)}
    per_block = Counter(units.values())
    complete = [block for block, n in Counter(b for b, _ in units.values()).items() if n == 4]
    assert all((per_block[b, "A"], per_block[b, "B"], per_block[b, "C"]) == (2, 1, 1) for b in complete)
    assert len(complete) > 1000


def test_power_bias_and_coverage_are_those_of_theory():
    found = rehearse(world(), plan({"id": "raw", "method": "ols", "outcome": "wb2"}), draws=200, seed=3, cores=1)
    row = of(found, "raw")
    se = 2 * math.sqrt(2 / 100)
    power = 0.5 * math.erfc((1.96 - 0.5 / se) / math.sqrt(2))
    assert row.truth == 0.5
    assert abs(row.bias) < 4 * row.bias_error
    assert abs(row.coverage - 0.95) < 4 * 0.0154
    assert abs(row.power - power) < 4 * math.sqrt(power * (1 - power) / 200)
    assert row.mean_std_error == pytest.approx(se, rel=0.02)
    assert row.detectable == pytest.approx(2.8016 * row.mean_std_error, rel=1e-4)
    assert row.draws == 200


def test_answers_that_depend_on_what_is_measured_bias_the_complete_cases():
    missing = {"missing": {"wb2": {"A": 0.05, "B": 0.5}}, "slope": -1.5}
    analyses = [
        {"id": "raw", "method": "ols", "outcome": "wb2"},
        {"id": "adjusted", "method": "ols", "outcome": "wb2", "covariates": ["wb0"]},
    ]
    found = rehearse(world(attrition=missing), plan(*analyses), draws=120, seed=1, cores=1)
    raw, adjusted = of(found, "raw"), of(found, "adjusted")
    assert raw.bias > 8 * raw.bias_error
    assert abs(adjusted.bias) < 4 * adjusted.bias_error
    assert raw.coverage < 0.9 < adjusted.coverage


def test_the_number_of_cores_changes_nothing():
    wanted = plan({"id": "raw", "method": "ols", "outcome": "wb2"})
    told = []
    one = rehearse(world(), wanted, draws=45, seed=9, cores=1, progress=told.append)
    assert one == rehearse(world(), wanted, draws=45, seed=9, cores=2)
    assert one != rehearse(world(), wanted, draws=45, seed=10, cores=1)
    assert told == ["20 of 45 trials", "40 of 45 trials", "45 of 45 trials"]
    assert (one.seed, one.draws) == (9, 45)


def test_a_draw_can_be_made_again_by_its_number():
    one, same, other = (draw_of(world(), 5, number).column("wb2").numbers() for number in (3, 3, 4))
    assert (one == same).all()
    assert not (one == other).all()


def test_refusals_are_counted_with_their_reason():
    found = rehearse(world(), plan({"id": "none", "method": "ols", "outcome": "zzz"}), draws=5, cores=1)
    assert list(found.refused["none"].values()) == [5]
    assert found.rows == ()


def test_the_command_writes_what_the_plan_can_find(tmp_path):
    told, out = StringIO(), tmp_path / "out.json"
    files = [str(EXAMPLES / "city.yaml"), str(EXAMPLES / "plan.yaml")]
    call_command("rehearse", *files, draws=3, cores=1, out=out, stderr=told)
    found = json.loads(out.read_text())
    assert {row["analysis"] for row in found["rows"]} >= {"wellbeing", "work", "months", "received"}
    assert "3 of 3 trials" in told.getvalue()
    call_command("rehearse", files[0], one=tmp_path / "one.csv")
    assert len((tmp_path / "one.csv").read_text().splitlines()) == 401


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("control: Z", "which is not an arm"),
        ("ratio: [1]", "another length than `arms`"),
        ("received: {Q: 1}", "names the arm 'Q'"),
        ("waves: {names: [a, b], effects: {B: [1]}}", "1 effects of 'B' for 2 waves"),
        ("attrition: {missing: {w: {A: 0.1}}}", "not measured"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused_with_its_line(tmp_path, changes, words):
    text = {"persons": "100", "arms": "[A, B]", "control": "A"} | dict([changes.split(": ", 1)])
    path = tmp_path / "world.yaml"
    path.write_text("\n".join(f"{key}: {value}" for key, value in text.items()))
    with pytest.raises(BadInput) as caught:
        read_description(path)
    assert words in str(caught.value)
    assert "world.yaml:" in str(caught.value)
