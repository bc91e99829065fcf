"""The instruments that ship: their terms, their words, and a worked example for every branch of every rule."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from surveys.instruments.loading import PACKS, load_instrument, pack_ids
from surveys.instruments.scoring import answers_frame, score

EXAMPLES = Path(__file__).parent / "examples"


def worked_examples():
    for path in sorted(EXAMPLES.glob("*.yaml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        for block in data if isinstance(data, list) else [data]:
            for example in block["examples"]:
                yield pytest.param(block["instrument"], example, id=f"{block['instrument']}: {example['name']}")


@pytest.mark.parametrize(("name", "example"), list(worked_examples()))
def test_worked_example(name, example):
    instrument = load_instrument(name)
    values = score(instrument, answers_frame([instrument], [example["answers"]])).values.iloc[0]
    for column, expected in example["scores"].items():
        if expected is None:
            assert pd.isna(values[column]), column
        elif isinstance(expected, str):
            assert values[column] == expected, column
        else:
            assert values[column] == pytest.approx(expected, abs=1e-12), column


def test_every_pack_and_every_score_has_a_worked_example():
    shown = {(case.values[0], column) for case in worked_examples() for column in case.values[1]["scores"]}
    for name in pack_ids():
        for one in load_instrument(name).scores:
            assert (name, one.id) in shown


@pytest.mark.parametrize("name", pack_ids())
def test_every_pack_states_its_terms_and_where_its_words_and_rules_come_from(name):
    instrument = load_instrument(name)
    assert instrument.id == name
    assert instrument.licence.terms
    assert instrument.source
    assert set(instrument.wording) == (set(instrument.languages) if instrument.items[0].text else set())
    if instrument.licence.ship == "attribution":
        assert instrument.citation
        assert instrument.licence.holder


def test_words_that_may_not_travel_with_the_program_are_not_there():
    assert {name for name in pack_ids() if not load_instrument(name).items[0].text} == {"who5"}
    assert not (PACKS / "who5.yaml").exists()
    for name in pack_ids():
        assert load_instrument(name).licence.ship != "no"
        assert not any(protected in name for protected in ("ghq", "sf12", "eq5d"))


def test_the_order_of_columns_does_not_matter_because_items_go_by_code():
    """Published MHI-5 lists differ in order, and one page names the wrong numbers as negative."""
    instrument = load_instrument("mhi5")
    codes = [item.code for item in instrument.items]
    answers = pd.DataFrame([[1, 2, 3, 4, 5], [6, 1, 2, 2, 4], [3, 3, 1, 6, 2]], columns=codes)
    expected = score(instrument, answers).values["mhi5"]
    # by hand: nervous, down in the dumps and downhearted count code - 1, calm and happy count 6 - code
    assert expected.tolist() == [4 * (0 + 1 + 3 + 3 + 1), 4 * (5 + 0 + 4 + 1 + 2), 4 * (2 + 2 + 5 + 5 + 4)]
    for shift in range(1, 5):
        turned = answers[codes[shift:] + codes[:shift]]
        assert score(instrument, turned).values["mhi5"].tolist() == expected.tolist()


def test_four_and_five_point_mastery_cannot_be_taken_for_each_other():
    four, five = load_instrument("mastery4"), load_instrument("mastery5")
    assert {item.code for item in four.items}.isdisjoint(item.code for item in five.items)
    answers = {item.code: 2 for item in (*four.items, *five.items)}
    frame = answers_frame([four, five], [answers])
    assert score(four, frame).values["mastery4"][0] == 5 * 3 + 2 * 2
    assert score(five, frame).values["mastery5"][0] == 5 * 4 + 2 * 2
    assert score(four, frame).values["mastery4_rule"][0].startswith("mastery4@1.0/mastery4+")
    assert score(five, frame).values["mastery5_rule"][0].startswith("mastery5@1.0/mastery5+")
