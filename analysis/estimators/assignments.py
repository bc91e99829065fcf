"""Drawing the arms again as they were drawn: the units, what may be exchanged, and all or many assignments."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.refusals import Refused

Labels = NDArray[np.int8]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
CHUNK = 500
TABLE_MOST = 5040
ENUMERATE_MOST = 2_000_000
LEAST_RATE = 1e-5


@dataclass(frozen=True)
class Group:
    """Units within which labels are exchanged: their places, and the pool of labels that is shuffled and cut."""

    units: Ints
    pool: tuple[int, ...]


@dataclass(frozen=True)
class Rule:
    """Acceptance: means of columns (units x q, with persons per unit) may differ by `most` between any two arms.

    With `inverse` the Mahalanobis distance n1 n0 / (n1 + n0) d' inverse d is compared with `most` instead.
    """

    sums: Floats
    sizes: Floats
    most: float
    inverse: Floats | None = None

    def accepts(self, labels: Labels, arms: int) -> NDArray[np.bool_]:
        """Which of the draws (m x units) meet the rule."""
        inside = [(labels == arm).astype(np.float64) for arm in range(arms)]
        counts = [part @ self.sizes for part in inside]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [part @ self.sums / count[:, None] for part, count in zip(inside, counts, strict=True)]
        fine = np.ones(len(labels), bool)
        for one, two in combinations(range(arms), 2):
            d = means[one] - means[two]
            if self.inverse is None:
                apart = np.abs(d).max(axis=1)
            else:
                n1, n0 = counts[one], counts[two]
                apart = n1 * n0 / (n1 + n0) * ((d @ self.inverse) * d).sum(axis=1)
            fine &= ~(apart > self.most + 1e-9)
        return fine


class Source(Protocol):
    """A lottery that draws all arms again; `fixed` when it draws every exchange within the groups equally likely.

    `pairs` is why only two of its arms cannot be exchanged within the groups, or empty when they can.
    """

    @property
    def fixed(self) -> bool: ...

    @property
    def pairs(self) -> str: ...

    def many(self, rng: np.random.Generator, draws: int) -> Iterator[Labels]: ...


@dataclass(frozen=True)
class Procedure:
    """How arms were drawn: the arm of each unit as it came out, groups, rules; or a list of draws; or a lottery."""

    observed: Labels
    arms: int
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...] = ()
    listed: Labels | None = None
    source: Source | None = None

    def pairwise(self, arm: int) -> "Procedure":
        """Only the labels of this arm and the control are exchanged; the other units keep theirs."""
        if self.source is not None and self.arms == 2:
            return self
        if self.source is not None and self.source.pairs:
            raise Refused(self.source.pairs, "choose `hypothesis: complete`")
        if self.listed is not None:
            others = ~np.isin(self.observed, (0, arm))
            same = (self.listed[:, others] == self.observed[others]).all(axis=1)
            if not same.any():
                raise Refused(
                    "no draw of the file leaves the other arms as they were, which the pairwise hypothesis needs",
                    "choose `hypothesis: complete`",
                )
            return Procedure(self.observed, self.arms, self.groups, self.rules, self.listed[same])
        groups = []
        for group in self.groups:
            inside = np.isin(self.observed[group.units], (0, arm))
            pool = tuple(label for label in group.pool if label in (0, arm))
            if inside.any():
                groups.append(Group(group.units[inside], pool))
        return Procedure(self.observed, self.arms, tuple(groups), self.rules)


@dataclass
class Draws:
    """Assignments in chunks; `weights` for assignments that are not equally likely, in the order of the chunks."""

    procedure: Procedure
    count: int
    enumerated: bool
    seed: int
    weights: list[Floats] = field(default_factory=list)

    def chunks(self) -> Iterator[Labels]:
        """Arm codes (m x units), a chunk at a time; the same at every call."""
        self.weights.clear()
        procedure = self.procedure
        if procedure.listed is not None:
            for start in range(0, len(procedure.listed), CHUNK):
                part = procedure.listed[start : start + CHUNK]
                self.weights.append(np.ones(len(part)))
                yield part
            return
        source = _all(procedure, self.weights) if self.enumerated else _drawn(procedure, self.count, self.seed)
        yield from source


def plan_draws(procedure: Procedure, *, draws: int, seed: int, enumerate_all: bool) -> Draws:
    """All assignments when asked for or when there are no more than `draws`; else `draws` random ones."""
    if procedure.listed is not None:
        return Draws(procedure, len(procedure.listed), enumerate_all, seed)
    if procedure.source is not None and not procedure.source.fixed:
        if enumerate_all:
            raise Refused("the draws of this lottery are not equally likely", "leave `enumerate` out")
        return Draws(procedure, draws, False, seed)
    total = math.prod(_arrangements(len(group.units), group.pool) for group in procedure.groups)
    if total < 2:
        raise Refused("the design leaves only one assignment, so nothing can be compared", "check `design`")
    if enumerate_all and total > ENUMERATE_MOST:
        raise Refused(f"there are {total:.3g} assignments, too many to go through all", "leave `enumerate` out")
    every = enumerate_all or total <= draws
    return Draws(procedure, total if every else draws, every, seed)


def _arrangements(size: int, pool: tuple[int, ...]) -> int:
    """Number of different sequences of `size` labels from the pool, or a bound when it is cut."""
    counts = np.unique(pool, return_counts=True)[1]
    if size == len(pool):
        total = math.factorial(size)
        for count in counts:
            total //= math.factorial(int(count))
        return total
    return len(_table(size, pool)[0]) if len(counts) ** size <= 4 * TABLE_MOST else int(len(counts) ** size)


def _table(size: int, pool: tuple[int, ...]) -> tuple[Labels, Floats]:
    """Each different sequence of `size` labels drawn without replacement from the pool, and its chance."""
    labels, counts = np.unique(pool, return_counts=True)
    found: list[tuple[list[int], float]] = []

    def extend(line: list[int], left: list[int], chance: float) -> None:
        if len(line) == size:
            found.append((line, chance))
            return
        for place, count in enumerate(left):
            if count:
                rest = [value - (i == place) for i, value in enumerate(left)]
                extend([*line, int(labels[place])], rest, chance * count / sum(left))

    extend([], [int(count) for count in counts], 1.0)
    return np.array([line for line, _ in found], np.int8), np.array([chance for _, chance in found])


def _all(procedure: Procedure, weights: list[Floats]) -> Iterator[Labels]:
    tables = [_table(len(group.units), group.pool) for group in procedure.groups]
    total = math.prod(len(table) for table, _ in tables)
    for start in range(0, total, CHUNK):
        places = np.arange(start, min(start + CHUNK, total))
        labels = np.tile(procedure.observed, (len(places), 1))
        chance = np.ones(len(places))
        stride = 1
        for group, (table, chances) in zip(procedure.groups, tables, strict=True):
            which = places // stride % len(table)
            labels[:, group.units] = table[which]
            chance *= chances[which] * len(table)
            stride *= len(table)
        keep = _accepted(procedure, labels)
        weights.append(chance[keep])
        yield labels[keep]


def _accepted(procedure: Procedure, labels: Labels) -> NDArray[np.bool_]:
    keep = np.ones(len(labels), bool)
    for rule in procedure.rules:
        keep &= rule.accepts(labels, procedure.arms)
    return keep


def _drawn(procedure: Procedure, count: int, seed: int) -> Iterator[Labels]:
    rng = np.random.default_rng(seed)
    if procedure.source is not None:
        for drawn in procedure.source.many(rng, count):
            yield from (drawn[start : start + CHUNK] for start in range(0, len(drawn), CHUNK))
        return
    buckets = _buckets(procedure)
    left, tried, found = count, 0, 0
    while left:
        labels = np.tile(procedure.observed, (CHUNK, 1))
        for bucket in buckets:
            labels[:, bucket.units] = bucket.draw(rng, CHUNK)
        if procedure.rules:
            labels = labels[_accepted(procedure, labels)]
            tried, found = tried + CHUNK, found + len(labels)
            if tried >= 200_000 and found < LEAST_RATE * tried:
                raise Refused("hardly any draw meets the rule of acceptance", "check `acceptance` against the draw")
        labels = labels[:left]
        left -= len(labels)
        if len(labels):
            yield labels


@dataclass(frozen=True)
class _Bucket:
    """Groups of one size and pool, drawn together: from the table of all sequences, or by shuffling."""

    groups: int
    size: int
    units: Ints
    pool: Labels
    table: Labels | None
    cumulative: Floats | None

    def draw(self, rng: np.random.Generator, m: int) -> Labels:
        if self.table is None:
            pools = np.broadcast_to(self.pool, (m * self.groups, len(self.pool)))
            return rng.permuted(pools, axis=1)[:, : self.size].reshape(m, -1)
        if self.cumulative is None:
            which = rng.integers(0, len(self.table), size=(m, self.groups), dtype=np.int32)
        else:
            which = np.searchsorted(self.cumulative, rng.random((m, self.groups)), side="right").astype(np.int32)
        return np.take(self.table, which, axis=0).reshape(m, -1)


def _buckets(procedure: Procedure) -> list[_Bucket]:
    kinds: dict[tuple[int, tuple[int, ...]], list[Ints]] = {}
    for group in procedure.groups:
        kinds.setdefault((len(group.units), tuple(sorted(group.pool))), []).append(group.units)
    buckets = []
    for (size, pool), units in kinds.items():
        table = cumulative = None
        if _arrangements(size, pool) <= TABLE_MOST:
            table, chances = _table(size, pool)
            even = np.allclose(chances, chances[0])
            cumulative = None if even else np.cumsum(chances)[:-1]
        buckets.append(_Bucket(len(units), size, np.concatenate(units), np.array(pool, np.int8), table, cumulative))
    return buckets


def group_by(codes: Any, observed: Labels) -> tuple[Group, ...]:
    """Groups with the labels they have."""
    return tuple(
        Group(np.flatnonzero(codes == code), tuple(int(label) for label in observed[codes == code]))
        for code in np.unique(codes)
    )


def template_groups(codes: Any, template: tuple[int, ...]) -> tuple[Group, ...]:
    """Blocks that are each drawn afresh from a template, repeated when a block is longer, and cut at its size."""
    groups = []
    for code in np.unique(codes):
        units = np.flatnonzero(codes == code)
        groups.append(Group(units, template * -(-len(units) // len(template))))
    return tuple(groups)
