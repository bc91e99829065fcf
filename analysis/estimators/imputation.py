"""Multiple imputation by chained equations, all imputations at once (van Buuren 2018).

Each column with gaps is regressed on all others in turn; the regression is drawn from its posterior, and the gaps are
filled with draws from it (`norm`) or with values of persons whose prediction lies near (`pmm`).
"""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Bools, Floats, Ints

RIDGE = 1e-5


@dataclass(frozen=True)
class Recipe:
    """How to impute: `method` `norm` or `pmm`, `m` data sets, `cycles` rounds over the columns, `donors` for pmm."""

    method: str = "norm"
    m: int = 20
    cycles: int = 10
    donors: int = 5


@dataclass(frozen=True)
class Imputed:
    """`values` (m x n x columns), and the mean of the imputed values of each column after each cycle."""

    values: Floats
    trace: Floats


def impute(
    columns: Floats, predictors: Floats, group: Ints, recipe: Recipe, rng: np.random.Generator, names: tuple[str, ...]
) -> Imputed:
    """Fill the gaps (NaN) of `columns` (n x p) with `predictors` (n x q, complete), within each group of rows.

    Refused when a group has too few values of a column for its regression.
    """
    missing = np.isnan(columns)
    values = np.broadcast_to(columns, (recipe.m, *columns.shape)).copy()
    sums = np.zeros((recipe.cycles, columns.shape[1]))
    for number in range(int(group.max()) + 1):
        rows = np.flatnonzero(group == number)
        if missing[rows].any():
            chain = _Chain(columns[rows], predictors[rows], recipe, rng, names)
            sums += chain.run()
            values[:, rows] = np.where(missing[rows], chain.filled(), columns[rows])
    with np.errstate(invalid="ignore"):
        return Imputed(values, sums / (missing.sum(axis=0) * recipe.m))


class _Chain:
    """The data of one group, standardised by column, as m x rows x (columns, predictors, constant)."""

    def __init__(
        self, columns: Floats, predictors: Floats, recipe: Recipe, rng: np.random.Generator, names: tuple[str, ...]
    ) -> None:
        self.recipe, self.rng, self.names = recipe, rng, names
        self.missing: Bools = np.isnan(columns)
        self.refuse_unseen()
        self.centre = np.nanmean(columns, axis=0)
        spread = np.nanstd(columns, axis=0)
        self.scale = np.where(spread > 0, spread, 1.0)
        varying = predictors[:, np.ptp(predictors, axis=0) > 0]
        varying = (varying - varying.mean(axis=0)) / varying.std(axis=0)
        whole = np.column_stack([(columns - self.centre) / self.scale, varying, np.ones(columns.shape[0])])
        self.data = np.broadcast_to(whole, (recipe.m, *whole.shape)).copy()
        self.incomplete = np.flatnonzero(self.missing.any(axis=0))
        for j in self.incomplete:
            gaps, seen = np.flatnonzero(self.missing[:, j]), np.flatnonzero(~self.missing[:, j])
            self.data[:, gaps, j] = whole[rng.choice(seen, size=(recipe.m, gaps.size)), j]

    def refuse_unseen(self) -> None:
        for j in np.flatnonzero(self.missing.all(axis=0)):
            raise Refused(f"nobody has a value of {self.names[j]!r}", "leave it out, or use `by_arm: false`")

    def run(self) -> Floats:
        """All cycles; the sum of the imputed values of each column after each."""
        sums = np.zeros((self.recipe.cycles, self.missing.shape[1]))
        for cycle in range(self.recipe.cycles):
            for j in self.incomplete:
                gaps = np.flatnonzero(self.missing[:, j])
                self.data[:, gaps, j] = self.drawn(int(j), gaps)
                sums[cycle, j] = (self.data[:, gaps, j] * self.scale[j] + self.centre[j]).sum()
        return sums

    def drawn(self, j: int, gaps: Ints) -> Floats:
        """New values for the gaps of column j (m x gaps)."""
        seen = self.data[:, ~self.missing[:, j]]
        fitted, drawn, sigma = self.posterior(j, seen)
        predicted = (self.data[:, gaps] @ drawn[:, :, None])[:, :, 0]
        if self.recipe.method == "norm":
            return np.asarray(predicted + sigma[:, None] * self.rng.standard_normal(predicted.shape))
        near = (seen @ fitted[:, :, None])[:, :, 0]
        return self.matched(near, predicted, seen[0, :, j])

    def posterior(self, j: int, seen: Floats) -> tuple[Floats, Floats, Floats]:
        """Fitted and drawn coefficients (m x all columns, 0 for column j itself), and drawn residual deviations."""
        m, n, width = seen.shape
        others = np.delete(np.arange(width), j)
        free = n - others.size
        if free < 1:
            what = f"{n} values of {self.names[j]!r} are too few to predict it from {others.size - 1} other columns"
            raise Refused(what, "name fewer predictors, or use `by_arm: false`")
        gram = seen.transpose(0, 2, 1) @ seen
        inner, right = gram[:, others[:, None], others], gram[:, others, j]
        diagonal = np.arange(others.size)
        inner[:, diagonal, diagonal] *= 1 + RIDGE
        inner[:, diagonal, diagonal] += RIDGE
        inverse = np.linalg.inv(inner)
        fitted = (inverse @ right[:, :, None])[:, :, 0]
        squares = gram[:, j, j] - 2 * np.sum(fitted * right, axis=1)
        squares += np.einsum("ma,mab,mb->m", fitted, gram[:, others[:, None], others], fitted)
        sigma = np.sqrt(np.maximum(squares, 0.0) / self.rng.chisquare(free, m))
        noise = self.rng.standard_normal((m, others.size, 1))
        drawn = fitted + sigma[:, None] * (np.linalg.cholesky(inverse) @ noise)[:, :, 0]
        return _at(fitted, others, width), _at(drawn, others, width), sigma

    def matched(self, near: Floats, predicted: Floats, values: Floats) -> Floats:
        """A value of one of the `donors` persons whose prediction lies nearest, for each gap."""
        donors = min(self.recipe.donors, values.size)
        chosen = np.empty_like(predicted)
        for number, (known, wanted) in enumerate(zip(near, predicted, strict=True)):
            order = np.argsort(known, kind="stable")
            ranked = known[order]
            place = np.searchsorted(ranked, wanted)
            window = place[:, None] + np.arange(-donors, donors)
            distance = np.abs(ranked[np.clip(window, 0, values.size - 1)] - wanted[:, None])
            distance[(window < 0) | (window >= values.size)] = np.inf
            nearest = np.argpartition(distance, donors - 1, axis=1)[:, :donors]
            pick = nearest[np.arange(wanted.size), self.rng.integers(0, donors, wanted.size)]
            chosen[number] = values[order[window[np.arange(wanted.size), pick]]]
        return chosen

    def filled(self) -> Floats:
        """The columns in their own units."""
        values = self.data[:, :, : self.missing.shape[1]] * self.scale + self.centre
        return np.asarray(values)


def _at(part: Floats, places: Ints, width: int) -> Floats:
    whole = np.zeros((part.shape[0], width))
    whole[:, places] = part
    return whole
