"""Reliability of a scale: Cronbach's alpha, and omega from one factor."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.estimators.refusals import Refused, listed
from analysis.estimators.sample import Floats

HEYWOOD = 1e-4


@dataclass(frozen=True)
class Items:
    """Answers `x` (n x k, complete) to items with these names, reversed where the scale says so."""

    names: tuple[str, ...]
    x: Floats

    @property
    def k(self) -> int:
        return len(self.names)

    @cached_property
    def covariance(self) -> Floats:
        return np.atleast_2d(np.cov(self.x, rowvar=False))

    @cached_property
    def correlation(self) -> Floats:
        return np.atleast_2d(np.corrcoef(self.x, rowvar=False))

    @property
    def alpha(self) -> float:
        return alpha_of(self.covariance)

    @property
    def alpha_standardised(self) -> float:
        return alpha_of(self.correlation)

    @property
    def average_r(self) -> float:
        """The mean correlation of two items."""
        return float((self.correlation.sum() - self.k) / (self.k * (self.k - 1)))

    def alpha_without(self, place: int) -> float:
        rest = np.delete(np.delete(self.covariance, place, 0), place, 1)
        return alpha_of(rest)

    def rest_r(self, place: int) -> float | None:
        """The correlation of an item with the sum of the others; None when that sum does not vary."""
        rest = self.x.sum(axis=1) - self.x[:, place]
        if np.ptp(rest) == 0:
            return None
        return float(np.corrcoef(self.x[:, place], rest)[0, 1])

    def feldt(self, level: float) -> tuple[float, float]:
        """Limits of alpha (Feldt 1965)."""
        from scipy import special

        df, df2 = len(self.x) - 1, (len(self.x) - 1) * (self.k - 1)
        reach = (1 - level) / 2
        low, high = (1 - (1 - self.alpha) * float(special.fdtri(df, df2, p)) for p in (1 - reach, reach))
        return low, high


def alpha_of(covariance: Floats) -> float:
    k = len(covariance)
    total = float(covariance.sum())
    if total <= 1e-12 * float(np.trace(covariance)):
        raise Refused("the sum of the items does not vary", "check which items must be reversed")
    return k / (k - 1) * (1 - float(np.trace(covariance)) / total)


@dataclass(frozen=True)
class OneFactor:
    """Standardised loadings and unique variances of one factor (k each)."""

    loadings: Floats
    unique: Floats

    def omega(self, sd: Floats) -> float:
        """The share of the variance of the sum of items (with these standard deviations) that is the factor's."""
        common = float((self.loadings * sd).sum()) ** 2
        return common / (common + float((self.unique * sd**2).sum()))


def one_factor(items: Items) -> OneFactor:
    """Maximum likelihood of one factor, by the unique variances alone (Joereskog 1967)."""
    from scipy.optimize import minimize

    R = items.correlation
    if np.linalg.eigvalsh(R)[0] < 1e-10:
        raise Refused("one item is a combination of the others", "leave it out")
    start = 0.5 / np.diag(np.linalg.inv(R))
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10}
    bounds = [(HEYWOOD / 2, 1.0)] * items.k
    found = minimize(
        _misfit, np.clip(start, 0.01, 0.99), args=(R,), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    unique = np.asarray(found.x)
    stuck = [name for name, value in zip(items.names, unique, strict=True) if value < HEYWOOD]
    if stuck:
        raise Refused(
            f"one factor leaves no variance of its own to {listed(stuck)} (a Heywood case)",
            "use cronbach_alpha, or other items",
        )
    loadings = _loadings(unique, R)[0]
    return OneFactor(loadings * (np.sign(loadings.sum()) or 1.0), unique)


def _loadings(unique: Floats, R: Floats) -> tuple[Floats, Floats]:
    """Loadings at given unique variances, and all eigenvalues (rising) of the scaled correlations."""
    scale = np.sqrt(unique)
    values, vectors = np.linalg.eigh(R / scale[:, None] / scale)
    return scale * vectors[:, -1] * np.sqrt(max(float(values[-1]) - 1, 0.0)), values


def _misfit(unique: Floats, R: Floats) -> tuple[float, Floats]:
    loadings, values = _loadings(unique, R)
    rest = values[:-1]
    gradient = (loadings**2 + unique - np.diag(R)) / unique**2
    return float((rest - np.log(rest)).sum()) - len(rest), gradient
