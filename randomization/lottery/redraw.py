"""Draw again for inference: the same procedure as the lottery, with a fast generator and many draws at once.

Labels are numbers of arms, int8, in the order of the units; a draw is a row. Only the distribution agrees with the
lottery, not the bits. Where a batch is matched with a uniform shuffle the labels of a stratum are exchangeable, so
only their counts follow the method and one permutation does the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import factorial, prod
from typing import Self

import numpy as np
import numpy.typing as npt

from randomization.lottery.design import Balance, Design
from randomization.lottery.draw import Frozen
from randomization.lottery.probabilities import arrangements, last_blocks
from randomization.lottery.record import Record
from trialmgr.core.errors import BadInput, Fault

Labels = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.float64]
Sampler = Callable[[int, np.random.Generator], Labels]
CHUNK = 20_000_000  # labels at once, a byte each
IN_CACHE = 1_000_000
LARGEST_TABLE = 5_040  # arrangements of a block that are looked up instead of shuffled


@dataclass(frozen=True)
class Redraw:
    """A lottery that can be repeated. `places` holds for each stratum the columns of its units, first place first."""

    design: Design
    places: tuple[npt.NDArray[np.intp], ...]
    columns: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, lottery: Frozen | Record) -> Self:
        """The re-draws of a list, or of a record: of its units, or of the units that got a place, in that order."""
        if isinstance(lottery, Frozen):
            return cls._from_rows(lottery.design, lottery.units)
        design = Design.from_params(lottery.params)
        if not lottery.is_sequential:
            return cls._from_rows(design, lottery.units)
        given = [(entry[2], entry[0]) for entry in lottery.revealed or ()]
        column = {unit: place for place, unit in enumerate(sorted(unit for unit, _ in given))}
        strata = sorted({stratum for _, stratum in given})
        return cls(design, tuple(np.array([column[unit] for unit, at in given if at == name]) for name in strata), ())

    @classmethod
    def _from_rows(cls, design: Design, rows: Sequence[tuple[str, ...]]) -> Self:
        strata: dict[str, list[int]] = {}
        for column, row in enumerate(rows):
            strata.setdefault(row[1], []).append(column)
        further = tuple(tuple(row[2:]) for row in rows) if design.columns else ()
        return cls(design, tuple(np.array(strata[name]) for name in sorted(strata)), further)

    @property
    def units(self) -> int:
        return sum(map(len, self.places))

    def redraw(self, rng: np.random.Generator) -> Labels:
        """One draw by the same procedure: the arm number of each unit."""
        row: Labels = next(self.many(rng, 1))[0]
        return row

    def many(self, rng: np.random.Generator, draws: int) -> Iterator[Labels]:
        """`draws` draws in chunks of rows, so that memory stays bounded."""
        step = max(1, CHUNK // max(1, self.units))
        kept = _Acceptance.of(self.design.balance, len(self.design.arms), self.columns) if self.design.balance else None
        samplers = [(columns, self._sampler(columns)) for columns in self._alike()]
        left, misses = draws, 0
        while left:
            chunk = self._chunk(samplers, rng, min(step, left) if kept is None else step // 4 + 1)
            if kept:
                chunk = chunk[kept.accepts(chunk)][:left]
                misses = 0 if len(chunk) else misses + 1
                if misses * (step // 4 + 1) > 100 * self.design.balance.tries:  # type: ignore[union-attr]
                    raise BadInput(Fault("balance", "hardly any draw meets the rule", "use a wider rule"))
            if len(chunk):
                left -= len(chunk)
                yield chunk

    def _alike(self) -> list[npt.NDArray[np.intp]]:
        """The columns of strata that can be drawn together, a row each: those of one size, unless values count."""
        if self.design.method == "minimisation":
            return [columns[None, :] for columns in self.places]
        sizes = sorted({len(columns) for columns in self.places})
        return [np.stack([columns for columns in self.places if len(columns) == size]) for size in sizes]

    def _chunk(
        self, samplers: list[tuple[npt.NDArray[np.intp], Sampler]], rng: np.random.Generator, draws: int
    ) -> Labels:
        """Rows are filled some at a time, so that those in hand stay in the processor's cache."""
        labels = np.empty((draws, self.units), np.int8)
        step = max(1, IN_CACHE // max(1, self.units))
        for start in range(0, draws, step):
            rows = labels[start : start + step]
            for columns, sampler in samplers:
                rows[:, columns.ravel()] = sampler(len(rows) * len(columns), rng).reshape(len(rows), -1)
        return labels

    def _sampler(self, columns: npt.NDArray[np.intp]) -> Sampler:
        """What draws the labels of one stratum among these."""
        design, n = self.design, columns.shape[1]
        if design.method == "minimisation":
            levels = np.array([self.columns[column] for column in columns[0]])
            return lambda draws, rng: _minimised(design, levels, draws, rng)
        if design.mode == "sequential" or design.method == "simple":
            return lambda draws, rng: _sequences(design, n, draws, rng)
        if design.method == "coin":
            return lambda draws, rng: rng.permuted(_coins(design, n, draws, rng), axis=1)
        return _shuffled_counts(design, n)


def _template(design: Design) -> Labels:
    return np.repeat(np.arange(len(design.arms), dtype=np.int8), design.ratio)


def _shuffled_counts(design: Design, n: int) -> Sampler:
    """Labels of a stratum of a batch: counts by the method, then all orders equally likely."""
    template = _template(design)
    sizes = design.multipliers if design.method == "blocks" else (1,)
    tails = last_blocks(len(template), sizes, n)
    chances = [float(chance) for chance in tails.values()]
    ends = [(np.tile(template, whole), np.tile(template, size)) for whole, size in tails]

    def sample(draws: int, rng: np.random.Generator) -> Labels:
        labels = np.empty((draws, n), np.int8)
        numbers = rng.multinomial(draws, chances) if len(ends) > 1 else [draws]
        start = 0
        for (whole, block), number in zip(ends, numbers, strict=True):
            rows = labels[start : start + number]
            rows[:, : len(whole)] = whole
            if left := n - len(whole):
                rows[:, len(whole) :] = _shuffled(block, number, rng)[:, :left]
            start += number
        if len(ends) > 1:
            labels = labels[rng.permutation(draws)]
        return rng.permuted(labels, axis=1, out=labels)

    return sample


def _sequences(design: Design, n: int, draws: int, rng: np.random.Generator) -> Labels:
    """Labels of the first `n` places of a stratum, in place order."""
    template = _template(design)
    if design.method == "simple":
        drawn: Labels = template[rng.integers(len(template), size=(draws, n), dtype=np.uint16)]
        return drawn
    if design.method == "coin":
        return _coins(design, n, draws, rng)
    if len(design.multipliers) > 1:
        return _random_blocks(design, n, draws, rng)
    block = np.tile(template, design.multipliers[0])
    blocks = -(-n // len(block))
    return _shuffled(block, draws * blocks, rng).reshape(draws, -1)[:, :n]


def _shuffled(block: Labels, draws: int, rng: np.random.Generator) -> Labels:
    """Rows that hold `block` in a random order each; small blocks are looked up in the table of all orders."""
    table = _table(tuple(np.bincount(block).tolist()))
    if table is None:
        rows = np.tile(block, (draws, 1))
        return rng.permuted(rows, axis=1, out=rows)
    drawn: Labels = table[rng.integers(len(table), size=draws, dtype=np.uint16)]
    return drawn


@cache
def _table(counts: tuple[int, ...]) -> Labels | None:
    """All orders of a block, a row each, unless they are too many to keep."""
    if sum(counts) > 20 or factorial(sum(counts)) // prod(map(factorial, counts)) > LARGEST_TABLE:
        return None
    return np.array(list(arrangements(counts)), np.int8)


def _random_blocks(design: Design, n: int, draws: int, rng: np.random.Generator) -> Labels:
    template, sizes = _template(design), np.array(design.multipliers)
    wide = np.empty((draws, n + len(template) * int(sizes.max())), np.int8)
    filled = np.zeros(draws, np.intp)
    while (open_rows := np.flatnonzero(filled < n)).size:
        chosen = sizes[rng.integers(len(sizes), size=open_rows.size)]
        for size in np.unique(chosen):
            rows, block = open_rows[chosen == size], np.tile(template, size)
            wide[rows[:, None], filled[rows][:, None] + np.arange(len(block))] = _shuffled(block, rows.size, rng)
            filled[rows] += len(block)
    return wide[:, :n]


def _coins(design: Design, n: int, draws: int, rng: np.random.Generator) -> Labels:
    labels, lead = np.empty((draws, n), np.int8), np.zeros(draws, np.intp)
    chance = _number(design.probability)
    for place in range(n):
        keep = (rng.random(draws) < chance) | (np.abs(lead) == (design.limit or -1))
        arm = np.where(lead == 0, rng.integers(2, size=draws), (lead > 0) == keep)
        labels[:, place] = arm
        lead += 1 - 2 * arm
    return labels


def _minimised(design: Design, levels: npt.NDArray[np.str_], draws: int, rng: np.random.Generator) -> Labels:
    """Replay the minimisation of a stratum with a fresh order and fresh coins, all draws side by side."""
    n, arms = len(levels), len(design.arms)
    codes, first = np.empty(levels.shape, np.intp), 0
    for factor in range(levels.shape[1]):
        names, codes[:, factor] = np.unique(levels[:, factor], return_inverse=True)
        codes[:, factor] += first
        first += len(names)
    weights = np.array([factor.weight for factor in design.factors])
    counts, rows = np.zeros((draws, first, arms), np.int32), np.arange(draws)
    labels = np.empty((draws, n), np.int8)
    order = rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    for place in range(n):
        unit = order[:, place]
        here = (rows[:, None], codes[unit])
        scores = np.stack([_spread(counts[here], arm, design.distance) @ weights for arm in range(arms)], axis=1)
        arm = _tossed(scores, _number(design.probability), rng)
        labels[rows, unit] = arm
        counts[rows[:, None], codes[unit], arm[:, None]] += 1
    return labels


def _spread(counts: npt.NDArray[np.int32], newcomer: int, distance: str) -> npt.NDArray[np.int64]:
    joined = counts.astype(np.int64)
    joined[..., newcomer] += 1
    if distance == "range":
        spread: npt.NDArray[np.int64] = joined.max(axis=-1) - joined.min(axis=-1)
        return spread
    squares: npt.NDArray[np.int64] = joined.shape[-1] * (joined**2).sum(axis=-1) - joined.sum(axis=-1) ** 2
    return squares


def _tossed(scores: npt.NDArray[np.int64], chance: float, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """For each draw an arm: with `chance` one of the lowest scores, else one of the others."""
    best = scores == scores.min(axis=1, keepdims=True)
    heads = (rng.random(len(scores)) < chance) | best.all(axis=1)
    group = np.where(heads[:, None], best, ~best)
    arm: npt.NDArray[np.intp] = np.where(group, rng.random(scores.shape), -1.0).argmax(axis=1)
    return arm


@dataclass(frozen=True)
class _Acceptance:
    """The balance rule in floating point, a hair wider so that a draw exactly on the border is kept."""

    rule: Balance
    arms: int
    values: Numbers

    @classmethod
    def of(cls, rule: Balance, arms: int, columns: Sequence[tuple[str, ...]]) -> Self:
        return cls(rule, arms, np.array([[_number(value) for value in row] for row in columns]))

    def accepts(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Which rows of labels meet the rule between every two arms that occur."""
        groups = [labels == arm for arm in range(self.arms)]
        sizes = [group.sum(axis=1) for group in groups]
        means = [group @ self.values / np.maximum(size, 1)[:, None] for group, size in zip(groups, sizes, strict=True)]
        good = np.ones(len(labels), np.bool_)
        for one, two in combinations(range(self.arms), 2):
            either_empty = (sizes[one] == 0) | (sizes[two] == 0)
            good[~(either_empty | self._alike(means[one] - means[two], sizes[one], sizes[two]))] = False
        return good

    def _alike(self, apart: Numbers, n1: npt.NDArray[np.intp], n0: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        size = len(self.rule.mahalanobis)
        limits = np.array([_number(limit.max_difference) for limit in self.rule.tolerances])
        near = np.asarray((np.abs(apart[:, size:]) <= limits * (1 + 1e-12)).all(axis=1), np.bool_)
        if size:
            inverse = np.linalg.inv(np.atleast_2d(np.cov(self.values[:, :size].T)))
            d = apart[:, :size]
            distance = n1 * n0 / np.maximum(n1 + n0, 1) * np.einsum("ij,jk,ik->i", d, inverse, d)
            near[distance > _number(self.rule.max) * (1 + 1e-9)] = False
        return near


def _number(text: str | None) -> float:
    top, _, bottom = (text or "0").partition("/")
    return float(top) / float(bottom or 1)
