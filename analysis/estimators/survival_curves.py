"""Survival and cumulative incidence of one group: Kaplan-Meier, Aalen-Johansen and the areas under them.

Both follow from one table of counts at the distinct times. The variances are those of the multinomial increments
(Greenwood), so with a single cause the Aalen-Johansen curve and its error are exactly one minus Kaplan-Meier.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.inference import t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

FLAT = 1.5e-8  # two survival values closer than this are the same stretch of the curve


@dataclass(frozen=True)
class Counts:
    """Counts of one group at its distinct times, sorted: persons at risk just before, and exits by cause."""

    time: Floats
    at_risk: Floats
    exits: Floats  # one row a cause

    @property
    def last(self) -> float:
        """The last time at which anybody was still followed."""
        return float(self.time[-1])

    def at_risk_at(self, at: float) -> int:
        """Persons whose time is `at` or later."""
        index = int(np.searchsorted(self.time, at))
        return int(self.at_risk[index]) if index < self.time.size else 0


def count_exits(time: Floats, cause: Ints, causes: int) -> Counts:
    """Counts from persons: `cause` is 0 where follow-up ended without exit, else 1 to `causes`."""
    distinct, place = np.unique(time, return_inverse=True)
    exits = np.zeros((causes + 1, distinct.size))
    np.add.at(exits, (cause, place), 1.0)
    at_risk = np.cumsum(exits.sum(axis=0)[::-1])[::-1]
    return Counts(distinct, at_risk, exits[1:])


@dataclass(frozen=True)
class Survival:
    """The Kaplan-Meier curve of one group, stepping at `counts.time`; `hazard_variance` is Greenwood's sum."""

    counts: Counts
    survival: Floats
    hazard_variance: Floats

    def known_at(self, at: float) -> bool:
        """Whether the curve is known at `at`: somebody was followed that long, or nobody was left to follow."""
        return at <= self.counts.last or self.survival[-1] == 0.0

    def at(self, at: float) -> tuple[float, float]:
        """Survival at `at` and its standard error; the error of a survival of 0 does not exist (NaN)."""
        index = int(np.searchsorted(self.counts.time, at, side="right")) - 1
        if index < 0:
            return 1.0, 0.0
        survival = float(self.survival[index])
        error = survival * float(np.sqrt(self.hazard_variance[index])) if survival > 0 else float("nan")
        return survival, error


def kaplan_meier(counts: Counts) -> Survival:
    """Kaplan and Meier 1958, with Greenwood's variance; every cause counts as the event."""
    events = counts.exits.sum(axis=0)
    left = counts.at_risk - events
    with np.errstate(divide="ignore"):
        terms = np.where(events > 0, events / (counts.at_risk * left), 0.0)
    return Survival(counts, np.cumprod(left / counts.at_risk), np.cumsum(terms))


