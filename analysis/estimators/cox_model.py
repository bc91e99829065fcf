"""Cox regression with strata: estimates, score residuals, Lin-Wei errors and the test of proportional hazards.

Everything needs only sums over risk sets. Persons are sorted by stratum and time, so a risk set is the tail of a
stratum, and the matrices of second moments are weighted cross-products over persons, never one matrix an event.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.newton import climb
from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Floats, Ints, count_exits, kaplan_meier


@dataclass(frozen=True)
class RiskSets:
    """The sorted data and, for each event, its risk set. `order` leads back to the rows as they came."""

    order: Ints
    X: Floats  # centred
    time: Floats
    events: Ints  # places of the events
    first: Ints  # of each person: first place with the same stratum and time
    last: Ints  # of each person: last such place, plus one
    opens: Ints  # of each person: first place of the stratum
    closes: Ints  # of each person: last place of the stratum, plus one
    thinned: Floats  # of each event: the part of its tied events taken out of the risk set (Efron), else 0

    @property
    def event_time(self) -> Floats:
        return self.time[self.events]

    def over_risk_sets(self, values: Floats) -> Floats:
        """For each event the sum of `values` over its risk set, with tied events thinned."""
        total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        sums = total[self.closes[self.events]] - total[self.first[self.events]]
        if not self.thinned.any():
            return np.asarray(sums)
        tied = self.over_ties(values[self.events])
        shape = (-1,) + (1,) * (values.ndim - 1)
        return np.asarray(sums - self.thinned.reshape(shape) * tied[self.events])

    def over_past_events(self, values: Floats) -> Floats:
        """For each person the sum of `values` (one an event) over the events whose risk set they were in."""
        at_places = np.zeros((self.time.size + 1, *values.shape[1:]))
        at_places[self.events + 1] = values
        total = np.cumsum(at_places, axis=0)
        sums = total[self.last] - total[self.opens]
        if self.thinned.any():
            shape = (-1,) + (1,) * (values.ndim - 1)
            tied = self.over_ties(self.thinned.reshape(shape) * values)
            sums[self.events] -= tied[self.events]
        return np.asarray(sums)

    def over_ties(self, values: Floats) -> Floats:
        """For each person the sum of `values` (one an event) over the events of the same stratum and time."""
        at_places = np.zeros((self.time.size + 1, *values.shape[1:]))
        at_places[self.events + 1] = values
        total = np.cumsum(at_places, axis=0)
        return np.asarray(total[self.last] - total[self.first])


def risk_sets(X: Floats, time: Floats, event: Ints, stratum: Ints, ties: str) -> RiskSets:
    """Sort the persons and mark their risk sets; `ties` is `efron` or `breslow`."""
    order = np.lexsort((time, stratum))
    time, event, stratum = time[order], event[order], stratum[order]
    new_stratum = np.concatenate([[True], np.diff(stratum) != 0])
    new_tie = new_stratum | np.concatenate([[True], np.diff(time) != 0])
    opens, closes = _spans(new_stratum)
    first, last = _spans(new_tie)
    events = np.flatnonzero(event > 0)
    thinned = np.zeros(events.size)
    if ties == "efron":
        block = np.cumsum(new_tie)[events]
        _, start, size = np.unique(block, return_index=True, return_counts=True)
        thinned = (np.arange(events.size) - np.repeat(start, size)) / np.repeat(size, size)
    centred = X[order] - X.mean(axis=0)
    return RiskSets(order, centred, time, events, first, last, opens, closes, thinned)


def _spans(new: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Of each place, where its run begins and ends; `new` marks the places that begin a run."""
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], new.size)
    return np.repeat(starts, ends - starts), np.repeat(ends, ends - starts)


@dataclass(frozen=True)
class _Moments:
    """At a coefficient: relative hazards, sums over risk sets, their means, log-likelihood, score, information."""

    hazard: Floats
    total: Floats
    means: Floats
    loglik: float
    score: Floats


