"""The climb to the top of a partial likelihood, with separation refused in words."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from analysis.estimators.refusals import Refused
from analysis.estimators.survival_curves import Floats

STEPS = 60
HALVINGS = 30
TOLERANCE = 1e-13
SINGULAR = 1e12
EDGE = 12.0  # a log ratio for one standard deviation of a covariate that no data support: it is separation
WIDE = 4.0  # its error may be so many times wider


class Moments(Protocol):
    """What is known at one value of the coefficients."""

    @property
    def loglik(self) -> float: ...

    @property
    def score(self) -> Floats: ...


M = TypeVar("M", bound=Moments)


def climb(
    moments: Callable[[Floats], M], information: Callable[[M], Floats], spread: Floats
) -> tuple[Floats, M, Floats]:
    """Newton steps from 0, halved until they climb: the coefficients, their moments and the inverse information.

    `spread` are the standard deviations of the covariates. Refused when they are collinear among those at risk, or
    when the likelihood climbs for ever.
    """
    beta = np.zeros(spread.size)
    at = moments(beta)
    for _ in range(STEPS):
        nearer = _step(moments, at, beta, _solve(information(at), at.score))
        if nearer is None:
            break
        beta, after = nearer
        _refuse_separation(np.abs(beta) * spread)
        gained, at = after.loglik - at.loglik, after
        if gained <= TOLERANCE * (1 + abs(at.loglik)):
            break
    inverse = np.asarray(np.linalg.inv(information(at)), dtype=np.float64)
    _refuse_separation(np.sqrt(np.diag(inverse)) * spread / WIDE)
    return beta, at, inverse


def _step(moments: Callable[[Floats], M], at: M, beta: Floats, step: Floats) -> tuple[Floats, M] | None:
    for _ in range(HALVINGS):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            after = moments(beta + step)
        if np.isfinite(after.loglik) and after.loglik >= at.loglik:
            return beta + step, after
        step = step / 2
    return None


def _solve(information: Floats, score: Floats) -> Floats:
    scale = np.sqrt(np.diag(information))
    if not np.all(scale > 0):
        raise Refused("a covariate does not vary among those at risk", "leave it out")
    scaled = information / np.outer(scale, scale)
    if np.linalg.cond(scaled) > SINGULAR:
        raise Refused("the covariates are collinear among those at risk", "leave one of them out")
    return np.asarray(np.linalg.solve(scaled, score / scale) / scale)


def _refuse_separation(size: Floats) -> None:
    """Refuse log ratios whose `size`, for one standard deviation of their covariate, no data could support."""
    if np.any(size > EDGE):
        raise Refused(
            "a ratio has no finite estimate: a group or covariate tells exactly who has the event (separation)",
            "leave it out, or report survival_difference or aalen_johansen instead",
        )