def survival_limits(survival: Floats, error: Floats, kind: str, level: float) -> tuple[Floats, Floats]:
    """Limits around survival, `kind` `log-log`, `log` or `plain`; NaN where the transformation has none.

    `error` is the standard error of the survival itself.
    """
    z = t_quantile(0.5 + level / 2, None)
    if kind == "plain":
        return np.maximum(survival - z * error, 0.0), np.minimum(survival + z * error, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "log":
            relative = z * error / survival
            return survival * np.exp(-relative), np.minimum(survival * np.exp(relative), 1.0)
        inside = np.where((survival > 0) & (survival < 1), survival, np.nan)
        width = z * error / (inside * np.log(inside))
        return inside ** np.exp(-width), inside ** np.exp(width)


def curve_quantile(time: Floats, survival: Floats, quantile: float) -> float:
    """The first time with survival at or below 1 - `quantile`, or the middle of the stretch where it equals that.

    NaN when the curve never comes so low. Values of the curve that do not exist (NaN) are passed over.
    """
    target = 1.0 - quantile
    known = ~np.isnan(survival)
    time, survival = time[known], survival[known]
    reached = np.flatnonzero(survival <= target + FLAT)
    if reached.size == 0:
        return float("nan")
    first = int(reached[0])
    if survival[first] < target - FLAT:
        return float(time[first])
    below = np.flatnonzero(survival < target - FLAT)
    end = time[below[0]] if below.size else time[-1]
    return float((time[first] + end) / 2)


def quantile_with_limits(curve: Survival, quantile: float, kind: str, level: float) -> tuple[float, float, float]:
    """A quantile of the time to the event and its limits, read off the limits of the curve (Brookmeyer, Crowley)."""
    error = np.where(curve.survival > 0, curve.survival * np.sqrt(curve.hazard_variance), np.nan)
    low, high = survival_limits(curve.survival, error, kind, level)
    time = curve.counts.time
    estimate, early, late = (curve_quantile(time, values, quantile) for values in (curve.survival, low, high))
    return estimate, early, late


@dataclass(frozen=True)
class Incidence:
    """The Aalen-Johansen curves of one group: `incidence[k]` of cause k + 1 at `counts.time`, `before` the survival
    of all causes just before each time."""

    counts: Counts
    incidence: Floats
    before: Floats

    @property
    def _left(self) -> Floats:
        return 1.0 - self.counts.exits.sum(axis=0) / self.counts.at_risk

    def known_at(self, at: float) -> bool:
        """Whether the curves are known at `at`, as for survival."""
        return at <= self.counts.last or self._left[-1] == 0.0

    def share(self, cause: int, at: float) -> "Functional":
        """Share that has left by `cause` up to and including `at`."""
        upto = int(np.searchsorted(self.counts.time, at, side="right"))
        curve = self.incidence[cause - 1, :upto]
        final = float(curve[-1]) if upto else 0.0
        return Functional(final, np.ones(upto), final - curve)

    def area(self, cause: int, upto: float) -> "Functional":
        """Area under the curve of `cause` from 0 to `upto`: the mean time lost to it."""
        time, steps = self.counts.time, int(np.searchsorted(self.counts.time, upto, side="right"))
        curve = self.incidence[cause - 1, :steps]
        pieces = curve * np.diff(np.append(time[:steps], upto))
        after = np.cumsum(pieces[::-1])[::-1]
        gain = upto - time[:steps]
        return Functional(float(after[0]) if steps else 0.0, gain, after - curve * gain)

    def error(self, cause: int, of: "Functional") -> float:
        """Standard error: the root of the summed multinomial variances at the distinct times."""
        plus, lost, mean = self._changes(cause, of)
        at_risk, own, every = self._rates(cause, of.gain.size)
        square = (plus - lost) ** 2 * own + lost**2 * (every - own)
        return float(np.sqrt(max(np.sum((square - mean**2) / at_risk), 0.0)))

    def influence(self, cause: int, of: "Functional", time: Floats, causes: Ints) -> Floats:
        """What each person of the group (with these times and causes) adds to the estimate; squares sum to error^2."""
        steps = of.gain.size
        if steps == 0:
            return np.zeros(time.size)
        plus, lost, mean = self._changes(cause, of)
        at_risk = self.counts.at_risk[:steps]
        place = np.searchsorted(self.counts.time, time)
        found = -np.cumsum(mean / at_risk)[np.minimum(place, steps - 1)]
        gone = np.flatnonzero((place < steps) & (causes > 0))
        change = np.where(causes[gone] == cause, plus[place[gone]], 0.0) - lost[place[gone]]
        found[gone] += change / at_risk[place[gone]]
        return np.asarray(found)

    def _rates(self, cause: int, steps: int) -> tuple[Floats, Floats, Floats]:
        at_risk, exits = self.counts.at_risk[:steps], self.counts.exits[:, :steps]
        return at_risk, exits[cause - 1] / at_risk, exits.sum(axis=0) / at_risk

    def _changes(self, cause: int, of: "Functional") -> tuple[Floats, Floats, Floats]:
        """What one more exit by `cause` adds, what any exit takes away of what comes later, and the mean of both."""
        steps = of.gain.size
        left = self._left[:steps]
        lost = np.divide(of.later, left, out=np.zeros(steps), where=left > 0)
        plus = of.gain * self.before[:steps]
        _, own, every = self._rates(cause, steps)
        return plus, lost, plus * own - lost * every


@dataclass(frozen=True)
class Functional:
    """A number read off a curve: at each time, an exit gains `gain` per unit of survival and loses its part of
    `later`, which is still to come."""

    estimate: float
    gain: Floats
    later: Floats


def aalen_johansen(counts: Counts) -> Incidence:
    """Aalen and Johansen 1978: incidence of each cause in the presence of the others."""
    left = 1.0 - counts.exits.sum(axis=0) / counts.at_risk
    before = np.concatenate([[1.0], np.cumprod(left)[:-1]])
    return Incidence(counts, np.cumsum(before * counts.exits / counts.at_risk, axis=1), before)
