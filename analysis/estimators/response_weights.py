"""Weighting by the inverse probability of an answer, with errors that count the estimated probabilities in."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Bools, Floats, Ints

STEPS = 100
FAR = 30.0  # a linear predictor beyond this is a probability of 0 or 1: separation


@dataclass(frozen=True)
class Logit:
    """Maximum likelihood: coefficients, fitted probabilities, inverse information."""

    beta: Floats
    fitted: Floats
    covariance: Floats


def fit_logit(X: Floats, y: Floats) -> Logit:
    """Fisher scoring. Refused under separation, and with collinear columns."""
    from scipy.special import expit

    beta = np.zeros(X.shape[1])
    for _ in range(STEPS):
        fitted = expit(X @ beta)
        information = X.T @ ((fitted * (1 - fitted))[:, None] * X)
        try:
            step = np.linalg.solve(information, X.T @ (y - fitted))
        except np.linalg.LinAlgError:
            break
        beta = beta + step
        if np.max(np.abs(X @ beta)) > FAR:
            break
        if np.max(np.abs(step)) < 1e-12 * (1 + np.max(np.abs(beta))):
            fitted = expit(X @ beta)
            information = X.T @ ((fitted * (1 - fitted))[:, None] * X)
            return Logit(beta, fitted, np.linalg.inv(information))
    raise Refused(
        "the covariates of the response tell exactly who answered, so its probabilities are 0 or 1",
        "use fewer covariates in `response`",
    )


@dataclass(frozen=True)
class WeightedFit:
    """Weighted least squares among who answered; `scores` has a row for everybody, also who did not answer."""

    beta: Floats
    bread: Floats
    scores: Floats
    weights: Floats  # of who answered

    def covariance(self, cluster: Ints) -> Floats:
        """The sandwich with scores summed by cluster (0, 1, ..)."""
        sums = np.zeros((int(cluster.max()) + 1, self.scores.shape[1]))
        np.add.at(sums, cluster, self.scores)
        influence = sums @ self.bread
        return np.asarray(influence.T @ influence)


def stacked(X: Floats, y: Floats, response: Logit, S: Floats, own: Floats) -> WeightedFit:
    """Fit y on X with weights own / p, y NaN where missing, and stack its equations on those of the logit on `S`."""
    answered: Bools = ~np.isnan(y)
    inverse = own[answered] / response.fitted[answered]
    kept, values = X[answered], y[answered]
    bread = np.asarray(np.linalg.inv(kept.T @ (inverse[:, None] * kept)), dtype=np.float64)
    beta = bread @ (kept.T @ (inverse * values))
    scores = np.zeros(X.shape)
    scores[answered] = kept * (inverse * (values - kept @ beta))[:, None]
    # a higher probability means a lower weight: the derivative of the scores by the coefficients of the logit
    slope = -scores[answered].T @ ((1 - response.fitted[answered])[:, None] * S[answered])
    logit_scores = S * (answered - response.fitted)[:, None]
    return WeightedFit(beta, bread, scores + logit_scores @ response.covariance @ slope.T, inverse)
