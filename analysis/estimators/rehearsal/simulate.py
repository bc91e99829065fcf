"""One draw of a described trial: people, households, lots, waves, exits."""

from typing import Any

import numpy as np

from analysis.estimators.rehearsal.description import Description
from analysis.estimators.sample import Floats, Ints

Columns = dict[str, Any]


def simulate(world: Description, rng: np.random.Generator) -> Columns:
    """The data of one trial as columns: what a register and questionnaires would hold."""
    household = _households(world, rng)
    n, units = len(household), int(household.max()) + 1
    names = tuple(world.strata)
    shares = np.array(list(world.strata.values()))
    stratum = rng.choice(len(names), units, p=shares / shares.sum())
    arm_of, block = _lots(world, stratum, rng)
    arm = arm_of[household]
    data: Columns = {
        "person": [f"p{place}" for place in range(1, n + 1)],
        "household": [f"h{place + 1}" for place in household],
        "stratum": [names[code] for code in stratum[household]],
        "block": [f"{names[stratum[h]]}-{block[h]}" for h in household],
        "arm": [world.arms[code] for code in arm],
        "entry_day": rng.integers(0, world.recruitment_days + 1, units)[household].astype(np.float64),
    }
    offered = np.array([world.received_share(name) for name in world.arms])
    received = rng.random(n) < offered[arm]
    data["received"] = received.astype(np.float64)
    data |= _waves(world, arm, household, stratum[household], received, rng)
    return data | _exits(world, arm, rng)


def _households(world: Description, rng: np.random.Generator) -> Ints:
    """The household of each person: singles and couples until there are enough persons."""
    size = 1 + (rng.random(world.persons) < world.households.couples).astype(np.intp)
    return np.repeat(np.arange(world.persons), size)[: world.persons]


def _lots(world: Description, stratum: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Arm and block of each household, drawn within strata: blocks of the ratio, or one shuffle of the counts."""
    template = np.array([world.arms.index(name) for name in world.template])
    arm = np.empty(len(stratum), np.intp)
    block = np.zeros(len(stratum), np.intp)
    for code in np.unique(stratum):
        units = np.flatnonzero(stratum == code)
        rounds = -(-len(units) // len(template))
        deck = rng.permuted(np.tile(template, (rounds, 1)), axis=1).ravel()[: len(units)]
        if world.lots == "complete":
            deck = rng.permutation(deck)
        else:
            block[units] = np.arange(len(units)) // len(template) + 1
        arm[units] = deck
    return arm, block


def _waves(
    world: Description, arm: Ints, household: Ints, stratum: Ints, received: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Answers at each wave; an effect falls to those who receive the arm, scaled so that its mean is as described."""
    waves = world.waves
    if waves is None:
        return {}
    n, t = len(arm), len(waves.names)
    root = np.linalg.cholesky(np.full((t, t), waves.correlation) + (1 - waves.correlation) * np.eye(t))
    alike = world.households.correlation
    shared = rng.standard_normal((int(household.max()) + 1, t))[household]
    own = rng.standard_normal((n, t))
    z = (np.sqrt(alike) * shared + np.sqrt(1 - alike) * own) @ root.T
    shift = np.array([waves.strata.get(name, 0.0) for name in world.strata])[stratum]
    y = np.broadcast_to(waves.mean, t) + waves.sd * z + shift[:, None] + _effects(world, arm, received)
    seen = _answered(world, arm, z[:, 0], rng)
    return {name: np.where(seen[:, place], y[:, place], np.nan) for place, name in enumerate(waves.names)}


def _effects(world: Description, arm: Ints, received: np.ndarray) -> Floats:
    """The effect on each person at each wave (n x waves)."""
    assert world.waves is not None
    each = np.zeros((len(world.arms), len(world.waves.names)))
    for code, name in enumerate(world.arms):
        if name in world.waves.effects:
            each[code] = np.array(world.waves.effects[name])
            share = world.received_share(name)
            each[code] /= share if share > 0 else 1.0
    return np.asarray(each[arm] * received[:, None])


def _answered(world: Description, arm: Ints, baseline: Floats, rng: np.random.Generator) -> np.ndarray:
    """Who answered each wave (n x waves)."""
    assert world.waves is not None
    seen = np.ones((len(arm), len(world.waves.names)), bool)
    if world.attrition is None:
        return seen
    for place, wave in enumerate(world.waves.names):
        shares = world.attrition.missing.get(wave, {})
        missing = np.array([shares.get(name, 0.0) for name in world.arms])[arm]
        with np.errstate(divide="ignore"):
            logit = np.log(missing) - np.log1p(-missing) + world.attrition.slope * baseline
        seen[:, place] = rng.random(len(arm)) >= 1 / (1 + np.exp(-logit))
        if world.attrition.stays_away and place:
            seen[:, place] &= seen[:, place - 1]
    return seen


def _exits(world: Description, arm: Ints, rng: np.random.Generator) -> Columns:
    """The day of the first exit and its cause, 0 where none was seen during follow-up."""
    if world.exits is None:
        return {}
    causes = tuple(world.exits.yearly)
    hazards = np.array([list(world.daily(name).values()) for name in world.arms])[arm]
    days = rng.exponential(size=hazards.shape) / hazards
    first = days.argmin(axis=1)
    day = np.ceil(days.min(axis=1))
    seen = day <= world.exits.follow_up
    return {
        "exit_day": np.minimum(day, world.exits.follow_up),
        "exit_cause": [causes[code] if hit else "0" for code, hit in zip(first, seen, strict=True)],
    }
