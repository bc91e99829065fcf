"""Repeated measures with a free covariance of the waves (MMRM), by REML.

A person has one row of `Z` and an outcome at each wave; `place` says which coefficient a column of `Z` has at a wave.
The likelihood needs only the cross-products of `Z` and the outcomes in each pattern of observed waves, so its cost does
not depend on the number of persons. Degrees of freedom: Satterthwaite, or Kenward and Roger 1997 without the second
derivatives of the covariance ("linear"), both from the observed information of the covariance parameters.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Floats, Ints
from analysis.estimators.wave_covariance import Structure, positive

SIMPLER = "choose a simpler `covariance`, or fewer waves"
POLISH = 8
FLAT = 1e-7
STEP = 1e-3  # of the differences that give the information; their error is of the fourth order


@dataclass(frozen=True)
class Patterns:
    """The patterns of observed waves and the cross-products in each, zero where a wave was not observed."""

    seen: Floats  # patterns x T, 0 or 1
    persons: Floats
    kind: Ints  # pattern of each person
    zz: Floats  # patterns x q x q
    zy: Floats  # patterns x q x T
    yy: Floats  # patterns x T x T

    @cached_property
    def pairs(self) -> Floats:
        """1 where both waves were observed (patterns x T x T)."""
        return self.seen[:, :, None] * self.seen[:, None, :]


@dataclass(frozen=True)
class Panel:
    """`Z` (n x q), `Y` (n x T, NaN where missing) and `place` (T x q: the coefficient of a column, -1 for none)."""

    Z: Floats
    Y: Floats
    place: Ints

    @cached_property
    def patterns(self) -> Patterns:
        kinds, kind = np.unique(~np.isnan(self.Y), axis=0, return_inverse=True)
        kind, Y = kind.ravel(), np.nan_to_num(self.Y)
        groups = np.split(np.argsort(kind, kind="stable"), np.cumsum(np.bincount(kind))[:-1])
        parts = [(self.Z[rows], Y[rows]) for rows in groups]
        zz, zy, yy = (
            np.stack([left.T @ right for left, right in pairs])
            for pairs in ([(z, z) for z, _ in parts], parts, [(y, y) for _, y in parts])
        )
        return Patterns(kinds.astype(np.float64), np.bincount(kind).astype(np.float64), kind, zz, zy, yy)

    @cached_property
    def coefficients(self) -> int:
        return int(self.place.max()) + 1

    @cached_property
    def waves(self) -> int:
        return int(self.Y.shape[1])

    @cached_property
    def observations(self) -> int:
        return int((~np.isnan(self.Y)).sum())

    @cached_property
    def spread(self) -> Floats:
        """The 0/1 matrix (T q x coefficients) that leads from columns at waves to coefficients."""
        place = self.place.ravel()
        matrix = np.zeros((place.size, self.coefficients))
        used = np.flatnonzero(place >= 0)
        matrix[used, place[used]] = 1.0
        return matrix

    @cached_property
    def moments(self) -> Floats:
        return self.patterns.zz.reshape(self.patterns.persons.size, -1)

    def by_wave(self, beta: Floats) -> Floats:
        """Coefficients of the columns at each wave (T x q)."""
        return np.asarray(self.spread @ beta).reshape(self.waves, -1)

    def gram(self, weights: Floats) -> Floats:
        """Sum of X' W X over the persons, for weights (.. x patterns x T x T)."""
        waves, q = self.waves, self.Z.shape[1]
        batch = weights.shape[:-3]
        flat = np.moveaxis(weights.reshape(-1, self.patterns.persons.size, waves * waves), 1, 2)
        wide = (flat @ self.moments).reshape(-1, waves, waves, q, q).transpose(0, 1, 3, 2, 4)
        wide = wide.reshape(-1, waves * q, waves * q)
        return np.asarray(self.spread.T @ wide @ self.spread).reshape(*batch, self.coefficients, self.coefficients)

    def product(self, weights: Floats) -> Floats:
        """Sum of X' W y over the persons."""
        total = np.einsum("pst,pqt->sq", weights, self.patterns.zy)
        return np.asarray(self.spread.T @ total.ravel())

    def residual_products(self, beta: Floats) -> Floats:
        """Sum of r r' in each pattern (patterns x T x T, zero at waves not observed)."""
        b = self.by_wave(beta)
        cross = b @ self.patterns.zy
        fitted = b @ self.patterns.zz @ b.T
        return np.asarray(self.patterns.pairs * (self.patterns.yy - cross - cross.transpose(0, 2, 1) + fitted))


@dataclass(frozen=True)
class _Fitted:
    """Everything at one value of the covariance parameters."""

    sigma: Floats
    slopes: Floats  # k x T x T
    weights: Floats  # patterns x T x T
    phi: Floats
    beta: Floats
    loglik: float

    @cached_property
    def weight_slopes(self) -> Floats:
        """Derivatives of the inverse covariances (k x patterns x T x T)."""
        return -(self.weights[None] @ self.slopes[:, None] @ self.weights[None])


