"""The Fine-Gray regression of the sub-distribution hazard, with its robust errors (Fine and Gray 1999).

Who left by another cause stays at risk with a weight G(t)/G(own time), G being the Kaplan-Meier curve of censoring.
Risk-set sums are then a tail sum plus G(t) times a head sum, so no person is ever split into intervals.
"""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.newton import climb
from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Floats, Ints, count_exits, kaplan_meier


@dataclass(frozen=True)
class _Data:
    """Persons sorted by time; `at`: of each event of cause 1, the first place with its time."""

    order: Ints
    X: Floats
    time: Floats
    events: Ints
    at: Ints
    other: Floats  # 1 / G(own time) for exits by another cause, else 0
    stays: Floats  # G just before the time of each event
    censored: Ints


def _prepare(X: Floats, time: Floats, cause: Ints) -> _Data:
    order = np.argsort(time, kind="stable")
    time, cause = time[order], cause[order]
    censoring = kaplan_meier(count_exits(time, (cause == 0).astype(np.int64), 1))
    before = np.concatenate([[1.0], censoring.survival])[np.searchsorted(censoring.counts.time, time)]
    other = np.where(cause > 1, 1.0 / np.where(before > 0, before, 1.0), 0.0)
    events = np.flatnonzero(cause == 1)
    at = np.searchsorted(time, time[events])
    centred = X[order] - X.mean(axis=0)
    return _Data(order, centred, time, events, at, other, before[events], np.flatnonzero(cause == 0))


def _head(values: Floats) -> Floats:
    """Sums of all rows before each place, and of all."""
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])


@dataclass(frozen=True)
class _Moments:
    hazard: Floats
    total: Floats
    means: Floats
    loglik: float
    score: Floats
    persons: Floats  # of each person: hazard times the summed rates of the risk sets, weights included


def _sums(data: _Data, values: Floats) -> Floats:
    """For each event the weighted sum of `values` over its risk set."""
    everyone = _head(values)
    left = _head(values * data.other.reshape((-1,) + (1,) * (values.ndim - 1)))[data.at]
    stays = data.stays.reshape((-1,) + (1,) * (values.ndim - 1))
    return np.asarray(everyone[-1] - everyone[data.at] + stays * left)


def _exposure(data: _Data, values: Floats) -> Floats:
    """For each person the sum of `values` (one an event), weighted by their part in each risk set."""
    past = _head(values)
    stays = data.stays.reshape((-1,) + (1,) * (values.ndim - 1))
    weighted = _head(stays * values)
    upto = np.searchsorted(data.time[data.events], data.time, side="right")
    other = data.other.reshape((-1,) + (1,) * (values.ndim - 1))
    return np.asarray(past[upto] + other * (weighted[-1] - weighted[upto]))


def _moments(data: _Data, beta: Floats) -> _Moments:
    eta = data.X @ beta
    hazard = np.exp(eta)
    total = _sums(data, hazard)
    means = _sums(data, hazard[:, None] * data.X) / total[:, None]
    loglik = float(np.sum(eta[data.events]) - np.sum(np.log(total)))
    score = (data.X[data.events] - means).sum(axis=0)
    return _Moments(hazard, total, means, loglik, score, hazard * _exposure(data, 1.0 / total))


def _information(data: _Data, at: _Moments) -> Floats:
    return np.asarray(data.X.T @ (at.persons[:, None] * data.X) - at.means.T @ at.means)


@dataclass(frozen=True)
class FineGrayFit:
    """Log sub-hazard ratios of cause 1, their robust covariance, and the log pseudo-likelihood."""

    beta: Floats
    covariance: Floats
    loglik: float


def fit_fine_gray(X: Floats, time: Floats, cause: Ints) -> FineGrayFit:
    """`cause` is 0 where follow-up ended without exit, 1 for the exit studied, 2 for every other.

    Refused without exits by cause 1, with collinear covariates, or under separation.
    """
    data = _prepare(X, time, cause)
    if data.events.size == 0:
        raise Refused("nobody has the event", "check the time, the exits and the subset")
    beta, at, bread = climb(
        lambda values: _moments(data, values), lambda at: _information(data, at), data.X.std(axis=0)
    )
    influence = _influence(data, at) @ bread
    return FineGrayFit(beta, influence.T @ influence, at.loglik)


def _influence(data: _Data, at: _Moments) -> Floats:
    """Each person's part in the score (eta), plus their part in the estimated censoring curve (psi)."""
    rate = 1.0 / at.total
    mean_part = _exposure(data, rate[:, None] * at.means)
    eta = -(at.persons[:, None] * data.X - at.hazard[:, None] * mean_part)
    eta[data.events] += data.X[data.events] - at.means
    return np.asarray(eta + _censoring_part(data, at))


def _censoring_part(data: _Data, at: _Moments) -> Floats:
    """psi of Fine and Gray, section 4: q(u) is what later risk sets owe to who left by another cause before u."""
    n, k = data.X.shape
    psi = np.zeros((n, k))
    if data.censored.size == 0:
        return psi
    owed = data.stays / at.total
    later, later_means = _head(owed), _head(owed[:, None] * at.means)
    moments = at.hazard * data.other
    u = data.time[data.censored]
    from_event = np.searchsorted(data.time[data.events], u)
    before = np.searchsorted(data.time, u)
    q = _head(moments[:, None] * data.X)[before] * (later[-1] - later[from_event])[:, None]
    q -= _head(moments)[before][:, None] * (later_means[-1] - later_means[from_event])
    at_risk = (n - before).astype(np.float64)[:, None]
    psi[data.censored] = q / at_risk
    drift = _head(q / at_risk**2)
    return np.asarray(psi - drift[np.searchsorted(u, data.time, side="right")])
