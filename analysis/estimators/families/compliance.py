"""Effects of receiving an arm, by the lot as instrument."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.estimators.design_matrix import Design, check_rank
from analysis.estimators.effects import ArmFit, Floats, arm_fits, arms_only, contrast_row, ols_design
from analysis.estimators.expressions import ColumnRef, label
from analysis.estimators.inference import empty_row, f_tail, t_quantile
from analysis.estimators.linear_model import LinearFit, LinearModel, unit
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Sample

WEAK = 10


class ReceivedKeys(AnalysisKeys):
    received: ColumnRef


@dataclass(frozen=True)
class TwoStage:
    """Both stages of one pair: `first` explains what was received, `second` has the fitted value in its place."""

    received: Floats
    first: ArmFit
    reduced: ArmFit
    second: ArmFit


@method(
    "iv_2sls",
    keys=ReceivedKeys,
    nl="Het effect van werkelijk ontvangen hulp, voor mensen bij wie de loting bepaalde of zij die kregen (2SLS).",
    en="The effect of what was received, for people whose receipt was decided by the draw (two-stage least squares).",
)
def iv_2sls(context: Context) -> Report:
    """Two-stage least squares of each arm and the control; standard errors with the fitted regressors."""
    return _pairs(context, _two_stage_rows)


@method(
    "wald_iv",
    keys=ReceivedKeys,
    nl="Het verschil in uitkomst, gedeeld door het verschil in het aandeel dat de hulp werkelijk kreeg.",
    en="The difference in outcome divided by the difference in the share that received what the arm offers.",
)
def wald_iv(context: Context) -> Report:
    """Ratio of two differences in means; its standard error is that of two-stage least squares."""
    return _pairs(context, _wald_rows, raw=True)


@method(
    "bloom_att",
    keys=ReceivedKeys,
    nl="Het verschil in uitkomst, gedeeld door het aandeel van de groep dat de hulp kreeg (de controlegroep niet).",
    en="The difference in outcome divided by the share of the arm that received it; no one in the control arm did.",
)
def bloom_att(context: Context) -> Report:
    """Bloom's (1984) effect on the treated: the difference and its standard error over the share treated."""
    return _pairs(context, _bloom_rows, raw=True)


PairRows = Callable[[Context, TwoStage, str], list[Row]]


def _pairs(context: Context, rows_of: PairRows, *, raw: bool = False) -> Report:
    ref = context.keys(ReceivedKeys).received
    sample = context.sample(extra=[ref])
    received = sample.values(ref)
    rows: list[Row] = []
    refused: list[Refused] = []
    arms = context.reported_arms(sample)
    for name in sample.outcomes:
        for arm in arms:
            try:
                stages = _two_stages(context, sample, received, name, arm, raw=raw)
                rows += rows_of(context, stages, arm)
            except Refused as error:
                refused.append(error)
                rows.append(empty_row(arm, str(error), measure="effect", outcome=context.outcome_label(name)))
    if len(refused) == len(arms) * len(sample.outcomes):
        raise refused[0]
    context.note("the effect on receivers assumes that being drawn works only through what is received")
    return Report(tuple(rows))


def _two_stages(context: Context, sample: Sample, received: Floats, outcome: str, arm: str, *, raw: bool) -> TwoStage:
    whole = replace(sample, outcomes={outcome: sample.outcomes[outcome], "_received": received})
    seen = ~np.isnan(sample.outcomes[outcome])
    pair = whole.take(seen).pair(arm)
    name = label(context.keys(ReceivedKeys).received)
    build = arms_only if raw else ols_design
    dose = pair.outcomes["_received"]
    reduced = next(arm_fits(context, replace(pair, outcomes={outcome: pair.outcomes[outcome]}), build))
    doses = replace(pair, outcomes={name: dose})
    first = next(arm_fits(context, doses, build, constant=_same_dose, exact=True))
    return TwoStage(dose, first, reduced, _second(first, reduced, dose, name))


def _same_dose(values: Floats, name: str) -> None:
    if len(values) == 0 or np.ptp(values) == 0:
        raise Refused(
            f"everyone has the same value of {name!r}", "the draw cannot be an instrument for it; report the ITT"
        )


def _second(first: ArmFit, reduced: ArmFit, received: Floats, name: str) -> ArmFit:
    model = first.fit.model
    place = first.design.arm_columns[0]
    coefficient = abs(first.fit.beta[place])
    if coefficient < 1e-10:
        raise Refused(f"the arms do not differ in {name!r}", "report the effect of being drawn (`ols`)")
    X = model.X.copy()
    X[:, place] = model.X @ first.fit.beta
    names = tuple(name if i == place else other for i, other in enumerate(model.names))
    check_rank(X, names)
    second = LinearModel(X, names, model.se, None if model.df == "welch" else model.df, model.weights, model.cluster)
    fit = second.fit(reduced.sample.y)
    actual = X.copy()
    actual[:, place] = received
    fit = LinearFit(second, fit.beta, reduced.sample.y - actual @ fit.beta)
    return replace(reduced, design=Design(X, names, first.design.arm_columns), fit=fit)