def _fitted(panel: Panel, kind: Structure, theta: Floats) -> _Fitted:
    """Generalised least squares at `theta`; LinAlgError when the covariance or the design is not of full rank."""
    sigma, slopes = kind.at(theta)
    patterns = panel.patterns
    # a wave that was not observed gets variance 1 and no covariance, and no weight
    parts = patterns.pairs * sigma + np.eye(panel.waves) * (1 - patterns.seen)[:, None, :]
    factors = np.linalg.cholesky(parts)
    inverses = np.linalg.inv(factors)
    weights = patterns.pairs * (inverses.transpose(0, 2, 1) @ inverses)
    logs = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    determinants = 2 * float(patterns.persons @ logs)
    gram = panel.gram(weights)
    root = np.linalg.cholesky(gram)
    phi = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    beta = phi @ panel.product(weights)
    squares = float(np.sum(weights * panel.residual_products(beta)))
    free = panel.observations - panel.coefficients
    determinants += 2 * float(np.sum(np.log(np.diag(root))))
    loglik = -0.5 * (determinants + squares + free * np.log(2 * np.pi))
    return _Fitted(sigma, slopes, weights, phi, beta, loglik)


def _score(panel: Panel, at: _Fitted) -> Floats:
    """Derivatives of the REML log-likelihood: half of tr(dS (W (R + X phi X') W - n W)) over the patterns."""
    persons = panel.patterns.persons
    waves, q = panel.waves, panel.Z.shape[1]
    wide = (panel.spread @ at.phi @ panel.spread.T).reshape(waves, q, waves, q).transpose(0, 2, 1, 3)
    fixed = (panel.moments @ wide.reshape(waves**2, q**2).T).reshape(-1, waves, waves)
    products = panel.residual_products(at.beta) + fixed
    middle = at.weights @ products @ at.weights - persons[:, None, None] * at.weights
    return np.asarray(0.5 * np.einsum("kst,ts->k", at.slopes, middle.sum(axis=0)))


@dataclass(frozen=True)
class Mmrm:
    """A converged fit. It was made on outcomes divided by `scale`; what it gives is in their own units."""

    panel: Panel
    kind: Structure
    theta: Floats
    information: Floats
    scale: float

    @cached_property
    def at(self) -> _Fitted:
        return _fitted(self.panel, self.kind, self.theta)

    @property
    def beta(self) -> Floats:
        """The coefficients; those of the means are relative to the mean of all outcomes of the wave."""
        return self.at.beta * self.scale

    @property
    def covariance(self) -> Floats:
        """The model covariance of the coefficients."""
        return self.at.phi * self.scale**2

    @property
    def sigma(self) -> Floats:
        """The covariance of the waves."""
        return self.at.sigma * self.scale**2

    @property
    def loglik(self) -> float:
        """The REML log-likelihood."""
        return self.at.loglik - (self.panel.observations - self.panel.coefficients) * float(np.log(self.scale))

    @cached_property
    def theta_covariance(self) -> Floats:
        return np.asarray(np.linalg.inv(self.information))

    @cached_property
    def gram_slopes(self) -> Floats:
        """Derivatives of X' S^-1 X by the covariance parameters (k x p x p)."""
        return self.panel.gram(self.at.weight_slopes)

    def satterthwaite(self, contrast: Floats) -> float:
        """Degrees of freedom of one contrast: 2 f^2 / (g' A g)."""
        moved = self.at.phi @ contrast
        slopes = -np.einsum("a,kab,b->k", moved, self.gram_slopes, moved)
        return float(2 * (contrast @ moved) ** 2 / (slopes @ self.theta_covariance @ slopes))

    def satterthwaite_f(self, contrasts: Floats) -> tuple[float, float]:
        """F of several contrasts and its denominator df, from those of independent directions (Fai and Cornelius)."""
        covariance = contrasts @ self.at.phi @ contrasts.T
        values, vectors = np.linalg.eigh(covariance)
        rotated = vectors.T @ contrasts
        each = np.array([self.satterthwaite(row) for row in rotated])
        statistic = float(np.mean((rotated @ self.at.beta) ** 2 / values))
        if each.size == 1:
            return statistic, float(each[0])
        useful = float(np.sum(each[each > 2] / (each[each > 2] - 2)))
        q = contrasts.shape[0]
        return statistic, 2 * useful / (useful - q) if useful > q else 2.0

    @cached_property
    def adjusted(self) -> Floats:
        """The covariance of the coefficients inflated for the estimated covariance of the waves (linear variant)."""
        at, spread = self.at, self.theta_covariance
        mixed = np.einsum("ij,jst->ist", spread, at.slopes)
        inner = np.einsum("ist,ptu,iuv->psv", at.slopes, at.weights, mixed)
        second = self.panel.gram(at.weights @ inner @ at.weights)
        weighted = np.einsum("ij,jab->iab", spread, self.gram_slopes)
        phi = at.phi
        first = np.sum(self.gram_slopes @ phi @ weighted, axis=0)
        return np.asarray(phi + 2 * phi @ (second - first) @ phi) * self.scale**2

    def kenward_roger(self, contrasts: Floats) -> tuple[float, float]:
        """The scale of the F statistic of `contrasts` and its denominator df (Kenward and Roger 1997, section 3)."""
        q, phi = contrasts.shape[0], self.at.phi
        theta = contrasts.T @ np.linalg.solve(contrasts @ phi @ contrasts.T, contrasts) @ phi
        parts = theta @ self.gram_slopes @ phi
        traces = np.trace(parts, axis1=1, axis2=2)
        a1 = float(traces @ self.theta_covariance @ traces)
        a2 = float(np.einsum("ij,iab,jba->", self.theta_covariance, parts, parts))
        if q == 1:
            return 1.0, 2.0 / a2
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        mean = 1 / (1 - a2 / q)
        variance = 2 / q * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
        rho = variance / (2 * mean**2)
        df = 4 + (q + 2) / (q * rho - 1)
        return float(df / (mean * (df - 2))), float(df)

    def sandwich(self, cluster: Ints) -> Floats:
        """Robust covariance of the coefficients with scores summed by cluster (0, 1, ..)."""
        residuals = np.nan_to_num(self.panel.Y - self.panel.Z @ self.panel.by_wave(self.at.beta).T)
        weighted = np.einsum("it,its->is", residuals, self.at.weights[self.panel.patterns.kind])
        wide = (weighted[:, :, None] * self.panel.Z[:, None, :]).reshape(weighted.shape[0], -1)
        scores = np.zeros((int(cluster.max()) + 1, wide.shape[1]))
        np.add.at(scores, cluster, wide)
        influence = scores @ self.panel.spread @ self.at.phi
        return np.asarray(influence.T @ influence) * self.scale**2


