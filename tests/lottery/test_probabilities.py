"""Exact chances against counting: every possible draw is made here by hand, from the words of the method."""

from collections import Counter
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest

from randomization.lottery.design import Design
from randomization.lottery.draw import freeze
from randomization.lottery.probabilities import count_chances, draws_of, last_blocks, pair_chances, unit_chances
from randomization.lottery.redraw import Redraw
from tests.lottery.conftest import DESIGNS, design_of, rows_for
from trialmgr.core.errors import BadInput

HALF = Fraction(1, 2)


def list_of(design, count):
    return [(f"u{n}", "all", *(str(n * 3 % 4 + place) for place, _ in enumerate(design.columns))) for n in range(count)]


def shuffled(sequences):
    """Each way to hand a sequence out over units in a random order."""
    chances = Counter()
    for sequence, chance in sequences.items():
        orders = list(permutations(sequence))
        for order in orders:
            chances[order] += chance / len(orders)
    return chances


def complete_by_hand(template, n):
    whole, left = divmod(n, len(template))
    rests = list(permutations(template, left))
    chances = Counter()
    for rest in rests:
        chances[tuple(template) * whole + rest] += Fraction(1, len(rests))
    return shuffled(chances)


def blocks_by_hand(template, sizes, n):
    chances = Counter()
    pending = [((), Fraction(1))]
    while pending:
        begun, chance = pending.pop()
        if len(begun) >= n:
            chances[begun[:n]] += chance
            continue
        for size in sizes:
            orders = list(permutations(template * size))
            pending += [(begun + order, chance / len(sizes) / len(orders)) for order in orders]
    return shuffled(chances)


def coin_by_hand(probability, limit, n):
    chances = Counter()
    for tosses in product((0, 1), repeat=n):
        chance = Fraction(1)
        for place, toss in enumerate(tosses):
            lead = tosses[:place].count(0) - tosses[:place].count(1)
            back = Fraction(1) if abs(lead) == limit else probability
            chance *= HALF if lead == 0 else back if (toss == 1) == (lead > 0) else 1 - back
        chances[tosses] += chance
    return shuffled(chances)


CASES = [
    ({"method": "complete"}, 5, complete_by_hand((0, 1), 5)),
    ({"method": "complete", "ratio": (2, 1)}, 5, complete_by_hand((0, 0, 1), 5)),
    ({"method": "complete", "arms": ("a", "b", "c")}, 5, complete_by_hand((0, 1, 2), 5)),
    ({"method": "blocks"}, 5, blocks_by_hand((0, 1), (1,), 5)),
    ({"method": "blocks", "multipliers": (2,)}, 5, blocks_by_hand((0, 1), (2,), 5)),
    ({"method": "blocks", "multipliers": (1, 2)}, 5, blocks_by_hand((0, 1), (1, 2), 5)),
    ({"method": "blocks", "multipliers": (1, 2), "ratio": (2, 1)}, 4, blocks_by_hand((0, 0, 1), (1, 2), 4)),
    ({"method": "simple", "ratio": (2, 1)}, 4, None),
    ({"method": "coin", "probability": "2/3"}, 5, coin_by_hand(Fraction(2, 3), None, 5)),
    ({"method": "coin", "probability": "1/2", "limit": 2}, 6, coin_by_hand(HALF, 2, 6)),
]


def frozen_case(changes, n):
    design = Design(**({"arms": ("a", "b")} | changes))
    return freeze(list_of(design, n), design)


@pytest.mark.parametrize(("changes", "n", "by_hand"), CASES)
def test_exact_chances_equal_enumeration(changes, n, by_hand):
    frozen = frozen_case(changes, n)
    if by_hand is None:
        by_hand = {
            draw: Fraction(2, 3) ** draw.count(0) * Fraction(1, 3) ** draw.count(1)
            for draw in product((0, 1), repeat=n)
        }
    draws = draws_of(frozen)
    assert draws.chances == {draw: chance for draw, chance in by_hand.items() if chance}
    assert draws.of_unit("u0") == draws.of_unit(f"u{n - 1}") == unit_chances(frozen)
    assert draws.of_pair("u0", "u2") == pair_chances(frozen, "u0", "u2")


def test_units_of_different_strata_are_independent():
    frozen = freeze([("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")], design_of("complete"))
    assert draws_of(frozen).of_pair("a", "c") == pair_chances(frozen, "a", "c")
    assert pair_chances(frozen, "a", "c")["control", "coach"] == Fraction(1, 4)
    assert pair_chances(frozen, "a", "b")["control", "coach"] == HALF


def test_minimisation_gives_each_unit_equal_chances():
    design = design_of("range", factors=[{"column": "sex"}])
    draws = draws_of(freeze([(f"u{n}", "all", "f" if n < 3 else "m") for n in range(5)], design))
    assert sum(draws.chances.values()) == 1
    assert all(draws.of_unit(f"u{n}") == {"control": HALF, "coach": HALF} for n in range(5))