def _moments(sets: RiskSets, beta: Floats) -> _Moments:
    eta = sets.X @ beta
    hazard = np.exp(eta)
    total = sets.over_risk_sets(hazard)
    means = sets.over_risk_sets(hazard[:, None] * sets.X) / total[:, None]
    loglik = float(np.sum(eta[sets.events]) - np.sum(np.log(total)))
    return _Moments(hazard, total, means, loglik, (sets.X[sets.events] - means).sum(axis=0))


def _information(sets: RiskSets, at: _Moments, weight: Floats) -> Floats:
    """Sum over the events of `weight` times the covariance of the covariates in the risk set."""
    persons = at.hazard * sets.over_past_events(weight / at.total)
    second = sets.X.T @ (persons[:, None] * sets.X)
    return np.asarray(second - at.means.T @ (weight[:, None] * at.means))


@dataclass(frozen=True)
class CoxFit:
    """Log hazard ratios, their model covariance, and the log-likelihood without and with the covariates."""

    sets: RiskSets
    beta: Floats
    covariance: Floats
    loglik_null: float
    loglik: float

    def score_residuals(self) -> Floats:
        """Each person's part in the score (Lin and Wei 1989), rows as they came, ties as in the fit."""
        sets, at = self.sets, _moments(self.sets, self.beta)
        rate = 1.0 / at.total
        past = sets.over_past_events(rate)
        past_means = sets.over_past_events(rate[:, None] * at.means)
        residuals = -at.hazard[:, None] * (sets.X * past[:, None] - past_means)
        tied = sets.over_ties(np.ones(sets.events.size))[sets.events]
        own = sets.over_ties(at.means)[sets.events] / tied[:, None]
        residuals[sets.events] += sets.X[sets.events] - own
        back = np.empty_like(residuals)
        back[sets.order] = residuals
        return back

    def robust_covariance(self, cluster: Ints) -> Floats:
        """The Lin-Wei sandwich, residuals summed by cluster (0, 1, ..)."""
        residuals = self.score_residuals()
        sums = np.zeros((int(cluster.max()) + 1, residuals.shape[1]))
        np.add.at(sums, cluster, residuals)
        influence = sums @ self.covariance
        return np.asarray(influence.T @ influence)


def fit_cox(X: Floats, time: Floats, event: Ints, stratum: Ints, ties: str) -> CoxFit:
    """Maximise the partial likelihood. Refused without events, with collinear covariates, or under separation."""
    sets = risk_sets(X, time, event, stratum, ties)
    if sets.events.size == 0:
        raise Refused("nobody has the event", "check the time, the exits and the subset")
    ones = np.ones(sets.events.size)
    beta, at, covariance = climb(
        lambda values: _moments(sets, values), lambda at: _information(sets, at, ones), sets.X.std(axis=0)
    )
    return CoxFit(sets, beta, covariance, _moments(sets, np.zeros(beta.size)).loglik, at.loglik)


@dataclass(frozen=True)
class ProportionalityTest:
    """Score statistics of log hazard ratios that change with time: of each covariate (df 1), and of all together."""

    each: Floats
    joint: float


def proportionality(fit: CoxFit, transform: str) -> ProportionalityTest:
    """Grambsch and Therneau's test in its score form; `transform` of time is `km`, `log` or `identity`."""
    sets, at = fit.sets, _moments(fit.sets, fit.beta)
    g = _transformed(sets, transform)
    g = g - g.mean()
    score = (g[:, None] * (sets.X[sets.events] - at.means)).sum(axis=0)
    plain, cross, square = (_information(sets, at, g**power) for power in (0, 1, 2))
    # the information on a change of the coefficient that is left when the coefficients themselves are fitted
    left = square - cross @ np.linalg.solve(plain, cross)
    joint = float(score @ np.linalg.solve(left, score))
    return ProportionalityTest(score**2 / np.diag(left), joint)


def _transformed(sets: RiskSets, transform: str) -> Floats:
    if transform == "log":
        return np.log(sets.event_time)
    if transform == "identity":
        return sets.event_time
    event = np.zeros(sets.time.size, dtype=np.int64)
    event[sets.events] = 1
    curve = kaplan_meier(count_exits(sets.time, event, 1))
    before = np.concatenate([[1.0], curve.survival])
    return np.asarray(1.0 - before[np.searchsorted(curve.counts.time, sets.event_time)])
