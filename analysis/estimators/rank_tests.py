"""Tests that compare the exits of several arms over time: log-rank and Gray."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Bools, Floats, Ints


@dataclass(frozen=True)
class RankTest:
    """A score for each group, its covariance, and the events and expected events behind it."""

    score: Floats
    covariance: Floats
    observed: Floats
    expected: Floats

    def chi_square(self) -> tuple[float, int]:
        """The statistic of equal curves and its degrees of freedom; groups without information are left out.

        Refused when no two groups can be compared.
        """
        informative = np.flatnonzero(np.diag(self.covariance) > 0)
        if informative.size < 2:
            raise Refused(
                "no two arms were at risk together when an exit happened", "check the time, the exits and the subset"
            )
        kept = informative[:-1]
        score = self.score[kept]
        solved = np.linalg.solve(self.covariance[np.ix_(kept, kept)], score)
        return float(score @ solved), kept.size


@dataclass(frozen=True)
class _GroupCounts:
    """At the distinct times of one stratum: exits `main` and `other` and persons at risk, each times x groups."""

    main: Floats
    other: Floats
    at_risk: Floats


def _group_counts(time: Floats, cause: Ints, group: Ints, groups: int) -> _GroupCounts:
    distinct, place = np.unique(time, return_inverse=True)
    counts = np.zeros((3, distinct.size, groups))
    np.add.at(counts, (np.minimum(cause, 2), place, group), 1.0)
    at_risk = np.cumsum(counts.sum(axis=0)[::-1], axis=0)[::-1]
    some = counts[1:].any(axis=(0, 2))
    return _GroupCounts(counts[1][some], counts[2][some], at_risk[some])


def _by_stratum(time: Floats, cause: Ints, group: Ints, stratum: Ints, groups: int) -> list[_GroupCounts]:
    order = np.argsort(stratum, kind="stable")
    cuts = np.flatnonzero(np.diff(stratum[order])) + 1
    return [_group_counts(time[rows], cause[rows], group[rows], groups) for rows in np.split(order, cuts)]


def logrank(time: Floats, event: Ints, group: Ints, stratum: Ints, groups: int) -> RankTest:
    """The (stratified) log-rank test with the hypergeometric variance; `event` 0 or 1, `group` from 0."""
    score, covariance = np.zeros(groups), np.zeros((groups, groups))
    observed, expected = np.zeros(groups), np.zeros(groups)
    for counts in _by_stratum(time, event, group, stratum, groups):
        total, events = counts.at_risk.sum(axis=1), counts.main.sum(axis=1)
        share = counts.at_risk / total[:, None]
        spread = np.where(total > 1, events * (total - events) / np.maximum(total - 1, 1), 0.0)
        covariance += np.diag(spread @ share) - (share * spread[:, None]).T @ share
        observed += counts.main.sum(axis=0)
        expected += events @ share
    score = observed - expected
    return RankTest(score, covariance, observed, expected)


def gray(time: Floats, cause: Ints, group: Ints, stratum: Ints, groups: int) -> RankTest:
    """Gray's 1988 test (rho 0) of equal incidence of cause 1 against all others; `cause` 0 censored, 1, 2.

    The variance is that of section 3 of the paper with its correction for ties; scores are summed over strata.
    """
    tests = [_gray(counts) for counts in _by_stratum(time, cause, group, stratum, groups) if counts.main.any()]
    parts = [(test.score, test.covariance, test.observed, test.expected) for test in tests]
    return RankTest(*(np.asarray(sum(part), dtype=np.float64) for part in zip(*parts, strict=True)))


def _gray(counts: _GroupCounts) -> RankTest:
    groups = counts.main.shape[1]
    present = counts.at_risk > 0
    risk = np.maximum(counts.at_risk, 1.0)
    left = np.where(present, 1 - (counts.main + counts.other) / risk, 1.0)
    after = np.asarray(np.cumprod(left, axis=0), dtype=np.float64)
    before = np.vstack([np.ones(groups), after[:-1]])
    own = np.cumsum(np.where(present, before * counts.main / risk, 0.0), axis=0)
    own_before = np.vstack([np.zeros(groups), own[:-1]])
    weight = np.where(present, counts.at_risk / np.where(present, before, 1.0), 0.0)
    adjusted = weight * (1 - own_before)
    events = counts.main.sum(axis=1)
    expected = adjusted * (events / adjusted.sum(axis=1))[:, None]
    covariance = _gray_covariance(counts, before, after, weight)
    observed = counts.main.sum(axis=0)
    return RankTest(observed - expected.sum(axis=0), covariance, observed, expected.sum(axis=0))


def _gray_covariance(counts: _GroupCounts, before: Floats, after: Floats, weight: Floats) -> Floats:
    """Covariance of Gray's scores: `c` is the running integral of the weights `a`, and an exit of a group changes the
    scores at once (`main`: by the weight itself) and through the part of `c` that is still to come."""
    groups = weight.shape[1]
    events, total = counts.main.sum(axis=1), weight.sum(axis=1)
    pooled = np.cumsum(events / total)
    pooled_before = np.concatenate([[0.0], pooled[:-1]])
    a = weight[:, :, None] * (np.eye(groups) - (weight / total[:, None])[:, None, :])
    c = np.cumsum(a * (events / (total * (1 - pooled_before)))[:, None, None], axis=0)
    alive: Bools = after > 0
    remaining = np.where(alive, (1 - pooled)[:, None] / np.where(alive, after, 1.0), 0.0)
    later = c[-1] - c
    main = a + (1 - remaining)[:, None, :] * later
    other = remaining[:, None, :] * later
    covariance: Floats = np.einsum("jik,jlk,jk->il", main, main, _main_rate(counts, before, total))
    covariance += np.einsum("jik,jlk,jk->il", other, other, _other_rate(counts, before, alive))
    return covariance


def _main_rate(counts: _GroupCounts, before: Floats, total: Floats) -> Floats:
    """Variance of an exit of the cause in each group, under the pooled hazard."""
    events = counts.main.sum(axis=1)[:, None]
    tied = np.where(events > 1, 1 - (events - 1) / np.where(events > 1, total[:, None] * before - 1, 1.0), 1.0)
    present = counts.at_risk > 0
    return np.where(present, tied * before * events / (total[:, None] * np.maximum(counts.at_risk, 1.0)), 0.0)


def _other_rate(counts: _GroupCounts, before: Floats, alive: Bools) -> Floats:
    """Variance of another exit in each group."""
    other, risk = counts.other, np.maximum(counts.at_risk, 1.0)
    tied = np.where(other > 1, 1 - (other - 1) / np.maximum(risk - 1, 1.0), 1.0)
    return np.where(alive & (other > 0), tied * before**2 * other / risk**2, 0.0)
