"""Numbers read off the curve of an arm, with errors that can be put together over arms.

With the model's errors persons are independent (Greenwood). With robust errors each person's influence on the number is
kept, summed by cluster, so that households count once and a household in two arms is no trouble.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.estimators.exits import Exits
from analysis.estimators.registry import Context
from analysis.estimators.sample import Floats, Ints
from analysis.estimators.survival_curves import Functional, Incidence, aalen_johansen


@dataclass(frozen=True)
class Part:
    """An estimate with its error; `influence` is what each cluster adds to it, None under the model's errors."""

    estimate: float
    error: float
    influence: Floats | None = None

    def minus(self, other: "Part") -> tuple[float, float]:
        """The difference and its error."""
        return self.estimate - other.estimate, _together(self, other, 1.0, 1.0)

    def log_ratio(self, other: "Part") -> tuple[float, float]:
        """The logarithm of the ratio and its error, by the delta method; both estimates are above 0."""
        return math.log(self.estimate / other.estimate), _together(self, other, 1 / self.estimate, 1 / other.estimate)


def _together(one: Part, other: Part, slope: float, other_slope: float) -> float:
    if one.influence is None or other.influence is None:
        return math.hypot(slope * one.error, other_slope * other.error)
    return float(np.linalg.norm(slope * one.influence - other_slope * other.influence))


class Curves:
    """The Aalen-Johansen curves of the arms of an analysis."""

    def __init__(self, context: Context, exits: Exits) -> None:
        self.exits = exits
        self.arms = {arm: exits.of(arm) for arm in exits.arms}
        self.curves = {arm: aalen_johansen(part.counts()) for arm, part in self.arms.items()}
        self.codes: Ints | None = None
        se = context.analysis.se or "model"
        context.details["se"] = se
        if se == "robust":
            cluster = exits.sample.cluster
            self.codes = np.arange(exits.sample.n) if cluster is None else np.unique(cluster, return_inverse=True)[1]
        elif exits.sample.cluster is not None:
            context.note("the errors take persons as independent; `se: robust` gives those by cluster")

    def known_at(self, arm: str, at: float) -> bool:
        return self.curves[arm].known_at(at)

    def at_risk_at(self, arm: str, at: float) -> int:
        return self.curves[arm].counts.at_risk_at(at)

    def share(self, arm: str, place: int, at: float) -> Part:
        """The share that has left by cause `place` (from 1) up to and including `at`."""
        return self._part(arm, place, lambda curve: curve.share(place, at))

    def area(self, arm: str, place: int, upto: float) -> Part:
        """The mean time lost to cause `place` up to `upto`."""
        return self._part(arm, place, lambda curve: curve.area(place, upto))

    def _part(self, arm: str, place: int, functional: Callable[[Incidence], Functional]) -> Part:
        curve, part = self.curves[arm], self.arms[arm]
        found = functional(curve)
        if self.codes is None:
            return Part(found.estimate, curve.error(place, found))
        persons = curve.influence(place, found, part.time, part.cause)
        inside = self.exits.sample.arm == self.exits.arms.index(arm)
        count = int(self.codes.max()) + 1
        influence = np.bincount(self.codes[inside], persons, minlength=count).astype(np.float64)
        return Part(found.estimate, float(np.linalg.norm(influence)), influence)
