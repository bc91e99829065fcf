"""What is drawn again: the randomised rows, their units and the procedure; and what is computed of each draw."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.assignments import Labels, Procedure, Rule, group_by, template_groups
from analysis.estimators.columns import same_level
from analysis.estimators.drawn_units import listed_draws, unit_codes
from analysis.estimators.expressions import label
from analysis.estimators.lottery_design import lottery_procedure
from analysis.estimators.plan import DesignKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.sample import Ints, Sample

Floats = NDArray[np.float64]
Found = tuple[Floats, Floats | None, Floats]


@dataclass(frozen=True)
class Frame:
    """What is drawn: all randomised rows, the unit of each, and the procedure over units."""

    sample: Sample
    unit: Ints
    procedure: Procedure

    @property
    def units(self) -> int:
        return len(self.procedure.observed)


class Evaluator(Protocol):
    """`evaluate(labels)` gives estimates (m x arms x q), variances or None, and the joint F (m x q).

    `centred`: the statistic is compared with its mean over the draws and not with 0.
    """

    centred: bool

    def evaluate(self, labels: Labels) -> Found: ...


def frame_of(context: Context, sample: Sample | None = None) -> Frame:
    """The rows that were randomised (or `sample`) and how; Refused when a unit is in two arms."""
    keys = context.analysis
    design = keys.design or DesignKeys()
    sample = context.sample(keep_missing=True) if sample is None else sample
    unit, first = _units(context, sample, design)
    observed = sample.arm[first].astype(np.int8)
    torn = np.flatnonzero(observed[unit] != sample.arm)
    if len(torn):
        raise Refused(
            f"data row {int(sample.rows[torn[0]]) + 1} is in another arm than the rest of its unit",
            "name the unit that was drawn by `design: {unit: column}`",
        )
    procedure = _procedure(context, sample, design, unit, first, observed)
    return Frame(sample, unit, procedure)


def _units(context: Context, sample: Sample, design: DesignKeys) -> tuple[Ints, Ints]:
    """The unit of each row, and the first row of each unit."""
    if design.unit is not None:
        codes = sample.levels(design.unit).codes
        if (codes < 0).any():
            raise Refused(f"the unit {label(design.unit)!r} is missing in some rows", "fill it in")
    elif sample.cluster is not None:
        codes = sample.cluster
    else:
        return np.arange(sample.n), np.arange(sample.n)
    _, first, unit = np.unique(codes, return_index=True, return_inverse=True)
    return unit.ravel(), first


def _procedure(
    context: Context, sample: Sample, design: DesignKeys, unit: Ints, first: Ints, observed: Labels
) -> Procedure:
    arms = len(sample.arms)
    rules = tuple(_rule(sample, rule, unit, len(first)) for rule in design.acceptance)
    if design.method == "file":
        return Procedure(observed, arms, (), rules, listed_draws(context, sample, design, first))
    if design.method == "lottery":
        return lottery_procedure(context, sample, design, unit, first, observed)
    if design.method == "blocks":
        ref = design.block if design.block is not None else context.key("block")
        if ref is None:
            raise Refused("the design `blocks` names no block", "add `block: column` to `design` or to `data`")
        codes = unit_codes(sample, (ref,), first)
        if design.arms is not None and design.ratio is not None:
            template: list[int] = []
            for name, times in zip(design.arms, design.ratio, strict=True):
                template += [_arm_code(sample, name)] * times
            return Procedure(observed, arms, template_groups(codes, tuple(template)), rules)
        return Procedure(observed, arms, group_by(codes, observed), rules)
    strata = design.strata if "strata" in design.model_fields_set else context.key("strata")
    codes = np.zeros(len(first), np.intp) if strata is None else unit_codes(sample, strata, first)
    return Procedure(observed, arms, group_by(codes, observed), rules)


def _arm_code(sample: Sample, name: str) -> int:
    for code, arm in enumerate(sample.arms):
        if same_level(arm, name):
            return code
    raise Refused(f"the design has the arm {name!r}, which is not in the data", "check `design.arms` or the subset")


def _rule(sample: Sample, rule: Any, unit: Ints, units: int) -> Rule:
    """Means over persons; the distance with the covariance of all persons."""
    refs = rule.mahalanobis if rule.mahalanobis is not None else (rule.column,)
    X = np.column_stack([sample.values(ref) for ref in refs])
    if np.isnan(X).any():
        raise Refused("a column of the rule of acceptance is missing for someone who was drawn", "fill it in")
    sums = np.stack([np.bincount(unit, column, units) for column in X.T], axis=1).astype(np.float64)
    sizes = np.bincount(unit, minlength=units).astype(float)
    if rule.mahalanobis is None:
        return Rule(sums, sizes, float(rule.max_difference))
    covariance = np.atleast_2d(np.cov(X.T))
    if np.linalg.matrix_rank(covariance) < X.shape[1]:
        raise Refused("the columns of `mahalanobis` follow from each other", "leave one out")
    return Rule(sums, sizes, float(rule.max), np.linalg.inv(covariance).astype(np.float64))
