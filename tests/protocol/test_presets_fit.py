"""The presets name what the other parts have: instruments, waves, scores, and an analysis plan that can be run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.plan_reading import plan_of
from analysis.estimators.run import run_file
from coaching.money.rulebook import rulebook
from surveys.instruments.loading import read_questionnaire
from trialmgr.core.documents import Document
from trialmgr.protocol.reading import load_protocol, preset_names
from trialmgr.protocol.schema import ScoreOutcome


@pytest.mark.parametrize("name", preset_names())
def test_the_waves_ask_what_the_questionnaire_holds(name):
    protocol = load_protocol(name)
    questionnaire, instruments = read_questionnaire(protocol.surveys.questionnaire)
    assert list(questionnaire.waves) == [wave.code for wave in protocol.waves]
    assert {given.code: given.version for given in protocol.instruments} == {
        code: instrument.version for code, instrument in instruments.items()
    }
    for wave in protocol.waves:
        asked = [block.instrument for _, _, block in questionnaire.blocks(wave.code)]
        assert list(wave.instruments) == asked
    for outcome in protocol.outcomes:
        if isinstance(outcome.measure, ScoreOutcome):
            scores = [score.id for score in instruments[outcome.measure.instrument].scores]
            assert outcome.measure.score_code in scores


@pytest.mark.parametrize("name", preset_names())
def test_the_analysis_plan_is_one_that_analyse_accepts(name):
    protocol = load_protocol(name)
    plan = plan_of(Document(Path("plan.yaml"), protocol.analysis.plan.as_data()))
    assert [item.id for item in plan.analyses] == [item.id for item in protocol.analysis.plan.analyses]


@pytest.mark.parametrize("name", preset_names())
def test_what_is_promised_is_what_the_money_rules_work_out(name):
    book = rulebook()
    promised = [given for arm in load_protocol(name).arms for given in arm.provisions]
    for given in (given for given in promised if given.kind == "disregard"):
        (version,) = next(rule for rule in book.regimes[given.money].rules if rule.id == given.money).versions
        assert (version.share * 100, version.cap) == (given.percent, given.monthly_cap)
        assert given.max_months <= version.months
    for given in (given for given in promised if given.kind == "bonus"):
        (version,) = book.bonuses[given.money].versions
        assert (version.ceiling, version.payments) == (given.yearly_max, given.payments_per_year)


def test_the_tilburg_plan_estimates_each_arm_against_control(tmp_path):
    protocol = load_protocol("tilburg")
    generator = np.random.default_rng(20180101)
    arms = [arm.code for arm in protocol.arms]
    people = pd.DataFrame(
        {
            "person": np.arange(160),
            "arm": np.tile(arms, 40),
            "household": np.arange(160) // 2,
            "stratum": np.repeat(["short/alone", "long/alone"], 80),
            "block": np.arange(160) // 8,
        }
    )
    for outcome in protocol.outcomes:
        people[outcome.code] = generator.integers(0, 2, 160)
    people.to_csv(tmp_path / "data.csv", index=False)
    plan = tmp_path / "plan.json"
    plan.write_text(pd.Series(protocol.analysis.plan.as_data()).to_json(), "utf-8")
    results = {result.id: result for result in run_file(plan, tmp_path / "data.csv").analyses}
    assert [result.id for result in results.values() if result.refused] == []
    means = people.groupby("arm")["exit_12"].mean()
    found = {row.term: row.estimate for row in results["exit_12"].rows}
    assert found == pytest.approx({arm: means[arm] - means["control"] for arm in arms if arm != "control"})
