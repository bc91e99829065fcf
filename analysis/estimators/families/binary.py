"""Risks, their differences and ratios."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from analysis.estimators.cluster_variance import check_clusters
from analysis.estimators.design_matrix import Design
from analysis.estimators.effects import (
    ArmFit,
    Floats,
    arm_fits,
    arm_row,
    arms_only,
    joint_of,
    merged,
    ols_design,
    pair_fits,
    term_places,
    without_empty_arms,
)
from analysis.estimators.inference import empty_row, estimate_row
from analysis.estimators.linear_model import unit
from analysis.estimators.logistic import LogisticFit, fit_logistic
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, refuse_constant, refuse_not_binary
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Joint, Report, Row
from analysis.estimators.sample import Sample

SMALL_CELL = 10
NO_ROW = "no row of this arm has the outcome observed"


class RiskDifferenceKeys(AnalysisKeys):
    interval: Literal["wald", "newcombe"] | None = None


class OddsRatioKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model", "HC0")


class StandardisationKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("influence", "delta_model", "delta_HC0")


def refuse_no_variation(values: Floats, name: str) -> None:
    """Refuse an outcome that is not 0/1, or the same for everyone."""
    refuse_not_binary(values, name)
    if not values.any():
        raise Refused(f"no one has the outcome {name!r} (zero events)", "choose an outcome that occurs")
    refuse_constant(values, name)


@method(
    "risk_difference",
    keys=RiskDifferenceKeys,
    nl="Het effect is het verschil in het aandeel mensen met de uitkomst (in punten van honderd).",
    en="The effect is the difference in the share of people with the outcome (in percentage points).",
)
def risk_difference(context: Context) -> Report:
    """Difference of risks by least squares; the interval is Wald's, or Newcombe's when a cell is below 10."""
    sample = context.sample()
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    joints: list[tuple[int, Joint | None]] = []
    for fitted in arm_fits(context, sample, ols_design, constant=refuse_no_variation, exact=True):
        own = [_difference_row(context, fitted, arm) for arm in arms]
        joints.append((len(rows), joint_of(context, own, fitted)))
        rows += own
    return Report(tuple(rows), joint=merged(joints))


def _difference_row(context: Context, fitted: ArmFit, arm: str) -> Row:
    row = arm_row(context, fitted, arm)
    if arm in fitted.empty:
        return row
    wanted = context.keys(RiskDifferenceKeys).interval
    raw = fitted.fit.model.k == len(fitted.sample.arms) and fitted.sample.cluster is None
    raw = raw and fitted.sample.weights is None
    if wanted == "newcombe" and not raw:
        raise Refused("the Newcombe interval is for raw risks of independent persons", "use `interval: wald`")
    counts = _counts(fitted.sample.pair(arm))
    if wanted == "newcombe" or (wanted is None and raw and min(counts) < SMALL_CELL):
        low, high = newcombe(*counts, level=context.analysis.level, sided=context.analysis.sided)
        context.details["interval"] = "newcombe"
        return replace(row, conf_low=low, conf_high=high)
    context.details.setdefault("interval", "wald")
    return row


def _counts(pair: Sample) -> tuple[int, int, int, int]:
    """Events and others in the arm, then in the control."""
    y, treated = pair.y, pair.arm == 1
    return (
        int(y[treated].sum()),
        int((1 - y[treated]).sum()),
        int(y[~treated].sum()),
        int((1 - y[~treated]).sum()),
    )


def newcombe(a: int, b: int, c: int, d: int, *, level: float, sided: str) -> tuple[float | None, float | None]:
    """Newcombe's (1998) method 10 for a/(a+b) - c/(c+d)."""
    from scipy import special

    z = float(special.ndtri(0.5 + level / 2 if sided == "two" else level))
    p, q = a / (a + b), c / (c + d)
    (l1, u1), (l0, u0) = wilson(a, a + b, z), wilson(c, c + d, z)
    low = p - q - np.hypot(p - l1, u0 - q)
    high = p - q + np.hypot(u1 - p, q - l0)
    return (None if sided == "less" else float(low)), (None if sided == "greater" else float(high))


