"""Statistics of the arms for many draws at once: one evaluator for each kind of statistic."""

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.arm_sums import ArmSums, UnitSums, indicator
from analysis.estimators.assignments import Draws, Labels
from analysis.estimators.drawn_frame import Found, Frame
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Codes = tuple[int, ...]


def tidy(values: Floats, scale: Floats) -> Floats:
    """Rounding noise as the zero it stands for."""
    return np.where(np.abs(values) < 1e-13 * scale, 0.0, values)


class Differences:
    """Raw differences of means, with Neyman's or (for clusters) the CR2 variance."""

    centred = False

    def __init__(self, frame: Frame, outcomes: Floats, codes: Codes, *, pair: int | None, squares: bool) -> None:
        sums = UnitSums.of(outcomes, frame.unit, frame.units)
        observed = frame.procedure.observed
        self.units = np.flatnonzero(np.isin(observed, (0, pair))) if pair is not None else None
        if self.units is not None:
            sums = UnitSums(sums.sums[self.units], sums.counts[self.units])
        self.sums = ArmSums(sums, squares=squares)
        self.codes = codes
        seen = outcomes[~np.isnan(outcomes)]
        self.scale = np.asarray(np.ptp(seen) if len(seen) else 1.0)

    def evaluate(self, labels: Labels) -> Found:
        if self.units is not None:
            labels = np.ascontiguousarray(labels[:, self.units])
        parts = [self.sums.sums(indicator(labels, code)) for code in self.codes]
        whole = self.sums.total.reshape(1, *parts[0].shape[1:])
        control = self.sums.moments(whole - sum(parts))
        arms = [self.sums.moments(part) for part in parts]
        E = np.stack([tidy(mean - control[1], self.scale) for _, mean, _ in arms], axis=1)
        if control[2] is None:
            return E, None, self._classical_f([control, *arms])
        variances = [tidy(v, self.scale**2) for _, _, v in (control, *arms) if v is not None]
        V = np.stack([variance + variances[0] for variance in variances[1:]], axis=1)
        return E, V, _wald([control[1], *(mean for _, mean, _ in arms)], variances)

    def _classical_f(self, groups: list[tuple[Floats, Floats, Floats | None]]) -> Floats:
        """Between-arm sum of squares over its df: the ANOVA F but for a monotone change."""
        n = np.stack([count for count, _, _ in groups])
        mean = np.nan_to_num(np.stack([m for _, m, _ in groups]))
        centre = (n * mean).sum(axis=0) / n.sum(axis=0)
        return (n * (mean - centre) ** 2).sum(axis=0) / (len(groups) - 1)


def _wald(means: list[Floats], variances: list[Floats]) -> Floats:
    """Wald statistic over its df that all means are equal, means independent."""
    mean, variance = np.stack(means), np.stack(variances)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = 1 / variance
        centre = (w * mean).sum(axis=0) / w.sum(axis=0)
        F = (w * (mean - centre) ** 2).sum(axis=0) / (len(means) - 1)
    return np.where(np.isnan(F), 0.0, F)


class DrawnRows:
    """Labels of rows from labels of units, for statistics that need the rows themselves."""

    def __init__(self, frame: Frame, outcomes: Floats, codes: tuple[int, ...], pair: int | None) -> None:
        arm = frame.sample.arm
        self.keep = np.flatnonzero(np.isin(arm, (0, pair))) if pair is not None else np.arange(len(arm))
        self.unit = frame.unit[self.keep]
        self.outcomes = outcomes[self.keep]
        self.seen = ~np.isnan(self.outcomes)
        self.filled = np.where(self.seen, self.outcomes, 0.0)
        self.codes = codes

    def inside(self, labels: Labels, code: int) -> Floats:
        return indicator(labels[:, self.unit], code)

    def differences(self, labels: Labels) -> list[Floats]:
        n0, s0 = (self.inside(labels, 0) @ part for part in (self.seen.astype(float), self.filled))
        found = []
        for code in self.codes:
            n1, s1 = (self.inside(labels, code) @ part for part in (self.seen.astype(float), self.filled))
            with np.errstate(divide="ignore", invalid="ignore"):
                found.append(s1 / n1 - s0 / n0)
        return found


def _largest(E: Floats) -> Floats:
    """A joint statistic where no F exists: the sum of squares over the arms."""
    return np.square(E).sum(axis=1)


