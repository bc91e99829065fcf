"""Exits by one cause among others: incidence, Gray's test, sub-hazard ratios."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from analysis.estimators.curve_parts import Curves
from analysis.estimators.exits import (
    Exits,
    picture_times,
    read_exits,
    refuse_unused,
    reported_events,
    reported_groups,
    shared_control_joint,
    times_of,
)
from analysis.estimators.inference import empty_row, estimate_row, joint_chi2
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.rank_tests import gray
from analysis.estimators.ratio_terms import NO_EVENTS, hazard_design, ratio_rows, with_events
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.subdistribution import fit_fine_gray

NOT_FOLLOWED = "nobody of {} was followed so long"


class IncidenceKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model", "robust")
    DF: ClassVar[tuple[str, ...]] = ("normal",)


class SubHazardKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("robust",)
    DF: ClassVar[tuple[str, ...]] = ("normal",)


@method(
    "aalen_johansen",
    keys=IncidenceKeys,
    nl="Het effect is het verschil in het deel dat door een oorzaak is uitgestroomd, naast andere oorzaken.",
    en="The effect is the difference in the share that has left by a cause, in the presence of other causes.",
)
def incidence(context: Context) -> Report:
    """Cumulative incidence of each event at each time, by arm, and its differences from the control."""
    refuse_unused(context, "weights", "covariates", "fixed_effects")
    exits = read_exits(context, single=False, arms=context.key("arm") is not None, covariates=False)
    times = times_of(context, exits)
    curves = Curves(context, exits)
    rows: list[Row] = []
    for event in reported_events(context, exits):
        groups = reported_groups(context, exits)
        rows += [_incidence_row(context, arm, curves, event, at) for arm in groups for at in times]
        if exits.sample.arms:
            arms = context.reported_arms(exits.sample)
            rows += [_difference_row(context, arm, curves, event, at) for arm in arms for at in times]
    first = exits.names.index(reported_events(context, exits)[0]) + 1
    error = curves.share(exits.arms[0], first, times[0]).error
    curve = {"time": picture_times(exits), "arms": {arm: _drawn(context, curves, arm) for arm in exits.arms}}
    return Report(tuple(rows), {"curve": curve}, joint=shared_control_joint(rows, "difference", error))


def _drawn(context: Context, curves: Curves, arm: str) -> dict[str, Any]:
    """The incidence of each event at the times of a picture, and who is still at risk."""
    times = picture_times(curves.exits)
    incidence = {
        event: [curves.curves[arm].share(curves.exits.names.index(event) + 1, at).estimate for at in times]
        for event in reported_events(context, curves.exits)
    }
    return {"incidence": incidence, "at_risk": [curves.at_risk_at(arm, at) for at in times]}


def _incidence_row(context: Context, arm: str, curves: Curves, event: str, at: float) -> Row:
    labels: dict[str, Any] = {"measure": "incidence", "event": event, "at": at, "n": curves.at_risk_at(arm, at)}
    if not curves.known_at(arm, at):
        return empty_row(arm, NOT_FOLLOWED.format("this arm"), **labels)
    share = curves.share(arm, curves.exits.names.index(event) + 1, at)
    note = "nobody has left by this cause yet, so no limits" if share.estimate == 0 else None
    row = estimate_row(arm, share.estimate, share.error, None, level=context.analysis.level, note=note, **labels)
    return replace(row, statistic=None, p_value=None)


def _difference_row(context: Context, arm: str, curves: Curves, event: str, at: float) -> Row:
    control = curves.exits.arms[0]
    n = curves.at_risk_at(arm, at) + curves.at_risk_at(control, at)
    labels: dict[str, Any] = {"measure": "difference", "event": event, "at": at, "n": n}
    for name, which in ((arm, "this arm"), (control, "the control")):
        if not curves.known_at(name, at):
            return empty_row(arm, NOT_FOLLOWED.format(which), **labels)
    place = curves.exits.names.index(event) + 1
    estimate, error = curves.share(arm, place, at).minus(curves.share(control, place, at))
    analysis = context.analysis
    return estimate_row(arm, estimate, error, None, level=analysis.level, sided=analysis.sided, **labels)


@method(
    "gray_test",
    nl="De toets van Gray kijkt of de groepen over de hele tijd even vaak door een oorzaak uitstromen.",
    en="Gray's test asks whether the arms leave by a cause equally often over the whole time.",
)
def gray_test(context: Context) -> Report:
    """Gray's test of equal cumulative incidence over all arms, for each event; within strata only if it names them."""
    refuse_unused(context, "weights", "covariates", "fixed_effects")
    stratified = "strata" in context.analysis.model_fields_set
    exits = read_exits(context, single=False, strata=stratified, covariates=False)
    context.reported_arms(exits.sample)
    rows = [_gray_row(exits, event) for event in reported_events(context, exits)]
    if all(row.statistic is None for row in rows):
        raise Refused("no event has exits in arms that were at risk together", "check the status and the subset")
    return Report(tuple(rows))


def _gray_row(exits: Exits, event: str) -> Row:
    sample = exits.sample
    cause = exits.against(event)
    labels: dict[str, Any] = {"event": event, "n": sample.n}
    if not (cause == 1).any():
        return empty_row("joint", "nobody left by this cause", measure="chi2", **labels)
    strata = np.zeros(sample.n, np.intp) if sample.strata is None else sample.strata
    statistic, df = gray(exits.time, cause, sample.arm, strata, len(sample.arms)).chi_square()
    return joint_chi2(statistic, df, **labels)


@method(
    "fine_gray",
    keys=SubHazardKeys,
    nl="Het effect is een verhouding van kansen op uitstroom door een oorzaak, naast andere (Fine en Gray).",
    en="The effect is a ratio of sub-hazards of leaving by a cause, in the presence of others (Fine and Gray).",
)
def fine_gray(context: Context) -> Report:
    """Log sub-hazard ratios of the arms and `terms` for each event, with robust errors."""
    refuse_unused(context, "weights", "cluster", "strata")
    exits = read_exits(context, single=False, cluster=False)
    context.details["se"] = "robust"
    rows: list[Row] = []
    loglik: dict[str, float] = {}
    refused: list[Refused] = []
    for event in reported_events(context, exits):
        try:
            own, loglik[event] = _sub_hazards(context, exits, event)
            rows += own
        except Refused as why:
            refused.append(why)
            arms = context.reported_arms(exits.sample)
            rows += [empty_row(arm, str(why), event=event, n=exits.sample.n) for arm in arms]
    if refused and not loglik:
        raise refused[0]
    return Report(tuple(rows), {"loglik": loglik})


def _sub_hazards(context: Context, exits: Exits, event: str) -> tuple[list[Row], float]:
    used, without = with_events(context, exits, event)
    if without:
        context.note(f"event {event}: {NO_EVENTS} ({', '.join(without)}); the others are compared without its rows")
    design = hazard_design(context, used)
    fit = fit_fine_gray(design.X, used.time, used.against(event))
    arms = context.reported_arms(exits.sample)
    return ratio_rows(context, design, arms, fit.beta, fit.covariance, exits.sample.n, event), fit.loglik
