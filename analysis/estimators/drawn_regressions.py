"""t statistics of regressions for many draws: residualised once on the covariates where the type allows."""

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.assignments import Labels
from analysis.estimators.cluster_variance import clusters_of, small_sample_factor
from analysis.estimators.design_matrix import Block, check_rank, combined
from analysis.estimators.drawn_frame import Evaluator, Found, Frame
from analysis.estimators.effects import covariates_of, standard_error
from analysis.estimators.linear_model import LinearModel
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.sample import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
SLICE = 100


def regressions_of(
    context: Context, frame: Frame, outcomes: Floats, codes: tuple[int, ...], *, pair: int | None, lin: bool
) -> Evaluator:
    """Residualised least squares for HC and CR0, CR1, CR1S; a fit a draw for Lin, CR2 and CR3."""
    se = standard_error(context, frame.sample)
    if se == "neyman":
        raise Refused("the neyman standard error does not fit a regression", "use `se: HC2`")
    if frame.sample.weights is not None:
        raise Refused("weights do not fit a redrawn regression", "leave `weights` out")
    arm = frame.sample.arm
    keep = np.flatnonzero(np.isin(arm, (0, pair))) if pair is not None else np.arange(len(arm))
    shared: dict[bytes, _Shared] = {}
    parts = []
    for column in outcomes.T:
        rows = keep[~np.isnan(column[keep])]
        if rows.tobytes() not in shared:
            sample = frame.sample.take(rows)
            shared[rows.tobytes()] = _Shared(frame.unit[rows], combined(covariates_of(context, sample)), sample, se)
        parts.append((shared[rows.tobytes()], column[rows]))
    if lin or se in ("CR2", "CR3"):
        return EachFit(parts, codes, lin=lin)
    return Residualised(parts, codes)


class _Shared:
    """What outcomes observed on the same rows share: unit of each row, covariates C (n x p), their span Q, clusters."""

    def __init__(self, unit: Ints, covariates: Block, sample: Sample, se: str) -> None:
        self.unit, self.se, self.cluster = unit, se, sample.cluster
        self.C = covariates.X.reshape(len(unit), -1)
        base = np.column_stack([np.ones(len(unit)), self.C])
        check_rank(base, ("intercept", *covariates.names))
        self.Q = np.linalg.qr(base)[0]
        self.leverage = np.square(self.Q).sum(axis=1)
        self.k = base.shape[1]


Part = tuple[_Shared, Floats]


class EachFit:
    """A whole fit for every draw."""

    centred = False

    def __init__(self, parts: list[Part], codes: tuple[int, ...], *, lin: bool) -> None:
        self.parts, self.codes, self.lin = parts, codes, lin

    def evaluate(self, labels: Labels) -> Found:
        m, K, q = len(labels), len(self.codes), len(self.parts)
        E, V, F = np.zeros((m, K, q)), np.zeros((m, K, q)), np.zeros((m, q))
        for column, (part, y) in enumerate(self.parts):
            rows = labels[:, part.unit]
            for draw in range(m):
                E[draw, :, column], V[draw, :, column], F[draw, column] = self._fit(part, y, rows[draw])
        return E, V, F

    def _fit(self, part: _Shared, y: Floats, labels: Labels) -> tuple[Floats, Floats, float]:
        W = (labels[:, None] == np.array(self.codes)).astype(np.float64)
        columns = [np.ones((len(W), 1)), W]
        if self.lin and part.C.shape[1]:
            centred = part.C - part.C.mean(axis=0)
            columns += [centred, *(centred * w[:, None] for w in W.T)]
        else:
            columns.append(part.C)
        X = np.hstack(columns)
        fit = LinearModel(X, ("a coefficient",) * X.shape[1], part.se, "n-k", None, part.cluster).fit(y)
        K = W.shape[1]
        block = fit.covariance[1 : K + 1, 1 : K + 1]
        beta = fit.beta[1 : K + 1]
        return beta, np.diag(block), float(beta @ np.linalg.solve(block, beta)) / K


class Residualised:
    """Frisch and Waugh: outcome and arms less their projection on the covariates; only K x K systems a draw."""

    centred = False

    def __init__(self, parts: list[Part], codes: tuple[int, ...]) -> None:
        self.codes = codes
        self.groups: dict[int, tuple[_Shared, list[int], list[Floats]]] = {}
        for column, (part, y) in enumerate(parts):
            _, columns, residuals = self.groups.setdefault(id(part), (part, [], []))
            columns.append(column)
            residuals.append(y - part.Q @ (part.Q.T @ y))

    def evaluate(self, labels: Labels) -> Found:
        pieces = [self._slice(labels[start : start + SLICE]) for start in range(0, len(labels), SLICE)]
        E, V, F = (np.concatenate([piece[i] for piece in pieces]) for i in range(3))
        return E, V, F

    def _slice(self, labels: Labels) -> tuple[Floats, Floats, Floats]:
        m, K, q = len(labels), len(self.codes), sum(len(columns) for _, columns, _ in self.groups.values())
        E, V, F = np.empty((m, K, q)), np.empty((m, K, q)), np.empty((m, q))
        for part, columns, residuals in self.groups.values():
            rows = labels[:, part.unit]
            W = np.stack([(rows == code).astype(np.float64) for code in self.codes], axis=1)
            W -= (W @ part.Q) @ part.Q.T
            G = np.linalg.inv(W @ W.transpose(0, 2, 1))
            weighted = _Weighted(part, W, G)
            for column, y in zip(columns, residuals, strict=True):
                beta = (G @ (W @ y)[:, :, None])[:, :, 0]
                covariance = weighted.covariance(y - (beta[:, None, :] @ W)[:, 0])
                E[:, :, column], V[:, :, column] = beta, np.diagonal(covariance, axis1=1, axis2=2)
                F[:, column] = (beta[:, None, :] @ np.linalg.inv(covariance) @ beta[:, :, None])[:, 0, 0] / K
        return E, V, F


class _Weighted:
    """The regressors by which residuals are summed into scores, with the factors of the type of standard error."""

    def __init__(self, part: _Shared, W: Floats, G: Floats) -> None:
        n, k = len(part.unit), part.k + W.shape[1]
        if n <= k:
            raise Refused(f"the model has {k} coefficients and only {n} rows", "use fewer covariates")
        self.part, self.G, self.left = part, G, n - k
        self.P = G @ W
        self.factor = n / (n - k) if part.se == "HC1" else 1.0
        if part.se in ("HC2", "HC3"):
            h = part.leverage + (W * self.P).sum(axis=1)
            self.P /= (np.sqrt(1 - h) if part.se == "HC2" else 1 - h)[:, None, :]
        if part.se.startswith("CR"):
            if part.cluster is None:
                raise Refused(f"{part.se} needs a cluster and none is named", "add `cluster: column`")
            self.clusters = clusters_of(part.cluster)
            self.factor = small_sample_factor(part.se, self.clusters.count, n, k)

    def covariance(self, e: Floats) -> Floats:
        """(m x K x K) from residuals e (m x n)."""
        if self.part.se == "classical":
            return self.G * (np.square(e).sum(axis=1) / self.left)[:, None, None]
        scores = self.P * e[:, None, :]
        if self.part.se.startswith("CR"):
            scores = np.add.reduceat(scores[:, :, self.clusters.order], self.clusters.starts, axis=2)
        return self.factor * (scores @ scores.transpose(0, 2, 1))
