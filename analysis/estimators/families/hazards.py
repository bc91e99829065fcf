"""Hazard ratios: Cox regression and the test of proportional hazards."""

from typing import ClassVar, Literal

import numpy as np

from analysis.estimators.cox_model import CoxFit, fit_cox, proportionality
from analysis.estimators.exits import Exits, read_exits, refuse_unused
from analysis.estimators.inference import chi2_tail, empty_row, joint_chi2
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.ratio_terms import (
    NO_EVENTS,
    HazardDesign,
    hazard_design,
    ratio_joint,
    ratio_rows,
    wanted_columns,
    with_events,
)
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats


class CoxKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model", "robust")
    DF: ClassVar[tuple[str, ...]] = ("normal",)


class ProportionalityKeys(CoxKeys):
    transform: Literal["km", "log", "identity"] = "km"


@method(
    "cox",
    keys=CoxKeys,
    nl="Het effect is een hazard ratio: hoeveel keer zo snel de groep uitstroomt als de controlegroep (Cox).",
    en="The effect is a hazard ratio: how many times as fast the arm leaves as the control arm (Cox).",
)
def cox(context: Context) -> Report:
    """Log hazard ratios of the arms and `terms`; robust errors (Lin and Wei) when persons share clusters."""
    exits, design, fit = _fitted(context)
    arms = context.reported_arms(exits.sample)
    covariance = _covariance(context, exits, fit)
    rows = ratio_rows(context, design, arms, fit.beta, covariance, exits.sample.n)
    joint = ratio_joint(design, rows, fit.beta, covariance)
    return Report(tuple(rows), {"loglik": fit.loglik, "loglik_null": fit.loglik_null}, joint=joint)


@method(
    "ph_test",
    keys=ProportionalityKeys,
    nl="De toets van Grambsch en Therneau kijkt of de hazard ratio over de tijd gelijk blijft.",
    en="The test of Grambsch and Therneau asks whether the hazard ratio stays the same over time.",
)
def ph_test(context: Context) -> Report:
    """Score tests of a change of each log hazard ratio with time, and of all together."""
    keys = context.keys(ProportionalityKeys)
    exits, design, fit = _fitted(context)
    test = proportionality(fit, keys.transform)
    n = exits.sample.n
    rows = [
        empty_row(name, NO_EVENTS, n=n) if place is None else _chi_square(name, float(test.each[place]), n)
        for name, place in wanted_columns(context, design, context.reported_arms(exits.sample))
    ]
    return Report((*rows, joint_chi2(test.joint, len(design.names), n=n)))


def _chi_square(term: str, statistic: float, n: int) -> Row:
    return Row(term, n=n, statistic=statistic, df=1.0, p_value=chi2_tail(statistic, 1.0))


def _fitted(context: Context) -> tuple[Exits, HazardDesign, CoxFit]:
    """All exits, and the fit on the rows of the arms that have events."""
    refuse_unused(context, "weights")
    clustered = context.analysis.se != "model"
    exits = read_exits(context, single=True, strata=True, cluster=clustered)
    used, _ = with_events(context, exits, exits.names[0])
    sample = used.sample
    design = hazard_design(context, used)
    strata = np.zeros(sample.n, np.intp) if sample.strata is None else sample.strata
    return exits, design, fit_cox(design.X, used.time, used.cause, strata, context.analysis.ties)


def _covariance(context: Context, exits: Exits, fit: CoxFit) -> Floats:
    """Model or robust covariance; the clusters are those of the rows that the fit used."""
    sample = with_events(context, exits, exits.names[0])[0].sample
    se = context.analysis.se or ("model" if sample.cluster is None else "robust")
    context.details["se"] = se
    if se == "model":
        return fit.covariance
    codes = np.arange(sample.n) if sample.cluster is None else np.unique(sample.cluster, return_inverse=True)[1]
    return fit.robust_covariance(codes)
