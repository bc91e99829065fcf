"""Inference by drawing the lots again."""

from dataclasses import replace
from typing import Any

import numpy as np

from analysis.estimators.drawn_frame import Frame, frame_of
from analysis.estimators.effects import without_empty_arms
from analysis.estimators.inference import empty_row
from analysis.estimators.redraws import (
    Floats,
    Null,
    hypothesis_of,
    nulls,
    one_outcome,
    statistic_of,
    step_down_p,
    studentised,
    tail_share,
)
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row

STEPS = 60
WIDEST = 40


@method(
    "randomization_test",
    nl="De loting is vele keren nagespeeld; de p-waarde is het deel daarvan met minstens zo'n groot verschil.",
    en="The draw was replayed many times; the p-value is the share of draws that gave at least as large a difference.",
)
def randomization_test(context: Context) -> Report:
    """Test of the sharp null by the recorded procedure, pairwise or complete."""
    frame, outcomes, hypothesis = _prepare(context)
    arms = context.reported_arms(frame.sample)
    found, joint = nulls(context, frame, arms, outcomes, statistic=statistic_of(context), hypothesis=hypothesis)
    sided, names = context.analysis.sided, list(frame.sample.outcomes)
    adjusted = _single_step(found, sided) if hypothesis == "complete" else None
    rows = _rows(context, frame, found, adjusted)
    if joint is not None:
        rows += [_joint_row(context, frame, joint, q, name) for q, name in enumerate(names)]
    return Report(tuple(rows), _details(context, found, names, hypothesis), messages=_said(found))


@method(
    "romano_wolf",
    nl="De loting is vele keren nagespeeld; de p-waarden zijn aangepast voor alle groepen en uitkomsten samen.",
    en="The draw was replayed many times; the p-values are adjusted for all arms and outcomes together.",
)
def romano_wolf(context: Context) -> Report:
    """Step-down p-values over arms x outcomes from re-randomisation."""
    frame, outcomes, _ = _prepare(context)
    hypothesis = hypothesis_of(context, family=True)
    context.reported_arms(frame.sample)
    arms = frame.sample.arms[1:]
    found, _ = nulls(context, frame, arms, outcomes, statistic=statistic_of(context), hypothesis=hypothesis)
    adjusted = step_down_p(found, context.analysis.sided)
    names = list(frame.sample.outcomes)
    wanted = context.reported_arms(frame.sample)
    rows = [row for row in _rows(context, frame, found, adjusted) if row.term in wanted]
    return Report(tuple(rows), _details(context, found, names, hypothesis), messages=_said(found))


@method(
    "randomization_interval",
    nl="Het interval bevat de effecten die bij het naspelen van de loting niet worden verworpen.",
    en="The interval holds the effects that are not rejected when the draw is replayed.",
)
def randomization_interval(context: Context) -> Report:
    """Constant effects that the test does not reject, by inversion with the same draws."""
    frame, outcomes, hypothesis = _prepare(context)
    statistic = statistic_of(context)
    if statistic == "rank_sum":
        raise Refused("an interval needs a statistic that is a difference", "choose `statistic: welch_t`")
    rows: list[Row] = []
    found: list[Null] = []
    names = list(frame.sample.outcomes)
    for arm in context.reported_arms(frame.sample):
        treated = (frame.sample.arm == frame.sample.arms.index(arm)).astype(np.float64)
        for q, name in enumerate(names):
            y = outcomes[:, q]
            z = np.where(np.isnan(y), np.nan, treated)
            three = np.column_stack([y, z, y + z])
            own, _ = nulls(context, frame, [arm], three, statistic=statistic, hypothesis=hypothesis)
            found.append(_first(own[0]))
            rows.append(_interval_row(context, frame, own[0], name, y))
    details = _details(context, found, names[:1], hypothesis)
    return Report(tuple(rows), details, messages=_said(found))


def _prepare(context: Context) -> tuple[Frame, Floats, str]:
    """The randomised rows with their outcomes; the account is that of the rows with an outcome."""
    frame = frame_of(context)
    context.sample()
    for name, part in context.outcomes(frame.sample):
        refuse_constant(part.y, name)
        without_empty_arms(part, all_needed=True)
    outcomes = np.column_stack(list(frame.sample.outcomes.values()))
    if np.isnan(outcomes).any():
        context.note("who has an outcome is held fixed: by the hypothesis the arm changes neither answer nor response")
    return frame, outcomes, context.analysis.hypothesis


def _n(context: Context, frame: Frame, null: Null, name: str) -> int:
    part = frame.sample.observed(name)
    inside = part.arm >= 0
    if null.arm is not None:
        inside = np.isin(part.arm, (0, part.arms.index(null.arm)))
    return int(inside.sum())


def _rows(context: Context, frame: Frame, found: list[Null], adjusted: Floats | None) -> list[Row]:
    """A row for each outcome and arm; adjusted (arms x outcomes)."""
    p = [null.p_values(context.analysis.sided) for null in found]
    t = [null.t_observed for null in found]
    rows = []
    for q, name in enumerate(frame.sample.outcomes):
        for k, null in enumerate(found):
            row = _row(context, frame, null, q, name)
            tests: dict[str, Any] = {"statistic": float(t[k][q]), "p_value": float(p[k][q])}
            rows.append(replace(row, **tests, p_adjusted=None if adjusted is None else float(adjusted[k, q])))
    return rows


