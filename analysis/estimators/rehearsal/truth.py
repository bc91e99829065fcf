"""The true value behind a row of an analysis, where it follows from the description."""

import math

from analysis.estimators.expressions import label
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.rehearsal.description import Description
from analysis.estimators.results import Row

BY_RECEIPT = {"wald_iv", "iv_2sls", "bloom_att"}
RANDOMISED = {"randomization_test", "randomization_interval", "wild_cluster_bootstrap"}
FILLED = {"ipw", "multiple_imputation", "mmrm"}
LINEAR = {"difference_in_means", "ols", "lin", "blocked_difference_in_means", "blocked_lin", "change_score", "dunnett"}
MEANS = BY_RECEIPT | RANDOMISED | FILLED | LINEAR | {"monthly_itt"}


def truth_of(world: Description, keys: AnalysisKeys, row: Row) -> float | None:
    """The true difference (or log hazard ratio) of the arm of a row, None where it is not known."""
    if row.term in world.truth.get(keys.id, {}):
        return world.truth[keys.id][row.term]
    if row.term not in world.arms or row.term == world.control:
        return None
    if keys.method in MEANS and world.waves is not None:
        return _of_means(world, keys, row)
    if keys.method in ("aalen_johansen", "survival_difference", "rmtl") and world.exits is not None:
        return _of_exits(world, keys, row)
    return None


def _of_means(world: Description, keys: AnalysisKeys, row: Row) -> float | None:
    assert world.waves is not None
    named = keys.outcomes if isinstance(keys.outcomes, tuple) else (keys.outcome,)
    outcomes = [label(ref) for ref in named if ref is not None]
    wave = row.outcome if row.outcome in world.waves.names else outcomes[0] if len(outcomes) == 1 else None
    if row.wave == "average" and outcomes and all(name in world.waves.names for name in outcomes):
        measured = outcomes[1:] if getattr(keys, "constrained_baseline", False) else outcomes
        return sum(world.effect(row.term, name) for name in measured) / len(measured)
    if wave not in world.waves.names:
        return None
    effect = world.effect(row.term, str(wave))
    share = world.received_share(row.term) - world.received_share(world.control)
    if keys.method == "change_score":
        return effect - world.effect(row.term, label(getattr(keys, "baseline", wave)))
    if keys.method not in BY_RECEIPT:
        return effect
    if row.measure == "received":
        return share
    return effect if row.measure == "itt" else effect / share if row.measure == "effect" and share else None


def _of_exits(world: Description, keys: AnalysisKeys, row: Row) -> float | None:
    assert world.exits is not None
    causes, control = tuple(world.exits.yearly), world.control
    arm = row.term
    if keys.method == "survival_difference" and row.at is not None and keys.event is None:
        return sum(world.incidence(arm, c, row.at) - world.incidence(control, c, row.at) for c in causes)
    if row.measure != "difference" or row.event not in causes:
        return None
    if keys.method == "aalen_johansen" and row.at is not None:
        return world.incidence(arm, row.event, row.at) - world.incidence(control, row.event, row.at)
    if keys.method == "rmtl" and keys.tau is not None:
        return _months(world, arm, row.event, keys.tau) - _months(world, control, row.event, keys.tau)
    return None


def _months(world: Description, arm: str, cause: str, tau: float) -> float:
    """The area under the incidence, which steps on whole days."""
    return math.fsum(world.incidence(arm, cause, day) for day in range(1, math.ceil(tau)))