def wilson(events: int, n: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a risk."""
    p = events / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return float(centre - reach), float(centre + reach)


@method(
    "risk_ratio",
    nl="Het effect is de verhouding tussen het aandeel met de uitkomst in de groep en in de controlegroep.",
    en="The effect is the ratio of the share with the outcome in the arm to that in the control arm.",
)
def risk_ratio(context: Context) -> Report:
    """Ratio of raw risks, Katz's standard error of its logarithm; with a cluster the delta method on CR2."""
    context.raw_only()
    sample = context.sample(covariates=False)
    rows = [_risk_ratio(context, arm, found) for arm, found in pair_fits(context, sample, arms_only)]
    if all(row.estimate is None for row in rows):
        raise Refused(rows[0].note or "no ratio exists", "report `risk_difference` with `interval: newcombe`")
    return Report(tuple(rows))


def _risk_ratio(context: Context, arm: str, found: ArmFit | Row) -> Row:
    if isinstance(found, Row):
        return found
    labels: dict[str, Any] = {"outcome": context.outcome_label(found.outcome), "n": found.sample.n}
    refuse_not_binary(found.sample.y, found.outcome)
    a, b, c, d = _counts(found.sample)
    if a == 0 or c == 0:
        where = arm if a == 0 else found.sample.arms[0]
        return empty_row(arm, f"no one in the arm {where!r} has the outcome, so the ratio does not exist", **labels)
    if arm in found.without:
        return empty_row(arm, found.without[arm], **labels)
    log_ratio = np.log(a / (a + b)) - np.log(c / (c + d))
    if found.fit.model.se.startswith("CR"):
        risk, base = a / (a + b), c / (c + d)
        slope = np.array([1 / risk - 1 / base, 1 / risk])
        error, df = float(np.sqrt(slope @ found.fit.covariance @ slope)), found.df(slope)
    else:
        error, df = float(np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))), None
    level, sided = context.analysis.level, context.analysis.sided
    return estimate_row(arm, float(log_ratio), error, df, level=level, sided=sided, ratio=True, **labels)


@method(
    "odds_ratio",
    keys=OddsRatioKeys,
    nl="Het effect is een odds ratio uit een logistische regressie; lees het als voetnoot bij het verschil in aandeel.",
    en="The effect is an odds ratio from a logistic regression; read it as a footnote to the risk difference.",
)
def odds_ratio(context: Context) -> Report:
    """Logistic regression on the arms and covariates."""
    sample = context.sample(cluster=False)
    context.rows_independent()
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    loglik: dict[str, float] = {}
    for name, part, design, fit, empty in _logits(context, sample):
        covariance = fit.covariance(context.analysis.se or "model")
        places = {arm: design.arm_columns[place] for place, arm in enumerate(part.arms[1:])}
        rows += [_odds_row(context, name, part, arm, fit, covariance, places.get(arm)) for arm in arms]
        rows += _odds_terms(context, name, part, design, fit, covariance)
        loglik[name] = fit.loglik
        if empty:
            context.note(f"no row with the outcome observed in {', '.join(empty)}")
    return Report(tuple(rows), {"loglik": loglik if context.several else next(iter(loglik.values()))})


def _logits(context: Context, sample: Sample) -> Any:
    for name, whole in context.outcomes(sample):
        part, empty = without_empty_arms(whole)
        refuse_no_variation(part.y, name)
        for code, arm in enumerate(part.arms):
            inside = part.y[part.arm == code]
            if inside.min() == inside.max():
                who = "everyone" if inside[0] else "no one"
                raise Refused(
                    f"{who} in the arm {arm!r} has the outcome {name!r} (separation)",
                    "report `risk_difference` with `interval: newcombe`, or leave the arm out by `subset`",
                )
        design = ols_design(context, part)
        yield name, part, design, fit_logistic(design.X, part.y, design.names, part.weights), empty


def _odds_row(
    context: Context, name: str, part: Sample, arm: str, fit: LogisticFit, covariance: Floats, place: int | None
) -> Row:
    outcome = context.outcome_label(name)
    if place is None:
        return empty_row(arm, NO_ROW, outcome=outcome, n=0)
    return _log_row(context, arm, float(fit.beta[place]), float(covariance[place, place]), outcome=outcome, n=part.n)