def _labels(context: Context, stages: TwoStage) -> dict[str, Any]:
    return {"outcome": context.outcome_label(stages.reduced.outcome), "n": stages.reduced.sample.n}


def _arm(context: Context, fitted: ArmFit, arm: str, measure: str, stages: TwoStage) -> Row:
    labels = {**_labels(context, stages), "measure": measure}
    if fitted.without:
        return empty_row(arm, next(iter(fitted.without.values())), **labels)
    return contrast_row(context, fitted, arm, fitted.arm_contrast(arm), **labels)


def _two_stage_rows(context: Context, stages: TwoStage, arm: str) -> list[Row]:
    first_f = _first_stage_f(context, stages, arm)
    if first_f.statistic is not None and first_f.statistic < WEAK:
        context.note(_weak(context, stages, arm, first_f.statistic))
    return [
        _arm(context, stages.first, arm, "received", stages),
        _arm(context, stages.second, arm, "effect", stages),
        first_f,
        _wu_hausman(context, stages, arm),
    ]


def _first_stage_f(context: Context, stages: TwoStage, arm: str) -> Row:
    fit = stages.first.fit
    c = stages.first.arm_contrast(arm)
    labels = {**_labels(context, stages), "measure": "first_stage_F"}
    estimate, error = fit.contrast(c)
    if error <= 1e-9 * abs(estimate):
        return empty_row(arm, "everyone received what was drawn, so the first stage has no error", **labels)
    df2 = stages.first.df(c)
    F = (estimate / error) ** 2
    return Row(arm, statistic=F, df=1.0, df2=df2, p_value=f_tail(F, 1.0, df2), **labels)


def _wu_hausman(context: Context, stages: TwoStage, arm: str) -> Row:
    """Classical F test that the residuals of the first stage do not matter in the second."""
    model, labels = stages.first.fit.model, {**_labels(context, stages), "measure": "wu_hausman_F"}
    residual = stages.first.fit.residuals
    X = model.X.copy()
    X[:, stages.first.design.arm_columns[0]] = stages.received
    if np.abs(residual).max() < 1e-10:
        return empty_row(arm, "everyone received what was drawn, so there is nothing to test", **labels)
    names = (*model.names, "first-stage residual")
    full = LinearModel(np.column_stack([X, residual]), names, "classical", "n-k", model.weights)
    check_rank(full.X, names)
    F, df, df2 = full.fit(stages.reduced.sample.y).joint(unit(full.k, full.k - 1)[None, :])
    return Row(arm, statistic=F, df=df, df2=df2, p_value=f_tail(F, df, df2), **labels)


def _weak(context: Context, stages: TwoStage, arm: str, F: float) -> str:
    low, high = anderson_rubin(stages, arm, context.analysis.level)
    reach = "has no bounds" if low is None or high is None else f"runs from {low:.6g} to {high:.6g}"
    weak = f"the first stage of {arm!r} is weak (F = {F:.3g}, below {WEAK})"
    return f"{weak}: rely on the Anderson-Rubin interval, which {reach}"


def anderson_rubin(stages: TwoStage, arm: str, level: float) -> tuple[float | None, float | None]:
    """Effects b for which the arms do not differ in outcome - b received; None where there is no bound."""
    reduced, first = stages.reduced.fit, stages.first.fit
    c = stages.reduced.arm_contrast(arm)
    critical = t_quantile(0.5 + level / 2, stages.reduced.df(c)) ** 2
    both = np.stack([reduced.residuals, first.residuals])
    parts = [replace(reduced, residuals=values) for values in (*both, both.sum(axis=0))]
    vy, vd, vs = (part.contrast(c)[1] ** 2 for part in parts)
    covariance = (vs - vy - vd) / 2
    y, d = float(c @ reduced.beta), float(c @ first.beta)
    a, b, e = d**2 - critical * vd, -2 * (y * d - critical * covariance), y**2 - critical * vy
    root = b**2 - 4 * a * e
    if a <= 0 or root < 0:
        return None, None
    return (-b - root**0.5) / (2 * a), (-b + root**0.5) / (2 * a)


def _wald_rows(context: Context, stages: TwoStage, arm: str) -> list[Row]:
    return [
        _arm(context, stages.reduced, arm, "itt", stages),
        _arm(context, stages.first, arm, "received", stages),
        _arm(context, stages.second, arm, "effect", stages),
    ]


def _bloom_rows(context: Context, stages: TwoStage, arm: str) -> list[Row]:
    control = stages.first.sample.arm == 0
    if stages.received[control].any():
        name = label(context.keys(ReceivedKeys).received)
        raise Refused(f"someone in the control arm has {name!r}, which Bloom's effect rules out", "use `wald_iv`")
    share = float(stages.first.arm_contrast(arm) @ stages.first.fit.beta)
    c = stages.reduced.arm_contrast(arm) / share
    rows = _wald_rows(context, stages, arm)
    if stages.reduced.without:
        return rows
    effect = contrast_row(context, stages.reduced, arm, c, measure="effect", **_labels(context, stages))
    return [*rows[:2], effect]
