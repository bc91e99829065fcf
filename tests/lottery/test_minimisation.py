from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from randomization.lottery.minimise import Minimiser
from tests.lottery.conftest import design_of, drawn_record, rows_for

EXAMPLE = yaml.safe_load((Path(__file__).parent / "data" / "pocock_1983.yaml").read_text())


def minimiser(distance="range", probability="2/3", arms=("A", "B"), weights=(1, 1, 1, 1)):
    return Minimiser(tuple(arms), tuple(weights), distance, Fraction(probability))


def after_eighty_patients(distance):
    state = minimiser(distance)
    for factor, levels in enumerate(EXAMPLE["counts"].values()):
        for level, counts in levels.items():
            state.counts[factor, level] = list(counts)
    return state


def test_the_example_has_forty_patients_on_each_treatment():
    for levels in EXAMPLE["counts"].values():
        assert [sum(counts[arm] for counts in levels.values()) for arm in (0, 1)] == [40, 40]


def test_pococks_published_example():
    rows = zip(EXAMPLE["newcomer"], EXAMPLE["counts"].values(), strict=True)
    sums = [sum(column) for column in zip(*(levels[level] for level, levels in rows), strict=True)]
    assert sums == EXAMPLE["sums"]
    state = after_eighty_patients("variance")
    assert list(state.scores(EXAMPLE["newcomer"])) == EXAMPLE["scores"]["variance"]
    assert state.chances(EXAMPLE["newcomer"]) == (Fraction(2, 3), Fraction(1, 3))


def test_the_range_leaves_pococks_example_undecided():
    state = after_eighty_patients("range")
    assert list(state.scores(EXAMPLE["newcomer"])) == EXAMPLE["scores"]["range"]
    assert state.chances(EXAMPLE["newcomer"]) == (Fraction(1, 2), Fraction(1, 2))


def test_the_favoured_treatment_of_four_gets_p_and_the_others_share_the_rest():
    """Pocock and Simon (1975): probability p for the lowest score and (1 - p) / (N - 1) for each other."""
    state = minimiser(arms="ABCD", weights=[1])
    state.counts[0, "x"] = [0, 1, 1, 1]
    assert state.chances(["x"]) == (Fraction(2, 3), Fraction(1, 9), Fraction(1, 9), Fraction(1, 9))


def test_ties_share_the_preference():
    state = minimiser(arms="ABC", weights=[1], probability="4/5")
    state.counts[0, "x"] = [1, 1, 2]
    assert state.scores(["x"]) == (1, 1, 2)
    assert state.chances(["x"]) == (Fraction(2, 5), Fraction(2, 5), Fraction(1, 5))


def test_weights_multiply_the_spread_of_their_factor():
    """By hand: joining A gives ranges 1 and 2, joining B 1 and 0; weighted 3 and 1 that is 5 and 3."""
    state = minimiser(weights=(3, 1))
    state.counts[0, "f"], state.counts[1, "young"] = [0, 0], [1, 0]
    assert state.scores(["f", "young"]) == (3 * 1 + 2, 3 * 1 + 0)


def test_only_the_levels_of_the_newcomer_count():
    state = minimiser(weights=[1])
    state.counts[0, "other"] = [9, 0]
    assert state.scores(["mine"]) == (1, 1)


@pytest.mark.parametrize("name", ["range", "variance"])
def test_the_log_can_be_replayed_by_hand(name):
    design = design_of(name)
    rows = rows_for(design)
    record = drawn_record(design, rows)
    levels, strata = {row[0]: row[2:] for row in rows}, {row[0]: row[1] for row in rows}
    states: dict[str, Minimiser] = {}
    for unit, scores, preferred, arm in record.log:
        state = states.setdefault(strata[unit], Minimiser.of(record.params))
        assert state.scores(levels[unit]) == scores
        best = [name for name, score in zip(state.arms, scores, strict=True) if score == min(scores)]
        assert (arm in best) == preferred
        state.add(levels[unit], state.arms.index(arm))
    assert {unit: arm for unit, _, _, arm in record.log} == {unit: arm for unit, _, arm in record.result}


def test_minimised_groups_are_more_alike_than_tossed_ones():
    """In 40 lotteries of 60 the counts of each level differ by less than half of what simple draws give."""
    design = design_of("range", probability="9/10")
    rows = rows_for(design, 60)

    def spread(record):
        arms = {unit: arm for unit, _, arm in record.result}
        counts: dict[tuple[int, str, str], int] = {}
        for row in rows:
            for factor, level in enumerate(row[2:]):
                key = (factor, row[1] + level)
                counts[key] = counts.get(key, 0) + (1 if arms[row[0]] == "coach" else -1)
        return sum(map(abs, counts.values()))

    secrets = [bytes([number]) * 32 for number in range(40)]
    minimised = sum(spread(drawn_record(design, rows, secret)) for secret in secrets)
    simple = design_of("simple")
    tossed = sum(spread(drawn_record(simple, [row[:2] for row in rows], secret)) for secret in secrets)
    assert minimised < tossed / 2
