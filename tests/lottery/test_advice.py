from datetime import date, timedelta
from fractions import Fraction
from math import comb, sqrt

import numpy as np
import pytest

from randomization.lottery.advice import (
    count_variance,
    false_alarms,
    guess_chance,
    guessing,
    imbalance,
    minimised_guess_chance,
    run_out,
    thin_strata,
)
from randomization.lottery.design import Design
from randomization.lottery.probabilities import count_chances
from tests.lottery.conftest import design_of
from trialmgr.core.errors import BadInput


def sequential(arms, *multipliers, ratio=()):
    names = tuple("abcdef"[:arms])
    return Design(arms=names, ratio=ratio, method="blocks", multipliers=multipliers, mode="sequential")


@pytest.mark.parametrize(
    ("arms", "block", "published"),
    [
        (2, 2, 0.750),
        (2, 4, 0.708),
        (2, 6, 0.683),
        (2, 8, 0.666),
        (3, 3, 0.611),
        (3, 6, 0.561),
        (4, 4, 0.521),
        (4, 8, 0.470),
        (4, 12, 0.441),
    ],
)
def test_published_guess_chances_of_blocks(arms, block, published):
    assert float(guess_chance(sequential(arms, block // arms))) == pytest.approx(published, abs=5e-4)


def test_guess_chance_of_an_unequal_block():
    assert float(guess_chance(sequential(3, 1, ratio=(2, 1, 1)))) == pytest.approx(0.646, abs=5e-4)


@pytest.mark.parametrize("half", range(1, 13))
def test_closed_formula_of_blackwell_and_hodges(half):
    """Two arms, block 2m: [m + 2^(2m-1) / C(2m, m) - 1/2] / 2m."""
    formula = (half + Fraction(2 ** (2 * half - 1), comb(2 * half, half)) - Fraction(1, 2)) / (2 * half)
    assert guess_chance(sequential(2, half)) == formula


def test_random_sizes_lie_between_the_fixed_ones():
    """Weighted by length: (2 x 0.75 + 4 x 0.708333) / 6."""
    assert guess_chance(sequential(2, 1, 2)) == (2 * Fraction(3, 4) + 4 * Fraction(17, 24)) / 6


@pytest.mark.parametrize(("probability", "chance"), [("2/3", Fraction(5, 8)), ("1/2", Fraction(1, 2))])
def test_efrons_coin_in_the_long_run(probability, chance):
    assert guess_chance(design_of("efron", probability=probability, mode="sequential")) == chance


def test_a_big_stick_by_hand():
    """Limit 1, p any: places come in pairs, one blind and one certain, so 3/4 like blocks of 2."""
    design = design_of("big stick", limit=1, mode="sequential")
    assert guess_chance(design) == Fraction(3, 4)


def test_a_batch_gives_nothing_to_guess_with():
    assert guess_chance(design_of("complete", ratio=(3, 1))) == Fraction(3, 4)
    assert guess_chance(design_of("blocks")) == Fraction(1, 2)


def test_guessing_says_one_sentence_and_warns():
    advice = guessing(sequential(2, 1))
    assert advice.warns
    assert advice.nl.startswith("Wie alle eerdere loten kent, raadt het volgende lot in 75,0% van de gevallen;")
    assert advice.en.endswith("without knowledge that is 50.0%.")
    assert not guessing(sequential(4, 1, 2)).warns


def test_a_batch_is_said_to_be_closed():
    assert guessing(design_of("complete")).en == "The list is closed before the draw, so there is nothing to guess."


def test_blocks_too_large_to_count_are_refused():
    with pytest.raises(BadInput, match="use smaller numbers in the same proportion"):
        guess_chance(sequential(4, 1, ratio=(100, 50, 50, 100)))


def test_minimisation_is_guessed_as_often_as_its_coin_says():
    """One factor with one level: every second newcomer finds equal scores (1/2), the others 4/5 or nearly."""
    design = design_of("range", factors=[{"column": "sex"}])
    chance = minimised_guess_chance(design, [("f",)] * 40, np.random.default_rng(5))
    efron = float(guess_chance(design_of("efron", probability="4/5", mode="sequential")))
    assert chance == pytest.approx(efron, abs=0.01)


@pytest.mark.parametrize("name", ["blocks", "complete", "simple", "efron", "big stick"])
@pytest.mark.parametrize("n", [1, 5, 8, 13])
def test_variance_of_counts_equals_that_of_the_exact_distribution(name, n):
    design = design_of(name)
    chances = count_chances(design, n)
    exact = sum(chance * (counts[0] - Fraction(n, 2)) ** 2 for counts, chance in chances.items())
    assert count_variance(design, n, 0) == pytest.approx(float(exact), abs=1e-12)


def test_variance_of_counts_of_three_unequal_arms():
    design = Design(arms=("a", "b", "c"), ratio=(2, 1, 1), method="blocks", multipliers=(1, 2))
    chances = count_chances(design, 7)
    for arm, share in enumerate((0.5, 0.25, 0.25)):
        exact = sum(float(chance) * (counts[arm] - 7 * share) ** 2 for counts, chance in chances.items())
        assert count_variance(design, 7, arm) == pytest.approx(exact, abs=1e-12)


def test_imbalance_of_simple_draws_is_binomial():
    advice = imbalance(design_of("simple"), {"north": 60, "south": 40})
    assert advice.numbers["sd"] == pytest.approx(sqrt(100 / 4))
    assert advice.en == "Of 100 households a group usually ends at most 10.0 away from the plan."
    assert imbalance(design_of("complete"), {"north": 60, "south": 40}).numbers["sd"] == 0


def test_thin_strata_are_counted():
    advice = thin_strata(design_of("blocks"), {"north": 50, "south": 3})
    assert advice.numbers == {"strata": 2, "thin": 1, "most": 2, "block": 4}
    assert advice.warns
    assert not thin_strata(design_of("complete"), {"north": 50}).warns


def test_too_many_strata_are_warned_of():
    assert thin_strata(design_of("complete"), {f"s{n}": 10 for n in range(10)}).warns


def test_a_stratum_runs_out():
    today = date(2026, 3, 1)
    given = [today - timedelta(days=7 * week) for week in range(8)]
    advice = run_out(20, given, today)
    assert advice.numbers == {"left": 12, "days": 84}
    assert advice.nl == "Er zijn nog 12 plaatsen; in dit tempo is de laatste op 24-5-2026 vergeven."
    assert advice.en.endswith("at this pace the last one goes on 2026-05-24.")
    assert run_out(8, given, today).en == "All places are given out."
    assert run_out(20, [today - timedelta(days=99)], today).en == "There are 19 places left; nobody joined lately."


def test_guessing_while_enrolling_gives_false_alarms():
    """No guess, no harm; blocks of 2 with a shift of 0.3 sd mislead more than random sizes do, a fair coin never."""
    rng = np.random.default_rng(11)
    pairs, mixed, fair = sequential(2, 1), sequential(2, 2, 3, 4), design_of("simple")
    assert false_alarms(pairs, 100, 0.0, rng) == pytest.approx(0.05, abs=0.015)
    small, large = (false_alarms(pairs, 100, shift, rng) for shift in (0.1, 0.3))
    assert 0.07 < small < 0.15
    assert large > 0.25
    assert false_alarms(mixed, 100, 0.3, rng) < large - 0.1
    assert false_alarms(fair, 100, 0.3, rng) == pytest.approx(0.05, abs=0.02)
