"""Power of a comparison of two arms, and what it takes to reach it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from analysis.estimators.inference import t_quantile
from analysis.estimators.refusals import Refused

MOST = 1e12


@dataclass(frozen=True)
class Design:
    """What turns persons into information.

    alpha: of one comparison; two: two-sided; r2: share of variance that covariates explain; attrition: share of persons
    whose outcome is not seen; icc, cluster_size and cv (of the sizes): persons drawn in clusters.
    """

    alpha: float = 0.05
    two: bool = True
    r2: float = 0.0
    attrition: float = 0.0
    icc: float = 0.0
    cluster_size: float = 1.0
    cv: float = 0.0

    @property
    def deff(self) -> float:
        return design_effect(self.cluster_size, self.cv, self.icc)

    @property
    def tail(self) -> float:
        return self.alpha / 2 if self.two else self.alpha

    def effective(self, n: float) -> float:
        """The independent persons, without covariates, that n randomised persons are worth."""
        return n * (1 - self.attrition) / self.deff / (1 - self.r2)

    def df(self, total: float) -> float:
        """Observed persons, or clusters where persons in them are alike, less two."""
        size = self.cluster_size if self.icc > 0 else 1.0
        return total * (1 - self.attrition) / size - 2


def design_effect(cluster_size: float, cv: float, icc: float) -> float:
    """By how much the variance is larger than that of persons drawn singly (sizes with coefficient of variation cv)."""
    return 1 + ((cv**2 + 1) * cluster_size - 1) * icc


def power_of(design: Design, ratio: float, df: float | None) -> float:
    """Power when the effect is `ratio` standard errors: non-central t with both tails, or the normal (df None)."""
    from scipy import special

    if df is None:
        return float(special.ndtr(ratio + special.ndtri(design.tail)))
    if df <= 0:
        return 0.0
    reach = t_quantile(1 - design.tail, df)
    if df > 1e7:  # the non-central t is the normal here, and its series does not end
        return float(special.ndtr(ratio - reach))
    upper = 1 - float(special.nctdtr(df, ratio, reach))
    return upper + (1 - float(special.nctdtr(df, -ratio, reach)) if design.two else 0.0)


def ratio_for(design: Design, power: float, df: float | None) -> float:
    """The effect in standard errors that is found with the power asked for."""
    from scipy import special

    if df is None:
        return float(special.ndtri(power) - special.ndtri(design.tail))
    if df <= 0:
        raise Refused("there are too few persons to estimate the variance", "give more than two")
    return _solve(lambda ratio: power_of(design, ratio, df) - power, 0.0, 10.0)


@dataclass(frozen=True)
class Means:
    """A difference of means, with the standard deviations of control and arm; t: with estimated variance."""

    sd: tuple[float, float]
    t: bool = True

    def std_error(self, design: Design, n: tuple[float, float]) -> float:
        return math.sqrt(sum(sd**2 / design.effective(persons) for sd, persons in zip(self.sd, n, strict=True)))

    def df(self, design: Design, n: tuple[float, float]) -> float | None:
        return design.df(sum(n)) if self.t else None

    def power(self, design: Design, n: tuple[float, float], delta: float) -> float:
        return power_of(design, delta / self.std_error(design, n), self.df(design, n))

    def detectable(self, design: Design, n: tuple[float, float], power: float) -> float:
        return ratio_for(design, power, self.df(design, n)) * self.std_error(design, n)


@dataclass(frozen=True)
class Risks:
    """A difference of risks from `p1` of the control: pooled variance under no effect, unpooled under the effect.

    up: whether the arm's risk is sought above that of the control.
    """

    p1: float
    up: bool = True

    def power(self, design: Design, n: tuple[float, float], delta: float) -> float:
        from scipy import special

        p2 = self.p1 + delta if self.up else self.p1 - delta
        one, two = (design.effective(persons) for persons in n)
        mean = (self.p1 * one + p2 * two) / (one + two)
        null = math.sqrt(mean * (1 - mean) * (1 / one + 1 / two))
        spread = math.sqrt(self.p1 * (1 - self.p1) / one + p2 * (1 - p2) / two)
        if spread == 0:
            raise Refused("both risks are 0 or 1", "give risks in between")
        return float(special.ndtr((delta + special.ndtri(design.tail) * null) / spread))

    def detectable(self, design: Design, n: tuple[float, float], power: float) -> float:
        room = 1 - self.p1 if self.up else self.p1
        if self.power(design, n, room * (1 - 1e-12)) < power:
            raise Refused("no risk between 0 and 1 is far enough from that of the control", "take more persons")
        return _solve(lambda delta: self.power(design, n, delta) - power, 0.0, room * (1 - 1e-12))


def persons_for(effect: Means | Risks, design: Design, delta: float, power: float, ratio: float) -> tuple[float, float]:
    """Persons in the control and in the arm (`ratio` times as many), not rounded."""
    if power <= design.tail:
        raise Refused("the power asked for is not above alpha", "ask for more power")

    def lacking(control: float) -> float:
        return effect.power(design, (control, ratio * control), delta) - power

    control = _solve(lacking, 1e-9, 10.0)
    return control, ratio * control


def _solve(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that rises crosses 0."""
    from scipy.optimize import brentq

    while function(high) < 0:
        low, high = high, high * 4
        if high > MOST:
            raise Refused("the effect is too small to be found with any number of persons", "give a larger effect")
    return float(brentq(function, low, high, xtol=1e-13, rtol=1e-14, maxiter=500))


def logrank_events(hazard_ratio: float, share: float, design: Design, power: float) -> float:
    """Events of both arms together that the log-rank test needs (Schoenfeld); `share` of persons in the arm."""
    return (ratio_for(design, power, None) / math.log(hazard_ratio)) ** 2 / (share * (1 - share))
