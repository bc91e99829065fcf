"""Whether a lottery treated its covariates as a lottery would: one test for all of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.sample import Floats, Ints


@dataclass(frozen=True)
class Drawn:
    """Units that were drawn: X (n x p), arm and stratum codes; `arms` with the control."""

    X: Floats
    arm: Ints
    stratum: Ints
    arms: int

    @cached_property
    def centred(self) -> Floats:
        """X less the mean of the stratum."""
        codes = np.unique(self.stratum, return_inverse=True)[1].ravel()
        sums = np.zeros((codes.max() + 1, self.X.shape[1]))
        np.add.at(sums, codes, self.X)
        return np.asarray(self.X - (sums / np.bincount(codes)[:, None])[codes])

    def variance(self) -> Floats:
        """Covariance of the sums of `totals` over all draws with these arm sizes within strata (K p x K p)."""
        p, k = self.X.shape[1], self.arms - 1
        total = np.zeros((k * p, k * p))
        centred = self.centred
        for stratum in np.unique(self.stratum):
            inside = self.stratum == stratum
            n = int(inside.sum())
            if n < 2:
                continue
            counts = np.bincount(self.arm[inside], minlength=self.arms)[1:].astype(np.float64)
            spread = centred[inside].T @ centred[inside] / (n - 1)
            total += np.kron(np.diag(counts) - np.outer(counts, counts) / n, spread)
        return total

    def totals(self, labels: Ints) -> Floats:
        """Sums of the centred covariates in each arm but the control, for each draw of `labels` (m x n): m x K p."""
        centred = self.centred
        parts = [(labels == arm).astype(np.float64) @ centred for arm in range(1, self.arms)]
        return np.hstack(parts)


def distance(drawn: Drawn) -> tuple[float, int, Floats]:
    """Hansen and Bowers' d2 over all arms, its degrees of freedom, and the inverse of the covariance."""
    V = drawn.variance()
    scale = np.sqrt(np.diag(V))
    if (scale == 0).any() or np.linalg.matrix_rank(V / scale[:, None] / scale, tol=1e-9) < len(V):
        raise Refused(
            "the covariates follow from each other within the strata, or an arm is empty",
            "leave a covariate out, or use fewer strata",
        )
    inverse = np.asarray(np.linalg.inv(V), np.float64)
    t = drawn.totals(drawn.arm[None, :])[0]
    return float(t @ inverse @ t), len(V), inverse


def pillai(drawn: Drawn) -> tuple[float, float, float]:
    """F and its two degrees of freedom from Pillai's trace of the covariates over the arms, within strata.

    With two arms this is exactly the F of a regression of the arm on the covariates.
    """
    x = drawn.centred
    p, k = x.shape[1], drawn.arms - 1
    dummies = (drawn.arm[:, None] == np.arange(1, drawn.arms)).astype(np.float64)
    z = Drawn(dummies, drawn.arm, drawn.stratum, drawn.arms).centred
    explained = z @ np.linalg.lstsq(z, x, rcond=None)[0]
    trace = float(np.trace(np.linalg.solve(x.T @ x, explained.T @ explained)))
    s = min(p, k)
    error = len(x) - len(np.unique(drawn.stratum)) - k
    df, df2 = float(p * k), float(s * (error - p + s))
    if df2 <= 0:
        raise Refused(f"{len(x)} units are too few for {p} covariates", "use fewer covariates")
    return trace / (s - trace) * df2 / df, df, df2