def fit_mmrm(panel: Panel, kind: Structure) -> Mmrm:
    """Maximise the REML likelihood; the design holds a mean for each wave. Refused without a proper maximum."""
    from scipy.optimize import minimize

    centred = panel.Y - np.nanmean(panel.Y, axis=0)
    scale = float(np.nanstd(centred))
    panel = Panel(panel.Z, centred / scale, panel.place)
    start = kind.start(_start(panel))
    size = panel.observations

    def objective(theta: Floats) -> tuple[float, Floats]:
        try:
            at = _fitted(panel, kind, theta)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(theta.size)
        return -at.loglik / size, -_score(panel, at) / size

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 500})
        theta = np.asarray(found.x, dtype=np.float64)
        for _ in range(POLISH):
            slope = objective(theta)[1] * size
            information = _information(panel, kind, theta)
            step = np.linalg.solve(information, slope)
            theta = theta - step
            if float(slope @ step) < 1e-16 * size:
                break
        else:
            raise Refused("the likelihood has no maximum that the search could reach", SIMPLER)
    _refuse_flat(information)
    return Mmrm(panel, kind, theta, information, scale)


def _refuse_flat(information: Floats) -> None:
    """Refuse a likelihood that does not fall on all sides, as when two waves were never seen in one person."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    if np.linalg.eigvalsh(information / np.outer(scale, scale))[0] < FLAT or (scale < 1e-5).any():
        raise Refused("the likelihood has no proper maximum", SIMPLER)


def _information(panel: Panel, kind: Structure, theta: Floats) -> Floats:
    """Minus the second derivatives of the log-likelihood, by differences of the exact first ones."""

    def slope(moved: Floats) -> Floats:
        try:
            return _score(panel, _fitted(panel, kind, moved))
        except np.linalg.LinAlgError:
            raise Refused("the covariance of the waves is at the edge of what is possible", SIMPLER) from None

    matrix = np.empty((theta.size, theta.size))
    for j, unit in enumerate(np.eye(theta.size) * STEP):
        near, far = slope(theta + unit) - slope(theta - unit), slope(theta + 2 * unit) - slope(theta - 2 * unit)
        matrix[j] = -(8 * near - far) / (12 * STEP)
    return np.asarray((matrix + matrix.T) / 2)


def _start(panel: Panel) -> Floats:
    """Covariance of the residuals of least squares over all waves, from the pairs of waves seen together."""
    weights = np.eye(panel.waves) * panel.patterns.seen[:, None, :]
    counts = np.einsum("p,pst->st", panel.patterns.persons, panel.patterns.pairs)
    beta = np.asarray(np.linalg.solve(panel.gram(weights), panel.product(weights)), dtype=np.float64)
    sigma = panel.residual_products(beta).sum(axis=0) / np.maximum(counts, 1)
    return positive(sigma)
