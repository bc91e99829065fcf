"""Least squares with every standard error of the contract; one model serves many outcomes."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.cluster_variance import (
    Clusters,
    adjusted_regressors,
    clusters_of,
    hotelling,
    satterthwaite,
    small_sample_factor,
)
from analysis.estimators.refusals import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True)
class LinearModel:
    """X (n x k, of full rank) with weights and clusters; `se` is a type of standard error, `df` a rule or None."""

    X: Floats
    names: tuple[str, ...]
    se: str
    df: str | None = None
    weights: Floats | None = None
    cluster: Ints | None = None
    bread: Floats | None = field(default=None)

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def k(self) -> int:
        return int(self.X.shape[1])

    @cached_property
    def L(self) -> Floats:
        """(X'WX)^-1 = L L', L upper triangular."""
        from scipy import linalg

        if self.n < self.k:
            raise Refused(f"the model has {self.k} coefficients and only {self.n} rows", "use fewer covariates")
        root = self.X if self.weights is None else self.X * np.sqrt(self.weights)[:, None]
        R = np.linalg.qr(root, mode="r")
        return np.asarray(linalg.solve_triangular(R, np.eye(self.k)))

    @cached_property
    def M(self) -> Floats:
        return self.L @ self.L.T

    @cached_property
    def WX(self) -> Floats:
        return self.X if self.weights is None else self.X * self.weights[:, None]

    @cached_property
    def leverage(self) -> Floats:
        Z = self.X @ self.L
        h = np.einsum("ij,ij->i", Z, Z)
        return h if self.weights is None else h * self.weights

    @cached_property
    def clusters(self) -> Clusters:
        if self.cluster is None:
            if not self.se.startswith("CR"):
                return clusters_of(np.arange(self.n))
            raise Refused(f"{self.se} needs a cluster and none is named", "add `cluster: column`, or choose an HC type")
        found = clusters_of(self.cluster)
        if found.count < 2:
            raise Refused("all rows used are in one cluster", "choose a smaller cluster")
        return found

    @cached_property
    def AX(self) -> Floats:
        """Regressors by which residuals are summed into scores, with the adjustment of the type."""
        if self.se.startswith("CR"):
            return adjusted_regressors(self.se, self.X, self.L, self.weights, self.clusters)
        return self.WX * np.sqrt(self._hc_factor)[:, None]

    @cached_property
    def _hc_factor(self) -> Floats:
        if self.se in ("classical", "HC0"):
            return np.ones(self.n)
        if self.se == "HC1":
            return np.full(self.n, self.n / self._residual_df)
        h = self.leverage
        if h.max() > FULL_LEVERAGE:
            raise Refused(
                self._alone(int(h.argmax())),
                f"use fewer covariates or fixed effects, or HC1 ({self.se} does not exist)",
            )
        return 1 / (1 - h) ** (2 if self.se == "HC3" else 1)

    def _alone(self, row: int) -> str:
        """Which column one row determines by itself."""
        own = [
            name
            for name, column in zip(self.names, self.X.T, strict=True)
            if column[row] != 0 and (np.delete(column, row) == 0).all()
        ]
        where = f"the column {own[0]!r}" if own else "a coefficient"
        return f"one row alone determines {where} (leverage 1)"

    @property
    def _residual_df(self) -> int:
        if self.n <= self.k:
            raise Refused(
                f"{self.n} rows for {self.k} coefficients leave nothing to estimate the variance from",
                "use fewer covariates",
            )
        return self.n - self.k

    @cached_property
    def well_conditioned(self) -> bool:
        return bool(np.linalg.cond(self.L) < 1e3)

    def fit(self, y: Floats) -> "LinearFit":
        """Coefficients and residuals of y (n); where needed, steps of refinement keep the digits of QR."""
        WX = self.WX
        beta = self.M @ (WX.T @ y)
        for _ in range(0 if self.well_conditioned else 2):
            beta = beta + self.M @ (WX.T @ (y - self.X @ beta))
        residuals = y - self.X @ beta
        exact = np.abs(residuals).max() <= 1e-12 * np.abs(y).max()
        return LinearFit(self, beta, np.zeros_like(residuals) if exact else residuals)

    @cached_property
    def _satterthwaite(self) -> dict[bytes, float]:
        """Degrees of freedom found so far: they depend on the design only, and many outcomes share one model."""
        return {}

    def contrast_df(self, c: Floats) -> float | None:
        """Degrees of freedom of a contrast c (k); None for the normal distribution."""
        rule = self.df or self.default_df
        if rule == "normal":
            return None
        if rule == "n-k":
            return float(self._residual_df)
        if rule == "G-1":
            return float(self.clusters.count - 1)
        if rule == "satterthwaite":
            key = c.tobytes()
            if key not in self._satterthwaite:
                self._satterthwaite[key] = satterthwaite(self.AX, self.X, self.M, self.weights, self.clusters, c)
            return self._satterthwaite[key]
        raise Refused(
            f"the degrees of freedom {rule!r} do not fit this method", "choose n-k, G-1, satterthwaite or normal"
        )

    @property
    def default_df(self) -> str:
        if self.se in ("CR2", "CR3"):
            return "satterthwaite"
        return "G-1" if self.se.startswith("CR") else "n-k"


@dataclass(frozen=True)
class LinearFit:
    """The fit of one outcome: beta (k), residuals (n), and what follows from them."""

    model: LinearModel
    beta: Floats
    residuals: Floats

    @cached_property
    def scores(self) -> Floats:
        """M X_g'A_g e_g by cluster (G x k), or by row for an HC type; covariance = scores'scores."""
        model = self.model
        per_row = model.AX * self.residuals[:, None]
        summed = model.clusters.sums(per_row) if model.se.startswith("CR") else per_row
        factor = (
            small_sample_factor(model.se, model.clusters.count, model.n, model.k) if model.se.startswith("CR") else 1.0
        )
        return np.asarray(summed @ model.M) * np.sqrt(factor)

    @cached_property
    def covariance(self) -> Floats:
        model = self.model
        if model.se == "classical":
            w = 1.0 if model.weights is None else model.weights
            return model.M * float((w * self.residuals**2).sum() / model._residual_df)
        if model.se.startswith("CR"):
            return self.scores.T @ self.scores
        weighted = model.AX * self.residuals[:, None]
        return np.asarray(model.M @ (weighted.T @ weighted) @ model.M)

    def contrast(self, c: Floats) -> tuple[float, float]:
        """Estimate and standard error of c'beta."""
        variance = float(c @ self.covariance @ c)
        return float(c @ self.beta), float(np.sqrt(max(variance, 0.0)))

    def joint(self, C: Floats) -> tuple[float, float, float | None]:
        """F, df, df2 of the test that C beta = 0, C (q x k)."""
        q = C.shape[0]
        middle = C @ self.covariance @ C.T
        if np.linalg.matrix_rank(middle) < q:
            raise Refused(
                f"the {q} terms cannot be tested together: their variance is singular",
                "use fewer terms, or more clusters",
            )
        difference = C @ self.beta
        wald = float(difference @ np.linalg.solve(middle, difference))
        rule = self.model.df or self.model.default_df
        if rule == "satterthwaite":
            model = self.model
            F, df2 = hotelling(model.AX, model.X, model.M, model.weights, model.clusters, C, wald)
            return F, float(q), df2
        return wald / q, float(q), self.model.contrast_df(C[0])

    @property
    def r2(self) -> float:
        """Share of the (weighted) variance around the mean that is explained."""
        y = self.model.X @ self.beta + self.residuals
        w = self.model.weights
        if w is None:
            return 1 - float(self.residuals @ self.residuals) / (float(y.var()) * len(y))
        total = float(w @ (y - np.average(y, weights=w)) ** 2)
        return 1 - float(w @ self.residuals**2) / total


def unit(size: int, place: int) -> Floats:
    c = np.zeros(size)
    c[place] = 1.0
    return c
