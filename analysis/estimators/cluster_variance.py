"""Cluster-robust variances CR0 to CR3 of a linear fit, with Satterthwaite degrees of freedom.

Bell and McCaffrey (2002), Pustejovsky and Tipton (2018), working covariance the identity. Nothing of size n x n or
G x G is formed: the cost is O(n p^2) plus one small eigenproblem a cluster.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.inference import symmetric_power
from analysis.estimators.refusals import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
ABSORBED = 1e-9


@dataclass(frozen=True)
class Clusters:
    """n rows in G clusters: `order` sorts rows by cluster, `starts` is where each cluster begins in that order."""

    order: Ints
    starts: Ints
    sizes: Ints

    @property
    def count(self) -> int:
        return len(self.starts)

    def sums(self, values: Floats) -> Floats:
        """Sums within clusters of values with n rows."""
        return np.add.reduceat(values[self.order], self.starts, axis=0)


def clusters_of(codes: Ints) -> Clusters:
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return Clusters(order, starts, np.diff(np.r_[starts, len(codes)]))


def small_sample_factor(se: str, clusters: int, n: int, k: int) -> float:
    """What the sum over clusters is multiplied with."""
    if se == "CR1":
        return clusters / (clusters - 1)
    if se == "CR1S":
        return clusters / (clusters - 1) * (n - 1) / (n - k)
    return 1.0


def adjusted_regressors(se: str, X: Floats, L: Floats, w: Floats | None, clusters: Clusters) -> Floats:
    """A_g W_g X_g stacked (n x p): A_g is I for CR0 and CR1, (I - H)_gg^-1/2 for CR2 and ^-1 for CR3.

    L (p x p) has (X'WX)^-1 = L L'. Where a cluster determines its own coefficient the pseudo-inverse is taken.
    """
    WX = X if w is None else X * w[:, None]
    if se not in ("CR2", "CR3"):
        return WX
    result = np.empty_like(WX)
    power = -0.5 if se == "CR2" else -1.0
    for size in np.unique(clusters.sizes):
        starts = clusters.starts[clusters.sizes == size]
        rows = clusters.order[starts[:, None] + np.arange(size)]
        result[rows] = _adjusted(power, X, WX, L, w, rows)
    return result


def _adjusted(power: float, X: Floats, WX: Floats, L: Floats, w: Floats | None, rows: Ints) -> Floats:
    """A_g W_g X_g for clusters of one size; rows (G x m) gives (G x m x p)."""
    if w is not None:
        S = L.T @ (WX.T @ WX) @ L
        return np.stack([_adjusted_weighted(power, X[one] @ L, WX[one] @ L, WX[one], S) for one in rows])
    part, Z = X[rows], X[rows] @ L
    if rows.shape[1] <= X.shape[1]:
        values, vectors = np.linalg.eigh(Z @ Z.transpose(0, 2, 1))
        scaled = vectors * _power(1 - values, power)[:, None, :]
        return np.asarray(scaled @ (vectors.transpose(0, 2, 1) @ part))
    values, vectors = np.linalg.eigh(Z.transpose(0, 2, 1) @ Z)
    values = np.clip(values, 0.0, 1.0)
    scaled = (Z @ vectors) * _increment(values, power)[:, None, :]
    return np.asarray(part + scaled @ ((Z @ vectors).transpose(0, 2, 1) @ part))


def _power(values: Floats, power: float) -> Floats:
    """Powers with a pseudo-inverse: what is zero stays zero."""
    safe = np.maximum(values, ABSORBED)
    return np.where(values > ABSORBED, safe**power, 0.0)


def _increment(values: Floats, power: float) -> Floats:
    """((1 - v)^power - 1) / v, without loss of digits near v = 0; -1 at v = 1 (pseudo-inverse)."""
    rest = np.maximum(1 - values, ABSORBED)
    root = np.sqrt(rest)
    value = 1 / (root * (1 + root)) if power == -0.5 else 1 / rest
    return np.where(1 - values > ABSORBED, value, -1.0)


def _adjusted_weighted(power: float, Z: Floats, WZ: Floats, WX: Floats, S: Floats) -> Floats:
    """With weights (I - H)(I - H)' is the identity plus a matrix of low rank."""
    p = Z.shape[1]
    K = np.block([[S, -np.eye(p)], [-np.eye(p), np.zeros((p, p))]])
    Q, R = np.linalg.qr(np.hstack([Z, WZ]))
    values, vectors = np.linalg.eigh(R @ K @ R.T)
    U = Q @ vectors
    change = _power(1 + values, power) - 1
    return np.asarray(WX + (U * change) @ (U.T @ WX))


@dataclass(frozen=True)
class _Cross:
    """Inner products p_sg'p_th = [g = h] D[s, t, g] + F_s[g] K F_t[h]', for contrasts s, t and clusters g, h."""

    D: Floats
    F: Floats
    K: Floats

    def trace(self, s: int, t: int) -> float:
        low = ((self.F[s] @ self.K) * self.F[t]).sum(axis=1)
        return float((self.D[s, t] + low).sum())

    def product(self, s: int, t: int, u: int, v: int) -> float:
        """sum over g, h of T_st[g, h] T_uv[g, h]."""
        F, K, D = self.F, self.K, self.D
        low_st = ((F[s] @ K) * F[t]).sum(axis=1)
        low_uv = ((F[u] @ K) * F[v]).sum(axis=1)
        both = np.trace(K @ (F[t].T @ F[v]) @ K.T @ (F[u].T @ F[s]))
        diagonal = D[s, t] * D[u, v] + D[s, t] * low_uv + low_st * D[u, v]
        return float(diagonal.sum() + both)


def _cross(AX: Floats, X: Floats, M: Floats, w: Floats | None, clusters: Clusters, C: Floats) -> _Cross:
    U = AX @ M @ C.T
    q = C.shape[0]
    D = np.array([[clusters.sums(U[:, s] * U[:, t]) for t in range(q)] for s in range(q)])
    own = [clusters.sums(X * U[:, [s]]) for s in range(q)]
    if w is None:
        return _Cross(D, np.array(own), -M)
    weighted = [clusters.sums(X * (w * U[:, s])[:, None]) for s in range(q)]
    F = np.array([np.hstack(pair) for pair in zip(weighted, own, strict=True)])
    WX = X * w[:, None]
    K = np.block([[np.zeros_like(M), -M], [-M, M @ (WX.T @ WX) @ M]])
    return _Cross(D, F, K)


def satterthwaite(AX: Floats, X: Floats, M: Floats, w: Floats | None, clusters: Clusters, c: Floats) -> float:
    """Degrees of freedom of the contrast c (p) under the working covariance."""
    cross = _cross(AX, X, M, w, clusters, c[None, :])
    squares = cross.product(0, 0, 0, 0)
    if squares <= 0:
        raise Refused("the cluster-robust variance of this contrast has no degrees of freedom", "use fewer covariates")
    return cross.trace(0, 0) ** 2 / squares


def hotelling(
    AX: Floats, X: Floats, M: Floats, w: Floats | None, clusters: Clusters, C: Floats, wald: float
) -> tuple[float, float]:
    """F and its second degrees of freedom for a joint test: the approximate Hotelling (HTZ) test of q contrasts C."""
    q = C.shape[0]
    cross = _cross(AX, X, M, w, clusters, C)
    omega = np.array([[cross.trace(s, t) for t in range(q)] for s in range(q)])
    turned = _cross(AX, X, M, w, clusters, symmetric_power(omega, -0.5) @ C)
    spread = sum(turned.product(s, s, t, t) + turned.product(s, t, t, s) for s in range(q) for t in range(q))
    eta = q * (q + 1) / spread
    df2 = eta - q + 1
    if df2 <= 0:
        raise Refused(f"there are too few clusters for a joint test of {q} terms", "test fewer terms, or use CR0")
    return df2 / (eta * q) * wald, df2


def check_clusters(codes: Ints, arm: Ints, arms: tuple[str, ...], name: str | None) -> dict[int, str]:
    """Arms whose variance does not exist (code to reason); Refused when the control is one of them."""
    counts = [len(np.unique(codes[arm == code])) for code in range(len(arms))]
    alone = {code: f"the arm has only {count} cluster of {name!r}" for code, count in enumerate(counts) if count == 1}
    if 0 in alone or (alone and len(alone) == len(arms) - 1):
        which = arms[next(iter(alone))]
        raise Refused(
            f"the arm {which!r} has only one cluster of {name!r}, so its variance between clusters is unknown",
            "choose a smaller cluster, or an HC standard error if persons were randomised",
        )
    return alone


def group_labels(values: Any) -> Ints:
    return np.unique(values, return_inverse=True)[1].astype(np.intp)
