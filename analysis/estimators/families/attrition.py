"""Who did not answer, and what the missing answers can at most do: response tests and bounds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.estimators.bounds import LeeCell, imbens_manski, lee_bounds, lee_cells, lee_errors
from analysis.estimators.effects import ArmFit, arm_fits, arm_row, arms_only, ols_design
from analysis.estimators.exits import refuse_unused
from analysis.estimators.inference import empty_row, joint_f
from analysis.estimators.plan import AnalysisKeys, Columns
from analysis.estimators.refusals import Refused, varies
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Ints, Sample, combined_levels

OUTCOME_NUMBERS = ("mean", "sd", "events")
PERSON_DRAWS, FEWEST = 200_000_000, 500  # draws times persons of a bootstrap without `draws`, and its fewest draws
Bounds = tuple[Row, ...]


class LeeKeys(AnalysisKeys):
    within: Columns = ()


class RangeKeys(AnalysisKeys):
    range: tuple[float, float]


@method(
    "attrition_test",
    nl="Per meting staat of de groepen even vaak hebben geantwoord.",
    en="For each wave it is shown whether the arms answered equally often.",
)
def attrition_test(context: Context) -> Report:
    """Least squares of answered (0/1) on the arms at each outcome, and the joint test of all arms."""
    sample = context.sample(keep_missing=True)
    arms = context.reported_arms(sample)
    for part in context.details["arms"].values():
        for name in OUTCOME_NUMBERS:  # of the outcome, which this analysis does not look at
            part.pop(name, None)
    answered = {name: (~np.isnan(values)).astype(np.float64) for name, values in sample.outcomes.items()}
    varying = {name: values for name, values in answered.items() if varies(values)}
    fits = {fit.outcome: fit for fit in arm_fits(context, replace(sample, outcomes=varying), ols_design)}
    rows: list[Row] = []
    for name, values in answered.items():
        labels: dict[str, Any] = {"outcome": context.outcome_label(name), "n": sample.n}
        if name in fits:
            rows += [arm_row(context, fits[name], arm) for arm in arms]
            rows.append(_joint_row(fits[name], labels))
        else:
            note = "everybody answered" if values.all() else "nobody answered"
            rows += [empty_row(arm, note, estimate=0.0, **labels) for arm in arms]
    return Report(tuple(rows), {"patterns": _patterns(answered)})


def _joint_row(fit: ArmFit, labels: dict[str, Any]) -> Row:
    contrasts = np.array([fit.arm_contrast(arm) for arm in fit.sample.arms[1:]])
    if fit.without:
        return empty_row("joint", next(iter(fit.without.values())), measure="F", **labels)
    statistic, df, df2 = fit.fit.joint(contrasts)
    return joint_f(statistic, df, df2, **labels)


def _patterns(answered: dict[str, Floats]) -> dict[str, int]:
    """How many persons have each pattern of answers: `10` answered the first and not the second."""
    seen = np.column_stack(list(answered.values())).astype(int)
    kinds, counts = np.unique(seen, axis=0, return_counts=True)
    return {"".join(map(str, kind)): int(count) for kind, count in zip(kinds[::-1], counts[::-1], strict=True)}


@method(
    "lee_bounds",
    keys=LeeKeys,
    nl="De grenzen van Lee: het effect bij wie in beide groepen zou antwoorden, als het loten alleen meer "
    "of alleen minder mensen laat antwoorden.",
    en="Lee's bounds: the effect for those who would answer in either arm, if the arm only makes more, "
    "or only makes fewer, people answer.",
)
def lee(context: Context) -> Report:
    """Trimming bounds for each arm and the control, with Imbens-Manski limits from a bootstrap over clusters."""
    keys = context.keys(LeeKeys)
    refuse_unused(context, "weights", "covariates", "fixed_effects")
    sample = context.sample(keep_missing=True, covariates=False)

    def bounds(pair: Sample, outcome: str) -> Bounds:
        return _lee(context, keys, pair, outcome)

    return _each_pair(context, sample, bounds)


def _each_pair(context: Context, sample: Sample, bounds: Callable[[Sample, str], Bounds]) -> Report:
    """Bounds of each arm and outcome; what cannot be bounded is told, and refused when nothing is left."""
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    refused: list[Refused] = []
    for name in sample.outcomes:
        part = replace(sample, outcomes={name: sample.outcomes[name]})
        for arm in arms:
            try:
                rows += bounds(part.pair(arm), name)
            except Refused as why:
                refused.append(why)
                rows.append(empty_row(arm, str(why), outcome=context.outcome_label(name)))
    if len(refused) == len(arms) * len(sample.outcomes):
        raise refused[0]
    return Report(tuple(rows))


def _lee(context: Context, keys: LeeKeys, pair: Sample, outcome: str) -> Bounds:
    cell, names = _cells(keys, pair)
    cells = lee_cells(pair.y, pair.arm, cell)
    _refuse_silent(cells, names, pair, outcome)
    found = lee_bounds(cells, np.ones((1, pair.n)))
    lower, upper = float(found.lower[0]), float(found.upper[0])
    cluster = np.arange(pair.n) if pair.cluster is None else np.unique(pair.cluster, return_inverse=True)[1]
    wanted = keys.draws if "draws" in keys.model_fields_set else min(keys.draws, max(FEWEST, PERSON_DRAWS // pair.n))
    context.details["draws"] = wanted
    low_error, high_error, draws = lee_errors(cells, cluster, wanted, np.random.default_rng(keys.seed))
    if draws < wanted:
        context.note(f"{wanted - draws} of {wanted} draws of the bootstrap had a cell without answers")
    labels: dict[str, Any] = {"outcome": context.outcome_label(outcome), "n": pair.n}
    rows = _bound_rows(context, pair.arms[1], (lower, upper), (low_error, high_error), labels)
    return (*rows, Row(pair.arms[1], "trim_share", estimate=float(found.trim_share[0]), **labels))


def _cells(keys: LeeKeys, pair: Sample) -> tuple[Ints, tuple[str, ...]]:
    """The cell of each row from 0, without gaps; a missing value is a cell too."""
    if not keys.within:
        return np.zeros(pair.n, np.intp), ("all rows",)
    levels = combined_levels(pair.table, keys.within)
    found, cell = np.unique(levels.codes[pair.rows], return_inverse=True)
    return cell, tuple("missing" if code < 0 else levels.names[code] for code in found)


def _refuse_silent(cells: list[LeeCell], names: tuple[str, ...], pair: Sample, outcome: str) -> None:
    for cell, name in zip(cells, names, strict=True):
        for arm, answered in zip(pair.arms, cell.answered, strict=True):
            if answered.size == 0:
                where = f" in the cell {name!r}" if len(cells) > 1 else ""
                raise Refused(
                    f"nobody of the arm {arm!r} has the outcome {outcome!r}{where}, so it has no bounds",
                    "use fewer cells in `within`" if where else "leave this arm out",
                )


def _bound_rows(
    context: Context, arm: str, bounds: tuple[float, float], errors: tuple[float, float], labels: dict[str, Any]
) -> tuple[Row, Row]:
    """The two bounds, each with its limit on the outer side."""
    if not (np.isfinite(errors).all() and max(errors) > 0):
        note = "the errors of the bounds do not exist: there is no variation"
        return (
            Row(arm, "lower", estimate=bounds[0], note=note, **labels),
            Row(arm, "upper", estimate=bounds[1], note=note, **labels),
        )
    low, high = imbens_manski(*bounds, errors, context.analysis.level)
    return (
        Row(arm, "lower", estimate=bounds[0], std_error=errors[0], conf_low=low, **labels),
        Row(arm, "upper", estimate=bounds[1], std_error=errors[1], conf_high=high, **labels),
    )


@method(
    "horowitz_manski",
    keys=RangeKeys,
    nl="De uiterste grenzen: wat het effect is als alle ontbrekende antwoorden zo laag of zo hoog zijn als kan.",
    en="The widest bounds: what the effect is if all missing answers are as low or as high as can be.",
)
def horowitz_manski(context: Context) -> Report:
    """Missing outcomes at the ends of the scale, against and in favour of the arm."""
    keys = context.keys(RangeKeys)
    refuse_unused(context, "weights", "covariates", "fixed_effects")
    if keys.range[0] >= keys.range[1]:
        raise Refused("the `range` is empty", "put the lowest value first")
    sample = context.sample(keep_missing=True, covariates=False)

    def bounds(pair: Sample, outcome: str) -> Bounds:
        return _worst_and_best(context, keys.range, pair, outcome)

    return _each_pair(context, sample, bounds)


def _worst_and_best(context: Context, ends: tuple[float, float], pair: Sample, outcome: str) -> Bounds:
    y, gaps = pair.y, np.isnan(pair.y)
    if (y < ends[0]).any() or (y > ends[1]).any():
        low, high = float(np.nanmin(y)), float(np.nanmax(y))
        what = f"the outcome {outcome!r} runs from {low:.15g} to {high:.15g}, outside the `range`"
        raise Refused(what, "give the ends of the scale")
    if gaps.all():
        raise Refused(f"nobody has the outcome {outcome!r}", "choose another outcome")
    worst, best = np.where(pair.arm == 1, ends[0], ends[1]), np.where(pair.arm == 1, ends[1], ends[0])
    filled = {"lower": np.where(gaps, worst, y), "upper": np.where(gaps, best, y)}
    means = [float(values[pair.arm == 1].mean() - values[pair.arm == 0].mean()) for values in filled.values()]
    labels: dict[str, Any] = {"outcome": context.outcome_label(outcome), "n": pair.n}
    errors = _errors(context, replace(pair, outcomes=filled))
    return _bound_rows(context, pair.arms[1], (means[0], means[1]), errors, labels)


def _errors(context: Context, pair: Sample) -> tuple[float, float]:
    """Standard errors of the differences of two filled-in outcomes; NaN when one does not vary within the arms."""
    if any(np.ptp(values[pair.arm == arm]) == 0 for values in pair.outcomes.values() for arm in (0, 1)):
        return float("nan"), float("nan")
    fits = arm_fits(context, pair, arms_only, constant=lambda *_: None)
    low, high = (fit.fit.contrast(fit.arm_contrast(pair.arms[1]))[1] for fit in fits)
    return low, high
