"""Time to an exit, by arm: Kaplan-Meier, differences, log-rank, restricted means."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from analysis.estimators.exits import (
    Exits,
    last_common,
    read_exits,
    refuse_unused,
    reported_events,
    reported_groups,
    shared_control_joint,
    times_of,
)
from analysis.estimators.inference import empty_row, estimate_row, joint_chi2
from analysis.estimators.plan import AnalysisKeys, Numbers
from analysis.estimators.rank_tests import logrank
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.survival_curves import (
    Survival,
    aalen_johansen,
    kaplan_meier,
    quantile_with_limits,
    restricted_mean,
    survival_limits,
)

ADJUSTING = ("weights", "covariates", "fixed_effects")
UNKNOWN = "nobody of this arm was followed so long"


class CurveKeys(AnalysisKeys):
    quantiles: Numbers = Field(default=(0.5,))
    interval: Literal["log-log", "log", "plain"] = "log-log"


@method(
    "kaplan_meier",
    keys=CurveKeys,
    nl="Per groep staat welk deel na een bepaalde tijd nog niet is uitgestroomd (Kaplan-Meier).",
    en="The share of each arm that has not left yet after a given time is shown (Kaplan-Meier).",
)
def km(context: Context) -> Report:
    """Survival at each time and quantiles of the time, by arm, with Greenwood's variance."""
    keys = context.keys(CurveKeys)
    refuse_unused(context, *ADJUSTING)
    if any(not 0 < quantile < 1 for quantile in keys.quantiles):
        raise Refused("a quantile is not between 0 and 1", "write the median as 0.5")
    exits = read_exits(context, single=True, arms=context.key("arm") is not None, control=False, covariates=False)
    rows: list[Row] = []
    for arm in reported_groups(context, exits):
        curve = kaplan_meier(exits.of(arm).counts())
        rows += [_survival_row(arm, curve, at, keys) for at in keys.at or ()]
        rows += [_quantile_row(arm, curve, quantile, keys) for quantile in keys.quantiles]
    return Report(tuple(rows))


def _survival_row(arm: str, curve: Survival, at: float, keys: CurveKeys) -> Row:
    n = curve.counts.at_risk_at(at)
    if not curve.known_at(at):
        return empty_row(arm, UNKNOWN, measure="survival", at=at, n=n)
    survival, error = curve.at(at)
    if survival == 1.0:
        note = "no events yet, so no limits"
        return Row(arm, "survival", at=at, n=n, estimate=1.0, std_error=0.0, note=note)
    if survival == 0.0:
        return Row(arm, "survival", at=at, n=n, estimate=0.0, note="all have left, so no limits")
    low, high = survival_limits(np.array([survival]), np.array([error]), keys.interval, keys.level)
    limits: dict[str, Any] = {"conf_low": float(low[0]), "conf_high": float(high[0])}
    return Row(arm, "survival", at=at, n=n, estimate=survival, std_error=error, **limits)


def _quantile_row(arm: str, curve: Survival, quantile: float, keys: CurveKeys) -> Row:
    n = int(curve.counts.at_risk[0])
    estimate, low, high = (
        None if math.isnan(value) else value
        for value in quantile_with_limits(curve, quantile, keys.interval, keys.level)
    )
    notes = ["" if estimate is not None else f"not reached: fewer than {100 * quantile:g}% have left"]
    notes += ["the limits of the curve do not reach it on one side"] if (low is None or high is None) else []
    note = "; ".join(part for part in notes if part) or None
    return Row(arm, "quantile", at=quantile, n=n, estimate=estimate, conf_low=low, conf_high=high, note=note)


@method(
    "survival_difference",
    nl="Het effect is het verschil in het deel dat na een bepaalde tijd is uitgestroomd (1 min Kaplan-Meier).",
    en="The effect is the difference in the share that has left after a given time (1 minus Kaplan-Meier).",
)
def survival_difference(context: Context) -> Report:
    """Difference of 1 - S between each arm and the control, variances summed."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=True, covariates=False)
    arms, times = context.reported_arms(exits.sample), times_of(context, exits)
    curves = {arm: kaplan_meier(exits.of(arm).counts()) for arm in exits.arms}
    control = curves[exits.arms[0]]
    rows = [_difference_row(context, arm, curves[arm], control, at) for arm in arms for at in times]
    joint = shared_control_joint(rows, None, control.at(times[0])[1])
    return Report(tuple(rows), joint=joint)


def _difference_row(context: Context, arm: str, curve: Survival, control: Survival, at: float) -> Row:
    labels: dict[str, Any] = {"at": at, "n": curve.counts.at_risk_at(at) + control.counts.at_risk_at(at)}
    if not (curve.known_at(at) and control.known_at(at)):
        which = "this arm" if control.known_at(at) else "the control"
        return empty_row(arm, f"nobody of {which} was followed so long", **labels)
    (survival, error), (other, other_error) = curve.at(at), control.at(at)
    analysis = context.analysis
    together = math.hypot(error, other_error)
    return estimate_row(arm, other - survival, together, None, level=analysis.level, sided=analysis.sided, **labels)


@method(
    "logrank",
    nl="De log-rangtoets kijkt of de groepen over de hele tijd even snel uitstromen.",
    en="The log-rank test asks whether the arms leave equally fast over the whole time.",
)
def logrank_test(context: Context) -> Report:
    """The log-rank test of all arms together, within strata where there are any."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=True, strata=True, covariates=False)
    sample = exits.sample
    context.reported_arms(sample)
    strata = np.zeros(sample.n, np.intp) if sample.strata is None else sample.strata
    test = logrank(exits.time, exits.cause, sample.arm, strata, len(sample.arms))
    for arm, observed, expected in zip(sample.arms, test.observed, test.expected, strict=True):
        context.details["arms"][arm] |= {"events": int(observed), "expected": float(expected)}
    statistic, df = test.chi_square()
    return Report((joint_chi2(statistic, df, n=sample.n),))