def test_two_newcomers_alike_are_parted_with_the_chance_of_the_coin():
    """By hand: the second sees scores 0 and 2 (range 0 or 2 of its only factor) and takes the other arm with 4/5."""
    draws = draws_of(freeze([("a", "all", "f"), ("b", "all", "f")], design_of("range", factors=[{"column": "sex"}])))
    assert draws.chances == {
        (0, 1): Fraction(2, 5),
        (1, 0): Fraction(2, 5),
        (0, 0): Fraction(1, 10),
        (1, 1): Fraction(1, 10),
    }


def test_a_balance_rule_keeps_only_draws_that_meet_it():
    """Ages 1, 2, 3, 6 in two pairs: means 3.5/2.5, 2.0/4.0 or 1.5/4.5, so a difference of 1 leaves one split."""
    rule = {"tolerances": [{"column": "age", "max_difference": 1}]}
    rows = [("a", "all", "1"), ("b", "all", "2"), ("c", "all", "3"), ("d", "all", "6")]
    draws = draws_of(freeze(rows, design_of("complete", balance=rule)))
    assert draws.chances == {(0, 1, 1, 0): HALF, (1, 0, 0, 1): HALF}


def test_unequal_ratios_under_a_balance_rule_are_not_claimed_to_be_the_shares():
    frozen = freeze(rows_for(design_of("mahalanobis"), 6), design_of("mahalanobis", ratio=(2, 1)))
    with pytest.raises(BadInput, match="unequal under a balance rule"):
        unit_chances(frozen)


def test_the_last_block_of_random_sizes():
    """Sizes 2 and 4 in 5 places: 2+2+., 4+., 2+4. are the ways to get there, each step with chance one half."""
    assert last_blocks(2, (1, 2), 5) == {
        (2, 1): Fraction(3, 8),
        (2, 2): Fraction(3, 8),
        (1, 2): Fraction(1, 4),
    }


@pytest.mark.parametrize(("method", "n"), [("complete", 30), ("blocks", 31), ("efron", 120)])
def test_chances_of_counts_add_up_in_long_strata(method, n):
    assert sum(count_chances(design_of(method), n).values()) == 1


@pytest.mark.parametrize("changes", [{"method": "complete", "arms": list("abcde"), "multipliers": [1]}])
def test_too_many_draws_to_count_are_refused(changes):
    with pytest.raises(BadInput, match="more than 200000 possible draws"):
        draws_of(frozen_case(changes, 30))


def frequencies(frozen, draws, seed):
    rows = np.concatenate(list(Redraw.of(frozen).many(np.random.default_rng(seed), draws)))
    assert rows.dtype == np.int8
    assert rows.shape == (draws, len(frozen.units))
    values, counts = np.unique(rows, axis=0, return_counts=True)
    return {tuple(map(int, value)): int(count) for value, count in zip(values, counts, strict=True)}


REDRAWN = {
    **{name: (design_of(name), 6) for name in DESIGNS if name not in ("range", "variance")},
    "range": (design_of("range", factors=[{"column": "sex"}]), 5),
    "variance": (design_of("variance", factors=[{"column": "sex"}, {"column": "age", "weight": 3}]), 5),
    "three arms": (design_of("blocks", arms=["a", "b", "c"], ratio=[2, 1, 1]), 5),
    "mahalanobis": (design_of("mahalanobis", balance={"mahalanobis": ["sex", "age"], "max": 1}), 6),
}


@pytest.mark.parametrize("name", REDRAWN)
def test_redraws_follow_the_exact_chances(name):
    """Chi-square of 40,000 re-draws against the counted chances, at a fixed seed."""
    design, n = REDRAWN[name]
    frozen = freeze(rows_for(design, n), design)
    exact, seen = draws_of(frozen).chances, frequencies(frozen, 40_000, 7)
    assert set(seen) <= set(exact)
    statistic = sum((seen.get(draw, 0) - 40_000 * p) ** 2 / (40_000 * p) for draw, p in exact.items())
    degrees = len(exact) - 1
    assert float(statistic) < degrees + 4.5 * (2 * degrees) ** 0.5 + 10


def test_the_chi_square_above_can_fail():
    design = design_of("efron")
    frozen = freeze(rows_for(design, 6), design)
    exact, seen = draws_of(frozen).chances, frequencies(freeze(rows_for(design, 6), design_of("simple")), 40_000, 7)
    statistic = sum((seen.get(draw, 0) - 40_000 * p) ** 2 / (40_000 * p) for draw, p in exact.items())
    degrees = len(exact) - 1
    assert float(statistic) > degrees + 4.5 * (2 * degrees) ** 0.5 + 10


def test_redraws_come_in_bounded_chunks(monkeypatch):
    monkeypatch.setattr("randomization.lottery.redraw.CHUNK", 600)
    frozen = freeze(rows_for(design_of("blocks"), 24), design_of("blocks"))
    chunks = [chunk.shape for chunk in Redraw.of(frozen).many(np.random.default_rng(1), 60)]
    assert chunks == [(25, 24), (25, 24), (10, 24)]


def test_the_same_generator_gives_the_same_redraw():
    frozen = freeze(rows_for(design_of("complete"), 24), design_of("complete"))
    one, two = (Redraw.of(frozen).redraw(np.random.default_rng(3)) for _ in range(2))
    assert (one == two).all()
