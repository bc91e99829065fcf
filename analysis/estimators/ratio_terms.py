"""Designs and rows of regressions on the log-hazard scale: arms, covariates and `terms`, no intercept."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.design_matrix import assemble
from analysis.estimators.effects import covariates_of
from analysis.estimators.exits import Exits, without_arm
from analysis.estimators.expressions import label
from analysis.estimators.inference import empty_row, estimate_row
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.results import Joint, Row
from analysis.estimators.sample import Floats
from analysis.estimators.tables import listed_columns

NO_EVENTS = "nobody of this arm has the event, so its ratio does not exist"


@dataclass(frozen=True)
class HazardDesign:
    """Columns of the arms (in the order of `arms`, control left out) and the covariates."""

    X: Floats
    names: tuple[str, ...]
    arms: tuple[str, ...]

    def place(self, arm: str) -> int:
        return self.arms.index(arm)


def hazard_design(context: Context, exits: Exits) -> HazardDesign:
    whole = assemble(exits.sample, covariates_of(context, exits.sample))
    return HazardDesign(whole.X[:, 1:], whole.names[1:], exits.sample.arms[1:])


def with_events(context: Context, exits: Exits, event: str) -> tuple[Exits, tuple[str, ...]]:
    """The exits without the arms in which nobody has the event, and these arms.

    Their ratio is 0 and has no logarithm; without their rows the estimates of the others are the limit of the whole
    fit. Refused when the control has no event, or no arm that is reported has one.
    """
    code = exits.names.index(event) + 1
    counts = np.bincount(exits.sample.arm[exits.cause == code], minlength=len(exits.arms))
    without = tuple(arm for arm, count in zip(exits.arms, counts, strict=True) if count == 0)
    if exits.arms[0] in without or set(context.reported_arms(exits.sample)) <= set(without):
        which = without[0]
        what = f"nobody of the arm {which!r} has the event" + (f" {event!r}" if len(exits.names) > 1 else "")
        raise Refused(f"{what} (zero events)", "report survival_difference or aalen_johansen instead")
    for arm in without:
        exits = without_arm(exits, arm)
    return exits, without


def wanted_columns(context: Context, design: HazardDesign, arms: tuple[str, ...]) -> list[tuple[str, int | None]]:
    """The name of each row and its column: the arms (None for one that is left out), then `terms`."""
    found: list[tuple[str, int | None]] = [(arm, design.place(arm) if arm in design.arms else None) for arm in arms]
    for ref in context.analysis.terms:
        for item in listed_columns(ref, context.data):
            name = label(item)
            found += [
                (other, place)
                for place, other in enumerate(design.names)
                if other == name or other.startswith(f"{name}=")
            ]
    return found


def ratio_rows(
    context: Context,
    design: HazardDesign,
    arms: tuple[str, ...],
    beta: Floats,
    covariance: Floats,
    n: int,
    event: str | None = None,
) -> list[Row]:
    """Log ratios with their back-transforms, normal tests and limits."""
    analysis = context.analysis
    return [
        empty_row(name, NO_EVENTS, n=n, event=event)
        if place is None
        else estimate_row(
            name,
            float(beta[place]),
            float(np.sqrt(covariance[place, place])),
            None,
            level=analysis.level,
            sided=analysis.sided,
            ratio=True,
            n=n,
            event=event,
        )
        for name, place in wanted_columns(context, design, arms)
    ]


def ratio_joint(design: HazardDesign, rows: list[Row], beta: Floats, covariance: Floats) -> Joint:
    """The log ratios of the arms together, for a family of analyses."""
    found = {i: design.place(row.term) for i, row in enumerate(rows) if row.term in design.arms}
    at = list(found.values())
    return Joint(tuple(found), beta[at], covariance[np.ix_(at, at)], None)
