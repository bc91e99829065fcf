"""Simultaneous bands: how wide intervals must be to hold all together (sup-t)."""

import numpy as np

from analysis.estimators.inference import t_quantile
from analysis.estimators.survival_curves import Floats

POINTS = 14  # two to this power
SMALL = 1e-9  # added to the diagonal: months that move exactly together are no trouble then


def box_probability(factor: Floats, half: float, points: Floats) -> float:
    """P(max |Z| <= half) for Z = factor N(0, I), by Genz's sequence of conditional probabilities at `points`."""
    from scipy.special import ndtr, ndtri

    dims = factor.shape[0]
    drawn = np.zeros((points.shape[0], dims))
    total = np.ones(points.shape[0])
    for t in range(dims):
        mean = drawn[:, :t] @ factor[t, :t]
        low, high = ndtr((-half - mean) / factor[t, t]), ndtr((half - mean) / factor[t, t])
        total *= high - low
        if t + 1 < dims:
            drawn[:, t] = ndtri(np.clip(low + points[:, t] * (high - low), 1e-300, 1 - 1e-16))
    return float(total.mean())


def sup_t(correlation: Floats, level: float, seed: int = 1) -> float:
    """The c with P(max |Z| <= c) = `level` for Z ~ N(0, correlation); same seed, same number (error near 1e-4)."""
    from scipy.optimize import brentq
    from scipy.stats import qmc

    dims = correlation.shape[0]
    low, high = t_quantile(0.5 + level / 2, None), t_quantile(1 - (1 - level) / (2 * dims), None)
    if dims == 1:
        return low
    factor = np.asarray(np.linalg.cholesky(correlation + SMALL * np.eye(dims)), dtype=np.float64)
    points = qmc.Sobol(max(dims - 1, 1), rng=np.random.default_rng(seed)).random_base2(POINTS)
    points = np.abs(2 * points - 1)  # the tent makes the integrand periodic, which the points reward
    return float(brentq(lambda half: box_probability(factor, half, points) - level, low - 1e-6, high + 1e-2, xtol=1e-7))
