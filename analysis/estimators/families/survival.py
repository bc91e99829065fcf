"""Time to an exit, by arm: Kaplan-Meier, differences, log-rank, restricted means."""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from analysis.estimators.curve_parts import Curves, Part
from analysis.estimators.exits import (
    Exits,
    last_common,
    picture_times,
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
    FLAT,
    Survival,
    kaplan_meier,
    quantile_with_limits,
    survival_limits,
)

ADJUSTING = ("weights", "covariates", "fixed_effects")
PAIR = ("difference", "ratio")
UNKNOWN = "nobody of this arm was followed so long"


class SpreadKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model", "robust")
    DF: ClassVar[tuple[str, ...]] = ("normal",)


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
    drawn: dict[str, Any] = {}
    times = picture_times(exits)
    for arm in reported_groups(context, exits):
        curve = kaplan_meier(exits.of(arm).counts())
        rows += [_survival_row(arm, curve, at, keys) for at in keys.at or ()]
        rows += [_quantile_row(arm, curve, quantile, keys) for quantile in keys.quantiles]
        points = [_survival_row(arm, curve, at, keys) for at in times]
        names = {"survival": "estimate", "conf_low": "conf_low", "conf_high": "conf_high", "at_risk": "n"}
        drawn[arm] = {name: [getattr(point, field) for point in points] for name, field in names.items()}
    return Report(tuple(rows), {"curve": {"time": times, "arms": drawn}})


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
    keys=SpreadKeys,
    nl="Het effect is het verschil in het deel dat na een bepaalde tijd is uitgestroomd (1 min Kaplan-Meier).",
    en="The effect is the difference in the share that has left after a given time (1 minus Kaplan-Meier).",
)
def survival_difference(context: Context) -> Report:
    """Difference of 1 - S between each arm and the control, variances summed."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=True, covariates=False)
    arms, times = context.reported_arms(exits.sample), times_of(context, exits)
    curves = Curves(context, exits)
    rows = [_difference_row(context, arm, curves, at) for arm in arms for at in times]
    joint = shared_control_joint(rows, None, curves.share(exits.arms[0], 1, times[0]).error)
    return Report(tuple(rows), joint=joint)


def _difference_row(context: Context, arm: str, curves: Curves, at: float) -> Row:
    control = curves.exits.arms[0]
    labels: dict[str, Any] = {"at": at, "n": curves.at_risk_at(arm, at) + curves.at_risk_at(control, at)}
    for which, name in (("this arm", arm), ("the control", control)):
        if not curves.known_at(name, at):
            return empty_row(arm, f"nobody of {which} was followed so long", **labels)
    one, other = curves.share(arm, 1, at), curves.share(control, 1, at)
    estimate, error = one.minus(other)
    everybody_left = max(one.estimate, other.estimate) > 1 - FLAT
    analysis = context.analysis
    wanted: dict[str, Any] = {"level": analysis.level, "sided": analysis.sided} | labels
    if everybody_left:
        return estimate_row(arm, estimate, None, None, note="all of an arm have left, so no error", **wanted)
    return estimate_row(arm, estimate, error, None, **wanted)


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
    keys=SpreadKeys,
    nl="Het effect is het verschil in de gemiddelde tijd zonder uitstroom, tot een vast moment.",
    en="The effect is the difference in the mean time without an exit, up to a fixed time.",
)
def rmst(context: Context) -> Report:
    """Area under the Kaplan-Meier curve up to `tau`: by arm, difference and ratio."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=True, arms=context.key("arm") is not None, covariates=False)
    tau = _horizon(context, exits)
    curves = Curves(context, exits)
    means = {arm: _mean_without(curves, arm, tau) for arm in exits.arms}
    rows = _mean_rows(context, exits, "rmst", means)
    control = means[exits.arms[0]]
    joint = None if control is None else shared_control_joint(rows, "difference", control.error)
    return Report(tuple(rows), {"tau": tau}, joint=joint)


def _mean_without(curves: Curves, arm: str, tau: float) -> Part | None:
    """The mean time without the exit: what is not lost of `tau`."""
    if not curves.known_at(arm, tau):
        return None
    lost = curves.area(arm, 1, tau)
    return Part(tau - lost.estimate, lost.error, None if lost.influence is None else -lost.influence)


@method(
    "rmtl",
    keys=SpreadKeys,
    nl="Het effect is het verschil in de gemiddelde tijd na uitstroom door een oorzaak, tot een vast moment.",
    en="The effect is the difference in the mean time lost to an exit by a cause, up to a fixed time.",
)
def rmtl(context: Context) -> Report:
    """Area under the Aalen-Johansen curve of each event up to `tau`: by arm, difference and ratio."""
    refuse_unused(context, *ADJUSTING)
    exits = read_exits(context, single=False, arms=context.key("arm") is not None, covariates=False)
    tau = _horizon(context, exits)
    curves = Curves(context, exits)
    rows: list[Row] = []
    for event in reported_events(context, exits):
        place = exits.names.index(event) + 1
        areas = {arm: curves.area(arm, place, tau) if curves.known_at(arm, tau) else None for arm in exits.arms}
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


def _mean_rows(context: Context, exits: Exits, measure: str, means: dict[str, Part | None], **labels: Any) -> list[Row]:
    """Rows of each arm, then the difference and the ratio of each arm to the control."""
    rows = [_mean_row(context, exits, arm, measure, means[arm], labels) for arm in reported_groups(context, exits)]
    if not exits.sample.arms:
        return rows
    control = means[exits.arms[0]]
    for arm in context.reported_arms(exits.sample):
        rows += _contrasts(context, exits, arm, means[arm], control, labels)
    return rows


def _mean_row(context: Context, exits: Exits, arm: str, measure: str, mean: Part | None, labels: dict[str, Any]) -> Row:
    n = exits.of(arm).sample.n
    if mean is None:
        return empty_row(arm, UNKNOWN + " as `tau`", measure=measure, n=n, **labels)
    level = context.analysis.level
    row = estimate_row(arm, mean.estimate, mean.error, None, level=level, measure=measure, n=n, **labels)
    return replace(row, statistic=None, p_value=None)


def _contrasts(
    context: Context, exits: Exits, arm: str, mean: Part | None, control: Part | None, labels: dict[str, Any]
) -> list[Row]:
    """Difference and, by the delta method on the logarithm, ratio of the mean times."""
    labels = {"n": exits.of(arm).sample.n + exits.of(exits.arms[0]).sample.n} | labels
    if mean is None or control is None:
        return [empty_row(arm, "an arm was not followed so long as `tau`", measure=m, **labels) for m in PAIR]
    wanted: dict[str, Any] = {"level": context.analysis.level, "sided": context.analysis.sided} | labels
    difference = estimate_row(arm, *mean.minus(control), None, measure="difference", **wanted)
    if mean.estimate <= 0 or control.estimate <= 0:
        return [difference, empty_row(arm, "a mean time of 0 has no ratio", measure="ratio", **labels)]
    return [difference, estimate_row(arm, *mean.log_ratio(control), None, ratio=True, measure="ratio", **wanted)]