def _log_row(context: Context, term: str, estimate: float, variance: float, **labels: Any) -> Row:
    level, sided = context.analysis.level, context.analysis.sided
    return estimate_row(term, estimate, variance**0.5, None, level=level, sided=sided, ratio=True, **labels)


def _odds_terms(
    context: Context, name: str, part: Sample, design: Design, fit: LogisticFit, covariance: Floats
) -> list[Row]:
    outcome = context.outcome_label(name)
    return [
        _log_row(context, term, float(fit.beta[place]), float(covariance[place, place]), outcome=outcome, n=part.n)
        for term, place in term_places(context, design)
    ]


@method(
    "standardisation",
    keys=StandardisationKeys,
    nl="Een logistisch model voorspelt voor iedereen de kans in elke groep; het gemiddelde daarvan is vergeleken.",
    en="A logistic model predicts everyone's risk in each arm; the means of these are compared.",
)
def standardisation(context: Context) -> Report:
    """g-computation: mean predicted risk of all rows used under each arm; difference and ratio with the control."""
    se = context.analysis.se or "influence"
    sample = context.sample(cluster=se == "influence")
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    for name, part, design, fit, empty in _logits(context, sample):
        if part.cluster is not None:
            check_clusters(part.cluster, part.arm, part.arms, part.cluster_name)
        risks, variance = standardised(design, fit, se, part)
        labels: dict[str, Any] = {"outcome": context.outcome_label(name)}
        rows += [
            _level_row(context, arm, risks[i], variance[i, i], n=int((part.arm == i).sum()), **labels)
            for i, arm in enumerate(part.arms)
        ]
        for arm in arms:
            if arm in empty:
                rows.append(empty_row(arm, NO_ROW, measure="difference", **labels))
            else:
                rows += _compared(context, arm, part.arms.index(arm), risks, variance, n=part.n, **labels)
    return Report(tuple(rows))


def standardised(design: Design, fit: LogisticFit, se: str, part: Sample) -> tuple[Floats, Floats]:
    """Mean risks under each arm (K) and their covariance (K x K)."""
    n, K = part.n, len(part.arms)
    counterfactual = np.empty((K, n))
    slopes = np.empty((K, design.X.shape[1]))
    for arm in range(K):
        X = design.X.copy()
        X[:, list(design.arm_columns)] = 0.0
        if arm:
            X[:, design.arm_columns[arm - 1]] = 1.0
        risk = 1 / (1 + np.exp(-(X @ fit.beta)))
        counterfactual[arm] = risk
        slopes[arm] = (X * (risk * (1 - risk))[:, None]).mean(axis=0)
    risks = counterfactual.mean(axis=1)
    if se != "influence":
        V = fit.covariance(se.removeprefix("delta_"))
        return risks, slopes @ V @ slopes.T
    scores = fit.X * (part.y - fit.risk)[:, None]
    psi = counterfactual - risks[:, None] + n * slopes @ fit.bread @ scores.T
    if part.cluster is not None:
        codes = np.unique(part.cluster, return_inverse=True)[1]
        psi = np.stack([np.bincount(codes, line) for line in psi])
    return risks, psi @ psi.T / n**2


def _level_row(context: Context, arm: str, risk: float, variance: float, **labels: Any) -> Row:
    row = estimate_row(arm, risk, variance**0.5, None, level=context.analysis.level, measure="risk", **labels)
    return replace(row, statistic=None, p_value=None)


def _compared(
    context: Context, arm: str, place: int, risks: Floats, variance: Floats, **labels: Any
) -> tuple[Row, Row]:
    level, sided = context.analysis.level, context.analysis.sided
    c = unit(len(risks), place) - unit(len(risks), 0)
    relative = c / risks
    error = float(np.sqrt(c @ variance @ c))
    labels = labels | {"measure": "difference"}
    difference = estimate_row(arm, float(c @ risks), error, None, level=level, sided=sided, **labels)
    log_ratio, spread = float(np.log(risks[place] / risks[0])), float(relative @ variance @ relative)
    return difference, _log_row(context, arm, log_ratio, spread, **labels | {"measure": "ratio"})