@method(
    "rmst",
    nl="Het effect is het verschil in de gemiddelde tijd zonder uitstroom, tot een vast moment.",
    en="The effect is the difference in the mean time without an exit, up to a fixed time.",
)
def rmst(context: Context) -> Report:
    """Area under the Kaplan-Meier curve up to `tau`: by arm, difference and ratio."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=True, arms=context.key("arm") is not None, covariates=False)
    tau = _horizon(context, exits)

    def mean(arm: str) -> tuple[float, float] | None:
        counts = exits.of(arm).counts()
        return restricted_mean(counts, tau) if kaplan_meier(counts).known_at(tau) else None

    means = {arm: mean(arm) for arm in exits.arms}
    rows = _mean_rows(context, exits, "rmst", means)
    control = means[exits.arms[0]]
    joint = None if control is None else shared_control_joint(rows, "difference", control[1])
    return Report(tuple(rows), {"tau": tau}, joint=joint)


@method(
    "rmtl",
    nl="Het effect is het verschil in de gemiddelde tijd na uitstroom door een oorzaak, tot een vast moment.",
    en="The effect is the difference in the mean time lost to an exit by a cause, up to a fixed time.",
)
def rmtl(context: Context) -> Report:
    """Area under the Aalen-Johansen curve of each event up to `tau`: by arm, difference and ratio."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=False, arms=context.key("arm") is not None, covariates=False)
    tau = _horizon(context, exits)
    curves = {arm: aalen_johansen(exits.of(arm).counts()) for arm in exits.arms}
    rows: list[Row] = []
    for event in reported_events(context, exits):
        place = exits.names.index(event) + 1
        areas = {arm: curve.area(place, tau) if curve.known_at(tau) else None for arm, curve in curves.items()}
        labels = {"event": event} if context.analysis.status is not None else {}
        rows += _mean_rows(context, exits, "rmtl", areas, **labels)
    return Report(tuple(rows), {"tau": tau})


def _horizon(context: Context, exits: Exits) -> float:
    tau = context.analysis.tau
    if tau is None:
        return last_common(exits)
    if tau <= 0:
        raise Refused(f"`tau` is {tau:g}", "give a time above 0")
    return tau


def _mean_rows(
    context: Context, exits: Exits, measure: str, means: dict[str, tuple[float, float] | None], **labels: Any
) -> list[Row]:
    """Rows of each arm, then the difference and the ratio of each arm to the control."""
    rows = [_mean_row(context, exits, arm, measure, means[arm], labels) for arm in reported_groups(context, exits)]
    if not exits.sample.arms:
        return rows
    control = means[exits.arms[0]]
    for arm in context.reported_arms(exits.sample):
        rows += _contrasts(context, exits, arm, means[arm], control, labels)
    return rows


def _mean_row(
    context: Context, exits: Exits, arm: str, measure: str, mean: tuple[float, float] | None, labels: dict[str, Any]
) -> Row:
    n = exits.of(arm).sample.n
    if mean is None:
        return empty_row(arm, UNKNOWN + " as `tau`", measure=measure, n=n, **labels)
    row = estimate_row(arm, *mean, None, level=context.analysis.level, measure=measure, n=n, **labels)
    return replace(row, statistic=None, p_value=None)


def _contrasts(
    context: Context,
    exits: Exits,
    arm: str,
    mean: tuple[float, float] | None,
    control: tuple[float, float] | None,
    labels: dict[str, Any],
) -> list[Row]:
    """Difference and, by the delta method on the logarithm, ratio of the mean times."""
    labels = {"n": exits.of(arm).sample.n + exits.of(exits.arms[0]).sample.n} | labels
    if mean is None or control is None:
        return [empty_row(arm, "an arm was not followed so long as `tau`", measure=m, **labels) for m in PAIR]
    wanted: dict[str, Any] = {"level": context.analysis.level, "sided": context.analysis.sided} | labels
    error = math.hypot(mean[1], control[1])
    difference = estimate_row(arm, mean[0] - control[0], error, None, measure="difference", **wanted)
    if mean[0] <= 0 or control[0] <= 0:
        return [difference, empty_row(arm, "a mean time of 0 has no ratio", measure="ratio", **labels)]
    error = math.hypot(mean[1] / mean[0], control[1] / control[0])
    estimate = math.log(mean[0] / control[0])
    return [difference, estimate_row(arm, estimate, error, None, ratio=True, measure="ratio", **wanted)]


PAIR = ("difference", "ratio")
