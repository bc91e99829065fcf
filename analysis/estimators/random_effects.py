"""Pooling of estimates over sites: variance between sites, mean, moderators (Viechtbauer 2005; Hartung-Knapp 2001)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.estimators.inference import chi2_tail
from analysis.estimators.refusals import Refused
from analysis.estimators.sample import Floats

STEPS = 500
PRECISION = 1e-12


@dataclass(frozen=True)
class Sites:
    """Estimates `y` with variances `v` (k each) and the design `X` (k x p) of their means."""

    y: Floats
    v: Floats
    X: Floats

    @property
    def k(self) -> int:
        return len(self.y)

    @property
    def free(self) -> int:
        """Degrees of freedom left by the design."""
        return int(self.k - self.X.shape[1])

    def projection(self, w: Floats) -> Floats:
        """P = W - W X (X'WX)^-1 X'W for weights w."""
        WX = self.X * w[:, None]
        return np.diag(w) - WX @ np.linalg.solve(self.X.T @ WX, WX.T)

    def weights(self, tau2: float) -> Floats:
        return np.asarray(1 / (self.v + tau2))

    def q(self, tau2: float) -> float:
        """The weighted sum of squares around the fit at a variance between sites."""
        return float(self.y @ self.projection(self.weights(tau2)) @ self.y)

    @cached_property
    def typical(self) -> float:
        """The typical variance within a site (Higgins and Thompson)."""
        return self.free / float(np.trace(self.projection(1 / self.v)))


def dersimonian_laird(sites: Sites) -> float:
    P = sites.projection(1 / sites.v)
    return max(0.0, (float(sites.y @ P @ sites.y) - sites.free) / float(np.trace(P)))


def hedges(sites: Sites) -> float:
    P = sites.projection(np.ones(sites.k))
    return max(0.0, float(sites.y @ P @ sites.y - np.trace(P * sites.v)) / sites.free)


def sidik_jonkman(sites: Sites) -> float:
    start = float(sites.y.var())
    return start * sites.q(start) / sites.free if start > 0 else 0.0


def paule_mandel(sites: Sites) -> float:
    return variance_where(sites, float(sites.free)) or 0.0


def maximum_likelihood(sites: Sites) -> float:
    return _scoring(sites, lambda P, w: (float(w.sum()), float((w**2).sum())), _ml)


def restricted_likelihood(sites: Sites) -> float:
    return _scoring(sites, lambda P, w: (float(np.trace(P)), float((P * P.T).sum())), _reml)


BETWEEN: dict[str, Callable[[Sites], float]] = {
    "FE": lambda sites: 0.0,
    "persons": lambda sites: 0.0,
    "DL": dersimonian_laird,
    "PM": paule_mandel,
    "REML": restricted_likelihood,
    "ML": maximum_likelihood,
    "HE": hedges,
    "SJ": sidik_jonkman,
}


def _ml(sites: Sites, tau2: float) -> float:
    return float(np.log(sites.v + tau2).sum()) + sites.q(tau2)


def _reml(sites: Sites, tau2: float) -> float:
    gram = sites.X.T @ (sites.X * sites.weights(tau2)[:, None])
    return _ml(sites, tau2) + float(np.linalg.slogdet(gram)[1])


def _scoring(
    sites: Sites, trace: Callable[[Floats, Floats], tuple[float, float]], objective: Callable[[Sites, float], float]
) -> float:
    """Fisher scoring from Hedges' estimate; a step that does not better the likelihood is halved."""
    tau2 = hedges(sites)
    at = objective(sites, tau2)
    for _ in range(STEPS):
        w = sites.weights(tau2)
        P = sites.projection(w)
        first, second = trace(P, w)
        residual = P @ sites.y
        step = (float(residual @ residual) - first) / second
        new = max(0.0, tau2 + step)
        while objective(sites, new) > at + PRECISION and abs(new - tau2) > PRECISION * sites.typical:
            new = (new + tau2) / 2
        moved, tau2, at = abs(new - tau2), new, objective(sites, new)
        if moved <= PRECISION * (tau2 + sites.typical):
            return tau2
    raise Refused("the variance between the sites did not converge", "choose `pooling: PM`, which has one solution")


def variance_where(sites: Sites, wanted: float) -> float | None:
    """The variance between sites at which Q equals `wanted`; None when Q stays below it, even at 0."""
    from scipy.optimize import brentq

    if sites.q(0.0) < wanted:
        return None
    high = sites.typical
    while sites.q(high) > wanted:
        high *= 4
    return float(brentq(lambda tau2: sites.q(tau2) - wanted, 0.0, high, xtol=1e-14, rtol=1e-14))


def q_profile(sites: Sites, level: float) -> tuple[float, float]:
    """Limits of the variance between sites (Viechtbauer 2007); both 0 when even 0 leaves Q too small."""
    from scipy import special

    reach = (1 - level) / 2
    low = variance_where(sites, float(special.chdtri(sites.free, reach)))
    high = variance_where(sites, float(special.chdtri(sites.free, 1 - reach)))
    return low or 0.0, high or 0.0


@dataclass(frozen=True)
class PooledSites:
    """Coefficients and covariance; `df` None for the normal distribution; `w` the weights of the sites."""

    sites: Sites
    beta: Floats
    covariance: Floats
    tau2: float
    df: float | None
    w: Floats

    @property
    def heterogeneity(self) -> tuple[float, int, float]:
        """Q, its degrees of freedom and p-value."""
        q = self.sites.q(0.0)
        return q, self.sites.free, chi2_tail(q, self.sites.free)

    def share(self, tau2: float) -> float:
        """I2 in percent at a variance between sites."""
        return 100 * tau2 / (tau2 + self.sites.typical)


def pool_sites(sites: Sites, method: str, *, hksj: bool, floor: bool, n: Floats | None = None) -> PooledSites:
    """Pool by a method of `BETWEEN`; `n` (k) are the weights of `persons`.

    hksj: standard errors after Hartung, Knapp, Sidik and Jonkman, with t(k - p); floor: their factor at least 1.
    """
    if sites.free < 1:
        raise Refused(f"{sites.k} sites are too few for {sites.X.shape[1]} coefficients", "pool more sites")
    tau2 = BETWEEN[method](sites)
    inverse = sites.weights(tau2)
    w = inverse if n is None else n
    project = np.linalg.solve(sites.X.T @ (sites.X * w[:, None]), (sites.X * w[:, None]).T)
    beta = project @ sites.y
    covariance = (project / inverse) @ project.T
    if hksj:
        factor = float((inverse * (sites.y - sites.X @ beta) ** 2).sum()) / sites.free
        covariance = covariance * (max(1.0, factor) if floor else factor)
    return PooledSites(sites, beta, covariance, tau2, float(sites.free) if hksj else None, w)
