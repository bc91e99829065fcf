"""Means of arms and their raw differences."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from analysis.estimators.effects import ArmFit, arm_row, arms_only, joint_of, merged, pair_fits
from analysis.estimators.expressions import ColumnRef, label
from analysis.estimators.inference import estimate_row
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Joint, Report, Row
from analysis.estimators.sample import Ints, Sample


class DescribeKeys(AnalysisKeys):
    by: ColumnRef | None = None


class DifferenceKeys(AnalysisKeys):
    aggregate: Literal["cluster"] | None = None


@method(
    "describe",
    keys=DescribeKeys,
    nl="Per groep staan het gemiddelde en de spreiding, zonder vergelijking.",
    en="The mean and the spread of each arm are shown, without a comparison.",
)
def describe(context: Context) -> Report:
    """Mean (n answered, standard error) and standard deviation of each outcome, by arm and by subgroup."""
    keys = context.keys(DescribeKeys)
    sample = context.sample(arms=context.key("arm") is not None, control=False, covariates=False)
    names = sample.arms or ("all",)
    by = sample.levels(keys.by) if keys.by is not None else None
    groups = [(None, np.ones(sample.n, bool))] if by is None else [(g, by.codes == i) for i, g in enumerate(by.names)]
    rows = [
        row
        for outcome, values in sample.outcomes.items()
        for subgroup, inside in groups
        if inside.any()
        for code, arm in enumerate(names)
        for row in _described(values[inside & (sample.arm == code)], arm, outcome, subgroup, context)
    ]
    return Report(tuple(rows))


def _described(values: np.ndarray, arm: str, outcome: str, subgroup: str | None, context: Context) -> tuple[Row, Row]:
    seen = values[~np.isnan(values)]
    n = len(seen)
    labels: dict[str, Any] = {"outcome": outcome, "subgroup": subgroup, "n": n}
    if n == 0:
        note = "no value observed"
        return Row(arm, "mean", note=note, **labels), Row(arm, "sd", note=note, **labels)
    if n == 1:
        note = "one value observed, so no spread"
        return Row(arm, "mean", estimate=float(seen[0]), note=note, **labels), Row(arm, "sd", note=note, **labels)
    sd = float(seen.std(ddof=1))
    level = context.analysis.level
    mean = estimate_row(arm, float(seen.mean()), sd / n**0.5, n - 1.0, level=level, measure="mean", **labels)
    return replace(mean, statistic=None, p_value=None), Row(arm, "sd", estimate=sd, **labels)


@method(
    "difference_in_means",
    keys=DifferenceKeys,
    nl="Het effect is het verschil tussen de gemiddelden van de groep en de controlegroep.",
    en="The effect is the difference between the mean of the arm and the mean of the control arm.",
)
def difference_in_means(context: Context) -> Report:
    """Raw difference of each arm and the control, on the rows of these two (Neyman; HC2 is its equal)."""
    keys = context.keys(DifferenceKeys)
    context.raw_only()
    persons = sample = context.sample(covariates=context.key("weights") is not None)
    if keys.aggregate is not None:
        sample = cluster_means(context, persons)
    fits = list(pair_fits(context, sample, arms_only))
    rows = tuple(
        found if isinstance(found, Row) else arm_row(context, found, arm, n=persons.observed(found.outcome).pair(arm).n)
        for arm, found in fits
    )
    return Report(rows, joint=_joint(context, rows, fits))


def _joint(context: Context, rows: tuple[Row, ...], fits: list[tuple[str, ArmFit | Row]]) -> Joint | None:
    """Pairs together: their scores on the shared control rows give the covariance."""
    parts = [
        (place, joint_of(context, [row], found))
        for place, (row, (_, found)) in enumerate(zip(rows, fits, strict=True))
        if isinstance(found, ArmFit)
    ]
    return merged(parts)


def cluster_means(context: Context, sample: Sample) -> Sample:
    """One row a cluster with the mean of each outcome; Refused when a cluster is in two arms."""
    if sample.cluster is None:
        raise Refused("`aggregate: cluster` needs a cluster and none is named", "add `cluster: column`")
    codes, first, which = np.unique(sample.cluster, return_index=True, return_inverse=True)
    if (sample.arm[first][which] != sample.arm).any():
        bad = (
            sample.table.column(context.key("cluster"))
            .levels()
            .names[sample.cluster[np.flatnonzero(sample.arm[first][which] != sample.arm)[0]]]
        )
        raise Refused(
            f"the cluster {bad!r} of {label(context.key('cluster'))!r} has persons in two arms",
            "analyse persons instead",
        )
    part = sample.take(first.astype(np.intp))
    outcomes = {name: _means_of(values, which, len(codes)) for name, values in sample.outcomes.items()}
    return replace(part, outcomes=outcomes, cluster=None)


def _means_of(values: np.ndarray, which: Ints, count: int) -> np.ndarray:
    seen = ~np.isnan(values)
    totals = np.bincount(which[seen], values[seen], minlength=count)
    counts = np.bincount(which[seen], minlength=count)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
