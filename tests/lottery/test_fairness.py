"""Is the randomiser random? Each test has a fixed seed, and one that must fail shows that the tests can."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from randomization.lottery.allocate import matched, sequence
from randomization.lottery.stream import Lots
from tests.lottery.conftest import design_of, rows_for

ALL = 1e-4


def seed(number):
    return number.to_bytes(32, "big")


def p_value(counts, expected=None):
    return stats.chisquare(counts, expected).pvalue


@pytest.mark.parametrize("n", [2, 3, 4, 6, 7, 10, 1000])
def test_numbers_are_uniform(n):
    stream = Lots(seed(n)).stream("uniform")
    counts = np.bincount([stream.below(n) for _ in range(100_000)], minlength=n)
    assert ALL < p_value(counts) < 1 - ALL


def test_all_orders_are_equally_likely():
    lots = Lots(seed(24))
    orders = dict.fromkeys(permutations(range(4)), 0)
    for number in range(24_000):
        orders[tuple(lots.shuffle(f"orders|{number}", range(4)))] += 1
    assert ALL < p_value(list(orders.values())) < 1 - ALL


def test_a_plain_remainder_is_caught():
    """Negative control: for n = 3 x 2^62 the remainder of a word falls in the first third twice as often."""
    n, stream = 3 * 2**62, Lots(seed(3)).stream("biased")
    thirds = np.bincount([stream.word() % n // 2**62 for _ in range(100_000)], minlength=3)
    assert p_value(thirds) < ALL
    fair = np.bincount([stream.below(n) // 2**62 for _ in range(100_000)], minlength=3)
    assert ALL < p_value(fair) < 1 - ALL


@pytest.fixture(scope="module")
def drawn():
    """10,000 lotteries of 12 units in two strata with arms 2:1: a row each, 1 where the unit is in the first arm."""
    design = design_of("complete", ratio=(2, 1))
    rows = rows_for(design, 12)
    params = design.params()
    table = np.empty((10_000, 12), np.int8)
    for number in range(len(table)):
        arms = matched(params, rows, Lots(seed(number)))
        table[number] = [arm == "control" for arm in arms]
    return rows, table


def test_each_unit_gets_each_arm_at_its_rate(drawn):
    _, table = drawn
    error = np.sqrt(2 / 9 / len(table))
    assert np.abs(table.mean(axis=0) - 2 / 3).max() < 4 * error


def test_pairs_of_a_stratum_share_an_arm_at_the_hypergeometric_rate(drawn):
    """A leak of the sort order would show in neighbours. In the north 8 units: 5 or 6 of them in the first arm."""
    rows, table = drawn
    for name, size in (("north", 8), ("south", 4)):
        places = [place for place, row in enumerate(rows) if row[1] == name]
        assert len(places) == size
        counts = table[:, places].sum(axis=1)
        rate = (counts * (counts - 1) + (size - counts) * (size - counts - 1)).mean() / (size * (size - 1))
        for one in places:
            for two in places:
                if one < two:
                    same = (table[:, one] == table[:, two]).mean()
                    assert same == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / len(table)))


def test_the_arm_does_not_follow_the_place_in_the_list(drawn):
    _, table = drawn
    places = np.arange(table.shape[1])
    correlations = [stats.spearmanr(places, row).statistic for row in table[:2000]]
    assert abs(np.mean(correlations)) < 4 / np.sqrt(len(correlations) * (len(places) - 1))


def test_the_arm_does_not_follow_the_digits_of_the_unit():
    design = design_of("blocks")
    rows = [(f"{n:04}", "all") for n in range(4000)]
    arms = matched(design.params(), rows, Lots(seed(9)))
    for digit in range(1, 4):
        table = np.zeros((10, 2))
        for (unit, _), arm in zip(rows, arms, strict=True):
            table[int(unit[digit]), arm == "coach"] += 1
        assert stats.chi2_contingency(table).pvalue > ALL


@pytest.mark.parametrize("sizes", [(1,), (2,), (1, 2), (1, 3)])
def test_running_imbalance_of_blocks_stays_below_half_a_block(sizes):
    params = design_of("blocks", multipliers=sizes).params()
    for number in range(200):
        arms = sequence(params, "all", 60, Lots(seed(number)))
        lead = np.cumsum([1 if arm == "control" else -1 for arm in arms])
        assert np.abs(lead).max() <= max(sizes)


@pytest.mark.parametrize("ratio", [(1, 1), (2, 1), (3, 2)])
def test_complete_counts_differ_from_the_ratio_by_less_than_a_template(ratio):
    params = design_of("complete", ratio=ratio).params()
    for n in range(1, 40):
        arms = sequence(params, "all", n, Lots(seed(n)))
        assert abs(arms.count("control") * sum(ratio) - n * ratio[0]) < sum(ratio) ** 2
        assert abs(arms.count("control") - n * ratio[0] / sum(ratio)) < sum(ratio)


def test_differences_of_means_have_the_variance_of_theory():
    """For a fixed covariate Var(d) = S (1/n1 + 1/n0) over the draws."""
    params = design_of("complete").params()
    values = np.random.default_rng(2).normal(size=40)
    rows = [(f"u{n:02}", "all") for n in range(40)]
    differences = []
    for number in range(1000):
        arms = matched(params, rows, Lots(seed(number)))
        first = np.array(arms) == "control"
        differences.append(values[first].mean() - values[~first].mean())
    theory = values.var(ddof=1) * (1 / 20 + 1 / 20)
    assert np.var(differences) == pytest.approx(theory, rel=4 * np.sqrt(2 / 1000))
    assert abs(np.mean(differences)) < 4 * np.sqrt(theory / 1000)
