"""t statistics of regressions for many draws: residualised once on the covariates where the type allows."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.assignments import Labels
from analysis.estimators.cluster_variance import clusters_of
from analysis.estimators.design_matrix import combined
from analysis.estimators.effects import covariates_of, standard_error
from analysis.estimators.linear_model import LinearModel
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.sample import Sample

if TYPE_CHECKING:
    from analysis.estimators.drawn_statistics import Evaluator, Found
    from analysis.estimators.redraws import Frame

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
SLICE = 100


def regressions_of(
    context: Context, frame: "Frame", outcomes: Floats, codes: tuple[int, ...], *, pair: int | None, lin: bool
) -> "Evaluator":
    """Residualised least squares for HC and CR0, CR1, CR1S; a fit a draw for Lin, CR2 and CR3."""
    se = standard_error(context, frame.sample)
    if se == "neyman":
        raise Refused("the neyman standard error does not fit a regression", "use `se: HC2`")
    if frame.sample.weights is not None:
        raise Refused("weights do not fit a redrawn regression", "leave `weights` out")
    arm = frame.sample.arm
    keep = np.flatnonzero(np.isin(arm, (0, pair))) if pair is not None else np.arange(len(arm))
    parts = []
    for column in outcomes.T:
        rows = keep[~np.isnan(column[keep])]
        sample = frame.sample.take(rows)
        C = combined(covariates_of(context, sample)).X
        parts.append(_Part(frame.unit[rows], column[rows], C.reshape(len(rows), -1), sample, se))
    if lin or se in ("CR2", "CR3"):
        return EachFit(parts, codes, lin=lin)
    return Residualised(parts, codes)


class _Part:
    """One outcome: the unit of each row, y (n), covariates (n x p), clusters, and the type of standard error."""

    def __init__(self, unit: Ints, y: Floats, C: Floats, sample: Sample, se: str) -> None:
        self.unit, self.y, self.se, self.cluster = unit, y, se, sample.cluster
        self.C = C
        base = np.column_stack([np.ones(len(y)), C])
        if np.linalg.matrix_rank(base) < base.shape[1]:
            raise Refused("the covariates are collinear on the rows used", "run `ols` first: it names the columns")
        self.Q = np.linalg.qr(base)[0]
        self.k = base.shape[1]


class EachFit:
    """A whole fit for every draw."""

    centred = False

    def __init__(self, parts: list[_Part], codes: tuple[int, ...], *, lin: bool) -> None:
        self.parts, self.codes, self.lin = parts, codes, lin

    def evaluate(self, labels: Labels) -> "Found":
        m, K, q = len(labels), len(self.codes), len(self.parts)
        E, V, F = np.zeros((m, K, q)), np.zeros((m, K, q)), np.zeros((m, q))
        for column, part in enumerate(self.parts):
            rows = labels[:, part.unit]
            for draw in range(m):
                E[draw, :, column], V[draw, :, column], F[draw, column] = self._fit(part, rows[draw])
        return E, V, F

    def _fit(self, part: _Part, labels: Labels) -> tuple[Floats, Floats, float]:
        W = (labels[:, None] == np.array(self.codes)).astype(np.float64)
        columns = [np.ones((len(W), 1)), W]
        if self.lin and part.C.shape[1]:
            centred = part.C - part.C.mean(axis=0)
            columns += [centred, *(centred * w[:, None] for w in W.T)]
        else:
            columns.append(part.C)
        X = np.hstack(columns)
        fit = LinearModel(X, ("",) * X.shape[1], part.se, "n-k", None, part.cluster).fit(part.y)
        K = W.shape[1]
        block = fit.covariance[1 : K + 1, 1 : K + 1]
        beta = fit.beta[1 : K + 1]
        return beta, np.diag(block), float(beta @ np.linalg.solve(block, beta)) / K


class Residualised:
    """Frisch and Waugh: outcome and arms less their projection on the covariates; only K x K systems a draw."""

    centred = False

    def __init__(self, parts: list[_Part], codes: tuple[int, ...]) -> None:
        self.parts, self.codes = parts, codes
        self.residuals = [part.y - part.Q @ (part.Q.T @ part.y) for part in parts]
        self.leverage = [np.square(part.Q).sum(axis=1) for part in parts]

    def evaluate(self, labels: Labels) -> "Found":
        pieces = [self._slice(labels[start : start + SLICE]) for start in range(0, len(labels), SLICE)]
        E, V, F = (np.concatenate([piece[i] for piece in pieces]) for i in range(3))
        return E, V, F

    def _slice(self, labels: Labels) -> tuple[Floats, Floats, Floats]:
        found = [self._outcome(column, labels) for column in range(len(self.parts))]
        E, V, F = (np.stack([part[i] for part in found], axis=-1) for i in range(3))
        return E, V, F

    def _outcome(self, column: int, labels: Labels) -> tuple[Floats, Floats, Floats]:
        part, y = self.parts[column], self.residuals[column]
        rows = labels[:, part.unit]
        W = np.stack([(rows == code).astype(np.float64) for code in self.codes], axis=1)
        W -= (W @ part.Q) @ part.Q.T
        G = np.linalg.inv(W @ W.transpose(0, 2, 1))
        beta = (G @ (W @ y)[:, :, None])[:, :, 0]
        P = G @ W
        e = y - (beta[:, None, :] @ W)[:, 0]
        V = self._covariance(column, W, P, e, G)
        inverse = np.linalg.inv(V)
        F = (beta[:, None, :] @ inverse @ beta[:, :, None])[:, 0, 0] / beta.shape[1]
        return beta, np.diagonal(V, axis1=1, axis2=2), F

    def _covariance(self, column: int, W: Floats, P: Floats, e: Floats, G: Floats) -> Floats:
        part, n = self.parts[column], len(self.residuals[column])
        left = n - part.k - W.shape[1]
        if left <= 0:
            raise Refused("there are more coefficients than rows", "use fewer covariates")
        if part.se == "classical":
            return G * (np.square(e).sum(axis=1) / left)[:, None, None]
        scores = P * e[:, None, :]
        if part.se.startswith("CR"):
            return self._clustered(part, scores, n, part.k + W.shape[1])
        if part.se in ("HC2", "HC3"):
            h = self.leverage[column] + (W * P).sum(axis=1)
            scores = scores / (np.sqrt(1 - h) if part.se == "HC2" else 1 - h)[:, None, :]
        factor = n / left if part.se == "HC1" else 1.0
        return factor * (scores @ scores.transpose(0, 2, 1))

    def _clustered(self, part: _Part, scores: Floats, n: int, k: int) -> Floats:
        from analysis.estimators.cluster_variance import small_sample_factor

        if part.cluster is None:
            raise Refused(f"{part.se} needs a cluster and none is named", "add `cluster: column`, or choose an HC type")
        clusters = clusters_of(part.cluster)
        summed = np.add.reduceat(scores[:, :, clusters.order], clusters.starts, axis=2)
        return small_sample_factor(part.se, clusters.count, n, k) * (summed @ summed.transpose(0, 2, 1))
