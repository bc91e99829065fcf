"""Statistics of many assignments at once, by matrix products over chunks of draws.

An estimate is linear in the outcome and its variance quadratic, so both come from sums by arm: one product of the
0/1 labels with columns (count, sum, square) by size of unit. With clusters the variance is CR2 of the raw difference;
with single rows it is Neyman's.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.assignments import Labels

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Statistic(Protocol):
    """From labels (m x units) and two arm codes: estimates and variances (m x outcomes); variances None if unused."""

    def __call__(self, labels: Labels) -> tuple[Floats, Floats | None]: ...


@dataclass(frozen=True)
class UnitSums:
    """Outcomes summed within units: sums and counts (units x q); `constant` is added back where a sum needs it."""

    sums: Floats
    counts: Floats

    @classmethod
    def of(cls, outcomes: Floats, unit: Ints, units: int) -> "UnitSums":
        """From rows (n x q, NaN missing) with the place of each row's unit."""
        seen = ~np.isnan(outcomes)
        filled = np.where(seen, outcomes, 0.0)
        if units == len(unit) and (unit == np.arange(units)).all():
            return cls(filled, seen.astype(np.float64))
        sums = np.stack([np.bincount(unit, column, units) for column in filled.T], axis=1)
        counts = np.stack([np.bincount(unit, column, units) for column in seen.T.astype(float)], axis=1)
        return cls(sums.astype(np.float64), counts.astype(np.float64))


class ArmSums:
    """Sums by arm that difference, Welch's t and the omnibus test need, for every draw and outcome."""

    def __init__(self, unit: UnitSums, *, squares: bool) -> None:
        self.q = unit.sums.shape[1]
        self.squares = squares
        sizes = np.unique(unit.counts[unit.counts > 0])
        columns: list[Floats] = []
        self.sizes = sizes
        mean = unit.sums.sum(axis=0) / np.maximum(unit.counts.sum(axis=0), 1)
        self.centre = mean
        centred = unit.sums - unit.counts * mean
        for size in sizes:
            inside = unit.counts == size
            columns += [inside.astype(np.float64), centred * inside]
            if squares:
                columns.append(np.square(centred) * inside)
        self.complete = bool((unit.counts == unit.counts[:, :1]).all())
        self.columns = np.ascontiguousarray(np.hstack(columns)) if columns else np.zeros((len(unit.sums), 0))
        self.total = self.columns.sum(axis=0)

    def sums(self, inside: Floats) -> Floats:
        """(m x sizes x kinds x q): counts, sums and squares of the units inside (m x units, 0/1)."""
        kinds = 3 if self.squares else 2
        return (inside @ self.columns).reshape(len(inside), len(self.sizes), kinds, self.q)

    def moments(self, parts: Floats) -> tuple[Floats, Floats, Floats | None]:
        """Count, mean and variance of the mean (m x q) from the sums of one arm."""
        weight = self.sizes[None, :, None]
        n = (parts[:, :, 0] * weight).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = parts[:, :, 1].sum(axis=1) / n
            if not self.squares:
                return n, mean, None
            m = mean[:, None, :]
            around = parts[:, :, 2] - 2 * weight * m * parts[:, :, 1] + weight**2 * m**2 * parts[:, :, 0]
            left = 1 - weight / n[:, None, :]
            held = parts[:, :, 0] > 0
            variance = np.where(held, np.maximum(around, 0.0) / np.where(held, left, 1.0), 0.0).sum(axis=1) / n**2
        return n, mean, variance


def indicator(labels: Labels, arm: int) -> Floats:
    return (labels == arm).astype(np.float64)
