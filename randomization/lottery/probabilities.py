"""The exact chances of a design: of one unit, of two together, and of whole draws where they can be counted.

All results are fractions; nothing is simulated. In a batch the units of a stratum are exchangeable, so the chances of
one and of two units follow from the moments of the counts of the arms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, permutations, product
from math import comb, factorial, prod

from randomization.lottery.balance import BalanceRule
from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen
from randomization.lottery.minimise import Minimiser
from trialmgr.core.errors import BadInput, Fault

Counts = tuple[int, ...]
Labels = tuple[int, ...]
MOST_DRAWS = 200_000
ONE = Fraction(1)


def unit_chances(frozen: Frozen) -> dict[str, Fraction]:
    """The chance of each arm, the same for every unit: the shares of the ratio.

    Every method keeps them exactly. Under a balance rule they hold for equal ratios, because the rule treats all arms
    alike; with unequal ratios use `draws_of`, and this raises BadInput.
    """
    if frozen.design.balance and len(set(frozen.design.ratio)) > 1:
        raise BadInput(Fault("ratio", "is unequal under a balance rule", "count the draws that meet it instead"))
    return frozen.design.shares


def pair_chances(frozen: Frozen, one: str, two: str) -> dict[tuple[str, str], Fraction]:
    """The chance that unit `one` of a batch gets the first arm and unit `two` the second, for all pairs of arms.

    Raises BadInput for minimisation and balance rules, whose pairs depend on the values of all units.
    """
    design = frozen.design
    if design.balance or design.method == "minimisation" or design.mode == "sequential":
        raise BadInput(Fault("design", "has no closed form for pairs", "count the draws instead"))
    stratum = {row[0]: row[1] for row in frozen.units}
    shares, arms = design.shares, design.arms
    if stratum[one] != stratum[two]:
        return {(a, b): shares[a] * shares[b] for a in arms for b in arms}
    n = sum(at == stratum[one] for at in stratum.values())
    expected = {(a, b): Fraction(0) for a in range(len(arms)) for b in range(len(arms))}
    for counts, chance in count_chances(design, n).items():
        for a, b in expected:
            expected[a, b] += chance * counts[a] * (counts[b] - (a == b))
    return {(arms[a], arms[b]): value / (n * (n - 1)) for (a, b), value in expected.items()}


def count_chances(design: Design, n: int) -> dict[Counts, Fraction]:
    """The chance of each number of units an arm can have among the first `n` places of a stratum."""
    match design.method:
        case "simple":
            return {counts: _multinomial(design, counts) for counts in _counts(len(design.arms), n)}
        case "coin":
            return _coin_counts(design, n)
        case "complete" | "blocks":
            sizes = design.multipliers if design.method == "blocks" else (1,)
            return _block_counts(design, sizes, n)
    raise BadInput(Fault("design", "minimisation looks at the values of the units", "count the draws instead"))


def last_blocks(length: int, sizes: Sequence[int], n: int) -> dict[tuple[int, int], Fraction]:
    """Blocks of `length` times a drawn size fill `n` places: the chance of (templates before the last, its size).

    A stratum that ends with a block has that block as its last one, or (n / length, 1) once for all of them.
    """
    starts, ends = {0: ONE}, dict[tuple[int, int], Fraction]()
    whole, left = divmod(n, length)
    for templates in range(whole + 1):
        chance = starts.pop(templates, Fraction(0))
        if templates == whole and left == 0:
            ends[whole, 1] = ends.get((whole, 1), Fraction(0)) + chance
            break
        for size in sizes:
            if (templates + size) * length <= n:
                starts[templates + size] = starts.get(templates + size, Fraction(0)) + chance / len(sizes)
            elif chance:
                ends[templates, size] = ends.get((templates, size), Fraction(0)) + chance / len(sizes)
    return {end: chance for end, chance in ends.items() if chance}


@dataclass(frozen=True)
class Draws:
    """All possible draws of a list: the labels of its units, as numbers of arms, and their chances."""

    units: tuple[str, ...]
    arms: tuple[str, ...]
    chances: dict[Labels, Fraction]

    def of_unit(self, unit: str) -> dict[str, Fraction]:
        place = self.units.index(unit)
        totals = dict.fromkeys(self.arms, Fraction(0))
        for labels, chance in self.chances.items():
            totals[self.arms[labels[place]]] += chance
        return totals

    def of_pair(self, one: str, two: str) -> dict[tuple[str, str], Fraction]:
        first, second = self.units.index(one), self.units.index(two)
        totals = {(a, b): Fraction(0) for a in self.arms for b in self.arms}
        for labels, chance in self.chances.items():
            totals[self.arms[labels[first]], self.arms[labels[second]]] += chance
        return totals


def draws_of(frozen: Frozen) -> Draws:
    """Every draw of a small batch with its exact chance. Raises BadInput when there are more than 200,000."""
    strata: dict[str, list[int]] = {}
    for place, row in enumerate(frozen.units):
        strata.setdefault(row[1], []).append(place)
    parts = [_stratum_draws(frozen, places) for places in strata.values()]
    if prod(map(len, parts)) > MOST_DRAWS:
        raise BadInput(Fault("list", f"has more than {MOST_DRAWS} possible draws", "simulate with redraw"))
    order = [place for places in strata.values() for place in places]
    chances = {}
    for combination in product(*(part.items() for part in parts)):
        joined = [label for labels, _ in combination for label in labels]
        labels = tuple(joined[order.index(place)] for place in range(len(order)))
        chances[labels] = prod((chance for _, chance in combination), start=ONE)
    if frozen.design.balance:
        chances = _accepted(frozen, chances)
    return Draws(tuple(row[0] for row in frozen.units), frozen.design.arms, chances)


def _accepted(frozen: Frozen, chances: dict[Labels, Fraction]) -> dict[Labels, Fraction]:
    arms, rule = frozen.design.arms, BalanceRule.of(frozen.params["balance"], frozen.design.arms, frozen.units)
    kept = {labels: chance for labels, chance in chances.items() if rule.accepts([arms[label] for label in labels])}
    total = sum(kept.values(), start=Fraction(0))
    return {labels: chance / total for labels, chance in kept.items()}


def _stratum_draws(frozen: Frozen, places: Sequence[int]) -> dict[Labels, Fraction]:
    if frozen.design.method == "minimisation":
        return _minimised_draws(frozen, [frozen.units[place][2:] for place in places])
    draws: dict[Labels, Fraction] = {}
    for counts, chance in count_chances(frozen.design, len(places)).items():
        orders = factorial(len(places)) // prod(map(factorial, counts))
        if len(draws) + orders > MOST_DRAWS:
            raise BadInput(Fault("list", f"has more than {MOST_DRAWS} possible draws", "simulate with redraw"))
        draws.update(dict.fromkeys(arrangements(counts), chance / orders))
    return draws


def arrangements(counts: Counts) -> Iterator[Labels]:
    """All different orders of `counts` labels."""
    if not any(counts):
        yield ()
    for label, count in enumerate(counts):
        if count:
            rest = (*counts[:label], count - 1, *counts[label + 1 :])
            yield from ((label, *order) for order in arrangements(rest))


def _minimised_draws(frozen: Frozen, levels: Sequence[tuple[str, ...]]) -> dict[Labels, Fraction]:
    """Every order of arrival is equally likely, every coin has its chance."""
    n, arms = len(levels), len(frozen.design.arms)
    if factorial(n) * arms**n > 10 * MOST_DRAWS:
        raise BadInput(Fault("list", "is too long to count the draws of a minimisation", "simulate with redraw"))
    draws: dict[Labels, Fraction] = {}
    for order in permutations(range(n)):
        for choice in product(range(arms), repeat=n):
            minimiser, chance = Minimiser.of(frozen.params), Fraction(1, factorial(n))
            for unit in order:
                chance *= minimiser.chances(levels[unit])[choice[unit]]
                minimiser.add(levels[unit], choice[unit])
            draws[choice] = draws.get(choice, Fraction(0)) + chance
    return draws


def _block_counts(design: Design, sizes: Sequence[int], n: int) -> dict[Counts, Fraction]:
    """Whole templates, then a part of the last block drawn without replacement."""
    length, totals = sum(design.ratio), dict[Counts, Fraction]()
    for (whole, size), chance in last_blocks(length, sizes, n).items():
        block, left = [times * size for times in design.ratio], n - whole * length
        for part in _counts(len(block), left, block):
            ways = Fraction(prod(map(comb, block, part)), comb(sum(block), left))
            counts = tuple(whole * times + more for times, more in zip(design.ratio, part, strict=True))
            totals[counts] = totals.get(counts, Fraction(0)) + chance * ways
    return totals


def _coin_counts(design: Design, n: int) -> dict[Counts, Fraction]:
    leads = next(islice(coin_leads(design), n, None))
    return {((n + lead) // 2, (n - lead) // 2): chance for lead, chance in leads.items()}


def coin_leads(design: Design) -> Iterator[dict[int, Fraction]]:
    """For a biased coin: the chance of each lead of the first arm after 0, 1, 2, ... places."""
    chance, leads = Fraction(design.probability or 0), {0: ONE}
    while True:
        yield leads
        after: dict[int, Fraction] = {}
        for lead, here in leads.items():
            back = Fraction(1, 2) if lead == 0 else ONE if abs(lead) == design.limit else chance
            behind = -1 if lead >= 0 else 1
            for step, share in ((behind, back), (-behind, 1 - back)):
                if share:
                    after[lead + step] = after.get(lead + step, Fraction(0)) + here * share
        leads = after


def _multinomial(design: Design, counts: Counts) -> Fraction:
    ways = Fraction(factorial(sum(counts)), prod(map(factorial, counts)))
    return ways * prod((share**count for share, count in zip(design.shares.values(), counts, strict=True)), start=ONE)


def _counts(arms: int, n: int, most: Sequence[int] | None = None) -> Iterator[Counts]:
    """All ways to write `n` as a sum over the arms, each at most its `most`."""
    if arms == 1:
        if most is None or n <= most[0]:
            yield (n,)
        return
    for first in range(min(n, most[0]) + 1 if most else n + 1):
        yield from ((first, *rest) for rest in _counts(arms - 1, n - first, most[1:] if most else None))