def _row(context: Context, frame: Frame, null: Null, q: int, name: str) -> Row:
    labels: dict[str, Any] = {"outcome": context.outcome_label(name), "n": _n(context, frame, null, name)}
    null.check(q)
    estimate = float(null.observed[q])
    if null.centre is not None:
        estimate = raw_difference(frame, str(null.arm), name)
    return Row(str(null.arm), estimate=estimate, **labels)


def raw_difference(frame: Frame, arm: str, name: str) -> float:
    pair = frame.sample.observed(name).pair(arm)
    return float(pair.y[pair.arm == 1].mean() - pair.y[pair.arm == 0].mean())


def _joint_row(context: Context, frame: Frame, joint: Null, q: int, name: str) -> Row:
    p = float(joint.p_values("greater")[q])
    df = float(len(frame.sample.arms) - 1)
    n = _n(context, frame, joint, name)
    outcome = context.outcome_label(name)
    return Row("joint", "F", statistic=float(joint.observed[q]), df=df, p_value=p, outcome=outcome, n=n)


def _single_step(found: list[Null], sided: str) -> Floats:
    """For each arm and outcome the share of draws in which the largest statistic over the arms is as far out."""
    sizes = [null.sizes(sided) for null in found]
    top = np.max([far for far, _ in sizes], axis=0)
    return np.array([tail_share(top, seen, found[0].weights, found[0].enumerated) for _, seen in sizes])


def _said(found: list[Null]) -> tuple[str, ...]:
    """The Monte Carlo error, where draws are random."""
    if found[0].enumerated:
        return (f"all {len(found[0].weights)} assignments were gone through",)
    m = len(found[0].estimate)
    return (f"{m} random assignments: a p-value of 0.05 has a Monte Carlo error of {(0.05 * 0.95 / m) ** 0.5:.2g}",)


def _details(context: Context, found: list[Null], names: list[str], hypothesis: str) -> dict[str, Any]:
    keep = context.analysis.keep
    parts = []
    drawn = [null.t for null in found]
    for q, name in enumerate(names):
        for null, t in zip(found, drawn, strict=True):
            values = t[:, min(q, t.shape[1] - 1)]
            fine = values[np.isfinite(values)]
            count = "assignments" if null.enumerated else "draws"
            parts.append(
                {
                    "term": null.arm,
                    "outcome": name,
                    count: len(values),
                    "mean": float(fine.mean()) if len(fine) else None,
                    "sd": float(fine.std(ddof=1)) if len(fine) > 1 else None,
                    "values": values[:keep],
                }
            )
    return {"hypothesis": hypothesis, "statistic": statistic_of(context), "null": parts}


def _first(null: Null) -> Null:
    """The outcome itself, without the helpers of the interval."""
    return one_outcome(null, 0)


def _interval_row(context: Context, frame: Frame, null: Null, name: str, y: Floats) -> Row:
    level, sided = context.analysis.level, context.analysis.sided
    null.check(0)
    estimate, n = float(null.observed[0]), _n(context, frame, null, name)
    outcome = context.outcome_label(name)
    step = float(np.nanstd(y)) or 1.0
    low = None if sided == "less" else _limit(null, level, sided, estimate, -step)
    high = None if sided == "greater" else _limit(null, level, sided, estimate, step)
    wanted = [limit for limit, other in ((low, "less"), (high, "greater")) if sided != other]
    if all(limit is None for limit in wanted):
        return empty_row(
            str(null.arm), "there are too few assignments to reject any effect", estimate=estimate, n=n, outcome=outcome
        )
    note = "there are too few assignments for one of the limits" if None in wanted else None
    return Row(str(null.arm), estimate=estimate, conf_low=low, conf_high=high, n=n, outcome=outcome, note=note)


def p_of_effect(null: Null, tau: float, sided: str) -> float:
    """p-value of the constant effect tau: outcomes of the treated less tau, from the outcomes y, z and y + z."""
    far = studentised(*_shifted(null.estimate, null.variance, tau))
    seen_variance = None if null.observed_variance is None else null.observed_variance[None, :]
    seen = studentised(*_shifted(null.observed[None, :], seen_variance, tau))[0]
    if sided == "two":
        far, seen = np.abs(far), np.abs(seen)
    elif sided == "less":
        far, seen = -far, -seen
    return float(tail_share(far[:, None], seen[None], null.weights, null.enumerated)[0])


def _shifted(E: Floats, V: Floats | None, tau: float) -> tuple[Floats, Floats | None]:
    estimate = E[:, 0] - tau * E[:, 1]
    if V is None:
        return estimate, None
    cross = (V[:, 2] - V[:, 0] - V[:, 1]) / 2
    return estimate, np.maximum(V[:, 0] - 2 * tau * cross + tau**2 * V[:, 1], 0.0)


def _limit(null: Null, level: float, sided: str, start: float, step: float) -> float | None:
    """The furthest effect from `start` in the direction of `step` that is not rejected; None when none is."""
    alpha = 1 - level + 1e-12
    inside, outside = start, start
    for _ in range(WIDEST):
        outside = outside + step
        if p_of_effect(null, outside, sided) <= alpha:
            break
        inside, step = outside, 2 * step
    else:
        return None
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if p_of_effect(null, middle, sided) <= alpha:
            outside = middle
        else:
            inside = middle
    return inside
