"""One-stage pooling over sites: an effect of each arm that varies from site to site (random slopes), by REML."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Floats, Ints

PRECISION = 1e-10


@dataclass(frozen=True)
class SiteSlopes:
    """Mean effects, their covariance, the variance of the effects over sites, the residual variance."""

    estimate: Floats
    covariance: Floats
    between: Floats
    within: float
    loglik: float


@dataclass(frozen=True)
class _Products:
    """Cross-products of the design with the outcome as its last column, and by site with the slopes."""

    whole: Floats
    crossed: Floats  # sites x K x (p + 1)
    slopes: Floats  # sites x K x K
    n: int


def fit_site_slopes(y: Floats, z: Floats, X: Floats, site: Ints) -> SiteSlopes:
    """Fit y = X b + sum_a z_a (effect_a + u_a of the site) + e; `z` (n x K) is centred within the sites by the caller.

    The slopes of different arms are independent. A variance may be estimated as 0. Refused when
    there are no more rows than coefficients.
    """
    design = np.column_stack([z, X, y])
    sites, k = int(site.max()) + 1, z.shape[1]
    crossed = np.zeros((sites, k, design.shape[1]))
    for arm in range(k):
        np.add.at(crossed[:, arm], site, z[:, arm : arm + 1] * design)
    if y.size <= k + X.shape[1]:
        raise Refused(f"{y.size} rows for {k + X.shape[1]} coefficients leave nothing to estimate", "use fewer sites")
    products = _Products(design.T @ design, crossed, crossed[:, :, :k], y.size)
    tries = [_search(products, np.full(k, start)) for start in (0.05, 0.5)]
    ratio = min(tries, key=lambda found: found[1])[0]
    objective, gram, beta, within = _profile(products, ratio)
    covariance = np.asarray(within * np.linalg.inv(gram), dtype=np.float64)
    return SiteSlopes(beta[:k], covariance[:k, :k], within * ratio**2, within, -objective / 2)


def _search(products: _Products, start: Floats) -> tuple[Floats, float]:
    from scipy.optimize import minimize

    options = {"xatol": PRECISION, "fatol": PRECISION, "maxiter": 2000 * start.size}
    bounds = [(0.0, None)] * start.size
    found = minimize(lambda r: _profile(products, r)[0], start, method="Nelder-Mead", bounds=bounds, options=options)
    return np.asarray(found.x, dtype=np.float64), float(found.fun)


def _profile(products: _Products, ratio: Floats) -> tuple[float, Floats, Floats, float]:
    """Minus twice the REML log-likelihood at ratios of slope to residual deviation, with the rest of the fit there."""
    inner = np.eye(ratio.size) + ratio[:, None] * products.slopes * ratio
    scaled = ratio[:, None] * products.crossed
    solved = np.linalg.solve(inner, scaled)
    whole = products.whole - np.einsum("ska,skb->ab", scaled, solved)
    gram, right, square = whole[:-1, :-1], whole[:-1, -1], whole[-1, -1]
    beta = np.linalg.solve(gram, right)
    free = products.n - beta.size
    within = float(square - right @ beta) / free
    determinants = np.linalg.slogdet(inner)[1].sum() + np.linalg.slogdet(gram)[1]
    return float(determinants + free * (np.log(2 * np.pi * within) + 1)), gram, beta, within
