"""Logistic regression by Newton's method, with separation refused in words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.refusals import Refused

Floats = NDArray[np.float64]
ROUNDS = 50
HOPELESS = 30.0


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients (k), fitted risks (n), the inverse information (k x k) and the log-likelihood."""

    X: Floats
    y: Floats
    beta: Floats
    risk: Floats
    bread: Floats
    loglik: float

    def covariance(self, se: str) -> Floats:
        """`model`: the inverse information; `HC0`: the sandwich."""
        if se == "model":
            return self.bread
        scores = self.X * (self.y - self.risk)[:, None]
        return self.bread @ (scores.T @ scores) @ self.bread


def fit_logistic(X: Floats, y: Floats, names: tuple[str, ...], weights: Floats | None = None) -> LogisticFit:
    """Maximum likelihood of P(y = 1) = expit(X beta), X (n x k) of full rank, y 0/1; Refused under separation."""
    refuse_one_sided(X, y, names)
    w = np.ones(len(y)) if weights is None else weights
    beta = np.zeros(X.shape[1])
    for _ in range(ROUNDS):
        risk = 1 / (1 + np.exp(-np.clip(X @ beta, -HOPELESS, HOPELESS)))
        information = (X * (w * risk * (1 - risk))[:, None]).T @ X
        step = np.linalg.solve(information, X.T @ (w * (y - risk)))
        beta = beta + step
        if np.abs(X @ beta).max() > HOPELESS:
            break
        if np.abs(step).max() < 1e-12 * (1 + np.abs(beta).max()):
            break
    eta = X @ beta
    if np.abs(eta).max() > HOPELESS * 0.9:
        worst = names[int(np.abs(beta * np.abs(X).max(axis=0)).argmax())]
        raise Refused(
            f"the covariates predict the outcome perfectly for some rows (separation, at {worst!r})",
            "leave out or merge that covariate, or report the risk difference",
        )
    risk = 1 / (1 + np.exp(-eta))
    information = (X * (w * risk * (1 - risk))[:, None]).T @ X
    loglik = float((w * (y * eta - np.logaddexp(0, eta))).sum())
    return LogisticFit(X, y, beta, risk, np.asarray(np.linalg.inv(information), np.float64), loglik)


def refuse_one_sided(X: Floats, y: Floats, names: tuple[str, ...]) -> None:
    """Refuse a 0/1 column within which everyone, or no one, has the outcome."""
    for place, name in enumerate(names):
        column = X[:, place]
        if not np.isin(column, (0.0, 1.0)).all() or column.all():
            continue
        inside = y[column == 1]
        if len(inside) and inside.min() == inside.max():
            who = "everyone" if inside[0] else "no one"
            raise Refused(
                f"{who} with {name!r} has the outcome, so a logistic model has no finite answer (separation)",
                "report the risk difference with `interval: newcombe`, or merge levels",
            )
