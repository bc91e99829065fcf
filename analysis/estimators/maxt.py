"""The distribution of the largest of several correlated t statistics, by integration over directions.

Z = r u with u uniform on the sphere of the rank d of the correlation; the maximum is r g(u), and r^2 / d over the
estimated variance has an F(d, df) distribution. So P(max <= c) = E_u F((c / g(u))^2 / d): one set of g(u) serves every
c, a singular correlation (all pairs) is no special case, and the radius is exact. Error below 1e-5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEED = 20260101
CIRCLE = 2**15
GOLDEN = (5**0.5 - 1) / 2
POINTS = 2**19
BINS = 6000


@dataclass(frozen=True)
class MaxT:
    """max_k |T_k| (two-sided) or max_k T_k: directions g with weights that sum to 1, rank d, df None for the normal."""

    g: Floats
    weights: Floats
    rank: int
    df: float | None

    def tail(self, t: float) -> float:
        """P(max >= t)."""
        from scipy import special

        with np.errstate(divide="ignore"):
            x = np.square(t / self.g) / self.rank
        beyond = special.chdtrc(self.rank, x * self.rank) if self.df is None else special.fdtrc(self.rank, self.df, x)
        if t >= 0:
            return float(self.weights @ np.where(self.g > 0, beyond, 0.0))
        return float(self.weights @ np.where(self.g < 0, 1 - beyond, 1.0))

    def critical(self, level: float) -> float:
        """c with P(max <= c) = level."""
        from scipy import optimize

        return float(optimize.brentq(lambda c: self.tail(c) - (1 - level), 1e-6, 1e3, xtol=1e-10))


def max_t(correlation: Floats, df: float | None, *, two_sided: bool = True) -> MaxT:
    """The maximum of K statistics with this correlation (K x K)."""
    values, vectors = np.linalg.eigh(correlation)
    keep = values > 1e-10 * values.max()
    root = vectors[:, keep] * np.sqrt(values[keep])
    rank = int(keep.sum())
    parts = []
    for u in _directions(rank):
        projected = u @ root.T
        parts.append(np.abs(projected).max(axis=1) if two_sided else projected.max(axis=1))
    g, weights = _binned(np.concatenate(parts))
    return MaxT(g, weights, rank, df)


def _directions(rank: int) -> list[Floats]:
    """Points spread evenly over the sphere: a circle, a spiral, or a scrambled net."""
    if rank == 1:
        return [np.array([[1.0], [-1.0]])]
    if rank == 2:
        angle = (np.arange(CIRCLE) + 0.5) * 2 * np.pi / CIRCLE
        return [np.column_stack([np.cos(angle), np.sin(angle)])]
    if rank == 3:
        place = np.arange(POINTS) + 0.5
        height = 1 - 2 * place / POINTS
        turn = 2 * np.pi * place * GOLDEN
        width = np.sqrt(1 - height**2)
        return [np.column_stack([width * np.cos(turn), width * np.sin(turn), height])]
    from scipy import special
    from scipy.stats import qmc

    uniform = qmc.Sobol(rank, rng=np.random.default_rng(SEED)).random(POINTS)
    normal: Floats = special.ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
    return [np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), np.float64)]


def _binned(g: Floats) -> tuple[Floats, Floats]:
    """Neighbouring values as one, with their mean: the integrand is smooth in g."""
    if len(g) <= BINS:
        return g, np.full(len(g), 1 / len(g))
    parts = np.array_split(np.sort(g), BINS)
    return np.array([part.mean() for part in parts]), np.array([len(part) for part in parts]) / len(g)


def correlation_of(covariance: Floats) -> Floats:
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)


def single_step(t: Floats, correlation: Floats, df: float | None, *, two_sided: bool = True) -> tuple[Floats, MaxT]:
    """Adjusted p of each statistic: P(max >= t_k); also the distribution itself."""
    law = max_t(correlation, df, two_sided=two_sided)
    size = np.abs(t) if two_sided else t
    return np.array([law.tail(float(value)) for value in size]), law


def step_down(t: Floats, correlation: Floats, df: float | None, *, two_sided: bool = True) -> Floats:
    """Adjusted p of the step-down procedure: each statistic against the maximum of those not larger."""
    size = np.abs(t) if two_sided else t
    order = np.argsort(-size, kind="stable")
    adjusted, least = np.empty(len(t)), 0.0
    for place, k in enumerate(order):
        rest = order[place:]
        law = max_t(correlation[np.ix_(rest, rest)], df, two_sided=two_sided)
        least = max(least, law.tail(float(size[k])))
        adjusted[k] = least
    return adjusted
