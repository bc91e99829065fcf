"""Weighting by the inverse probability of an answer, with errors that count the estimated probabilities in."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.logistic import LogisticFit
from analysis.estimators.survival_curves import Bools, Floats, Ints


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


def stacked(X: Floats, y: Floats, response: LogisticFit, own: Floats) -> WeightedFit:
    """Fit y (NaN where missing) on X with weights own / p; its equations stand on those of the logit `response`."""
    answered: Bools = ~np.isnan(y)
    inverse = own[answered] / response.risk[answered]
    kept, values = X[answered], y[answered]
    bread = np.asarray(np.linalg.inv(kept.T @ (inverse[:, None] * kept)), dtype=np.float64)
    beta = bread @ (kept.T @ (inverse * values))
    scores = np.zeros(X.shape)
    scores[answered] = kept * (inverse * (values - kept @ beta))[:, None]
    # a higher probability means a lower weight: the derivative of the scores by the coefficients of the logit
    slope = -scores[answered].T @ ((1 - response.risk[answered])[:, None] * response.X[answered])
    logit_scores = response.X * (answered - response.risk)[:, None]
    return WeightedFit(beta, bread, scores + logit_scores @ response.bread @ slope.T, inverse)