class BlockedDifferences:
    """Differences within blocks weighted by the size of the block."""

    centred = False

    def __init__(self, context: Context, frame: Frame, rows: DrawnRows) -> None:
        design = context.analysis.design
        ref = design.block if design is not None and design.block is not None else context.key("block")
        if ref is None:
            raise Refused("the statistic `blocked_difference` needs a block", "add `block: column`")
        self.rows = rows
        codes = frame.sample.levels(ref).codes[rows.keep]
        self.order = np.argsort(codes, kind="stable")
        ordered = codes[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.size = np.add.reduceat(rows.seen[self.order].astype(float), self.starts, axis=0)

    def _sums(self, labels: Labels, code: int, values: Floats) -> Floats:
        inside = self.rows.inside(labels, code)[:, self.order]
        return np.stack(
            [np.add.reduceat(inside * column, self.starts, axis=1) for column in values[self.order].T], axis=2
        )

    def evaluate(self, labels: Labels) -> Found:
        seen, filled = self.rows.seen.astype(float), self.rows.filled
        n0, s0 = self._sums(labels, 0, seen), self._sums(labels, 0, filled)
        found = []
        for code in self.rows.codes:
            n1, s1 = self._sums(labels, code, seen), self._sums(labels, code, filled)
            usable = (n1 > 0) & (n0 > 0)
            gap = np.where(usable, s1 / np.maximum(n1, 1) - s0 / np.maximum(n0, 1), 0.0)
            weight = usable * self.size[None]
            with np.errstate(invalid="ignore", divide="ignore"):
                found.append((gap * weight).sum(axis=1) / weight.sum(axis=1))
        E = np.stack(found, axis=1)
        return E, None, _largest(E)


class RankSums:
    """Sum of the ranks of the arm's rows, among all rows that take part."""

    centred = True

    def __init__(self, rows: DrawnRows) -> None:
        from scipy import stats

        self.rows = rows
        ranks = np.zeros_like(rows.filled)
        for column in range(ranks.shape[1]):
            seen = rows.seen[:, column]
            ranks[seen, column] = stats.rankdata(rows.outcomes[seen, column])
        self.ranks = ranks

    def evaluate(self, labels: Labels) -> Found:
        E = np.stack([self.rows.inside(labels, code) @ self.ranks for code in self.rows.codes], axis=1)
        middle = (self.ranks.sum(axis=0) / np.maximum(self.rows.seen.sum(axis=0), 1))[None]
        size = [self.rows.inside(labels, code) @ self.rows.seen.astype(float) for code in (0, *self.rows.codes)]
        total = self.ranks.sum(axis=0)[None] - sum(E[:, k] for k in range(E.shape[1]))
        sums = [total, *(E[:, k] for k in range(E.shape[1]))]
        with np.errstate(invalid="ignore", divide="ignore"):
            H = sum(n * (s / n - middle) ** 2 for n, s in zip(size, sums, strict=True))
        return E, None, np.nan_to_num(H)


class HorvitzThompson:
    """Inverse-probability weighted difference, with the chances that the procedure gives each unit."""

    centred = False

    def __init__(self, rows: DrawnRows, frame: Frame, draws: Draws) -> None:
        self.rows = rows
        chance = assignment_chances(draws, frame.procedure.arms, frame.units)[:, rows.unit]
        if (chance[[0, *rows.codes]] <= 0).any():
            raise Refused("some units could never get one of the arms", "leave them out by `subset`")
        self.weighted = [rows.filled / part[:, None] for part in chance]
        self.n = rows.seen.sum(axis=0)

    def evaluate(self, labels: Labels) -> Found:
        base = self.rows.inside(labels, 0) @ self.weighted[0]
        found = [(self.rows.inside(labels, code) @ self.weighted[code] - base) / self.n for code in self.rows.codes]
        E = np.stack(found, axis=1)
        return E, None, _largest(E)


def assignment_chances(draws: Draws, arms: int, units: int) -> Floats:
    """P(unit gets arm) (arms x units): from the pools, or counted over the draws where the pools do not tell."""
    procedure = draws.procedure
    chance = np.zeros((arms, units))
    if procedure.rules or procedure.listed is not None or procedure.source is not None:
        counted = [(labels.copy(), len(labels)) for labels in draws.chunks()]
        weights = np.concatenate(draws.weights) if draws.weights else np.ones(sum(m for _, m in counted))
        every = np.concatenate([labels for labels, _ in counted])
        return np.stack([np.average(every == arm, axis=0, weights=weights) for arm in range(arms)])
    chance[procedure.observed, np.arange(units)] = 1.0
    for group in procedure.groups:
        pool = np.array(group.pool)
        for arm in range(arms):
            chance[arm, group.units] = (pool == arm).mean()
    return chance
