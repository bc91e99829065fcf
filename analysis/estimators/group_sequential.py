"""Boundaries of interim looks, by recursive integration (Armitage, McPherson and Rowe; Lan and DeMets 1983)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.sample import Floats

FAR = 9.0
NARROWEST = 0.005
PANEL = 16


def spent_obrien_fleming(t: float, alpha: float) -> float:
    """One-sided alpha spent at information t, in the manner of O'Brien and Fleming."""
    from scipy import special

    return float(2 * special.ndtr(special.ndtri(alpha / 2) / math.sqrt(min(t, 1.0))))


def spent_pocock(t: float, alpha: float) -> float:
    """One-sided alpha spent at information t, in the manner of Pocock."""
    return alpha * math.log(1 + (math.e - 1) * min(t, 1.0))


SPENDING = {"spending_obrien_fleming": spent_obrien_fleming, "spending_pocock": spent_pocock}
SHAPES: dict[str, Callable[[float], float]] = {"obrien_fleming": lambda t: 1 / math.sqrt(t), "pocock": lambda t: 1.0}


@dataclass(frozen=True)
class _Going:
    """Who has not stopped: places of the B-value (nodes) with their weighted density, at information t."""

    t: float
    nodes: Floats
    mass: Floats

    def beyond(self, t: float, bound: float) -> float:
        """The probability to be above `bound` (a B-value) at information t."""
        from scipy import special

        return float(self.mass @ special.ndtr((self.nodes - bound) / math.sqrt(t - self.t)))

    def below(self, t: float, bound: float, two: bool) -> "_Going":
        """Those who stay inside the bound (on both sides when two) at information t."""
        step = math.sqrt(t - self.t)
        low = max(-bound if two else -np.inf, -FAR * math.sqrt(t))
        nodes, weights = _legendre(low, bound, step)
        density = np.exp(-0.5 * ((nodes[:, None] - self.nodes) / step) ** 2) @ self.mass
        return _Going(t, nodes, weights * density / (step * math.sqrt(2 * math.pi)))


START = _Going(0.0, np.zeros(1), np.ones(1))


def _legendre(low: float, high: float, step: float) -> tuple[Floats, Floats]:
    """Nodes and weights on a stretch, in panels no wider than two standard deviations `step` of the density."""
    panels = int(np.ceil((high - low) / (2 * step)))
    nodes, weights = np.polynomial.legendre.leggauss(PANEL)
    half = (high - low) / panels / 2
    middles = low + half * (2 * np.arange(panels) + 1)
    return (middles[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)


@dataclass(frozen=True)
class Boundary:
    """Critical values at the looks, and alpha spent so far (of both sides when two-sided)."""

    z: tuple[float, ...]
    spent: tuple[float, ...]


def boundary(shape: str, information: tuple[float, ...], alpha: float, two: bool) -> Boundary:
    """Boundaries of a shape at information fractions; two: symmetric, with alpha for both sides together."""
    if shape in SPENDING:
        return _by_spending(SPENDING[shape], information, alpha, two)
    from scipy.optimize import brentq

    form = SHAPES[shape]

    def values(constant: float) -> tuple[float, ...]:
        return tuple(constant * form(t / information[-1]) for t in information)

    constant = brentq(lambda c: crossing(values(c), information, two)[-1] - alpha, 0.1, 8.0, xtol=1e-12)
    return Boundary(values(constant), crossing(values(constant), information, two))


def crossing(z: tuple[float, ...], information: tuple[float, ...], two: bool) -> tuple[float, ...]:
    """The probability to have crossed by each look when there is no effect."""
    going, spent, total = START, [], 0.0
    for value, t in zip(z, information, strict=True):
        bound = value * math.sqrt(t)
        total += going.beyond(t, bound) * (2 if two else 1)
        spent.append(total)
        going = going.below(t, bound, two)
    return tuple(spent)


def spent_by(spend: Callable[[float, float], float], information: tuple[float, ...], alpha: float, two: bool) -> Floats:
    """Alpha spent so far at each look by a spending function."""
    sides = 2 if two else 1
    return np.array([sides * spend(t, alpha / sides) for t in information])


def _by_spending(
    spend: Callable[[float, float], float], information: tuple[float, ...], alpha: float, two: bool
) -> Boundary:
    from scipy.optimize import brentq

    spent = spent_by(spend, information, alpha, two)
    going, z = START, []
    for place, (t, share) in enumerate(zip(information, np.diff(spent, prepend=0.0), strict=True), start=1):
        wanted = share / (2 if two else 1)
        if wanted < 1e-15:
            raise Refused(f"at look {place} hardly any alpha is left to spend", "look later, or less often")
        scale = math.sqrt(t)
        value = brentq(
            lambda v, now=going, t=t, scale=scale, wanted=wanted: math.log(
                max(now.beyond(t, v * scale), 1e-300) / wanted
            ),
            -3.0,
            FAR,
            xtol=1e-13,
        )
        z.append(float(value))
        going = going.below(t, value * scale, two)
    return Boundary(tuple(z), tuple(float(part) for part in spent))


def conditional_power(z: float, t: float, final: float, drift: float) -> float:
    """The chance that Z at full information is above `final`, given z at t; drift: the mean of that Z."""
    from scipy import special

    return float(special.ndtr((z * math.sqrt(t) + drift * (1 - t) - final) / math.sqrt(1 - t)))
