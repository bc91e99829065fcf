"""Missing outcomes by weighting: who answered stands for who did not."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from analysis.estimators.design_matrix import Design, assemble, covariate_blocks, fixed_effect_blocks
from analysis.estimators.effects import ols_design, without_empty_arms
from analysis.estimators.expressions import ColumnRef, as_list, label
from analysis.estimators.inference import empty_row, estimate_row
from analysis.estimators.linear_model import LinearModel
from analysis.estimators.logistic import LogisticFit, fit_logistic
from analysis.estimators.plan import AnalysisKeys, Columns, Keys
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.response_weights import stacked
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Bools, Floats, Ints, Sample, combined_levels

Effects = Annotated[tuple[Annotated[tuple[ColumnRef, ...], BeforeValidator(as_list)], ...], BeforeValidator(as_list)]


class ResponseKeys(Keys):
    """What predicts an answer; the arms are always in."""

    covariates: Columns = ()
    fixed_effects: Effects = ()


class WeightingKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("stacked", "HC0", "HC2")
    DF: ClassVar[tuple[str, ...]] = ("n-k", "G-1", "normal")

    response: ResponseKeys = Field(default_factory=ResponseKeys)


@dataclass(frozen=True)
class _Fit:
    """The weighted regression of one outcome: the arms' effects with errors and df, and the weights."""

    sample: Sample
    effects: Floats
    errors: Floats
    df: float | None
    weights: Floats


@method(
    "ipw",
    keys=WeightingKeys,
    nl="Wie antwoordde telt zwaarder naarmate een antwoord minder te verwachten was (inverse kansen).",
    en="Those who answered count more, the less an answer was to be expected (inverse probabilities).",
)
def ipw(context: Context) -> Report:
    """Least squares among those who answered, weighted by one over the fitted probability of an answer (logit)."""
    keys = context.keys(WeightingKeys)
    sample = _whole(context, keys)
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    largest: dict[str, float] = {}
    effective: dict[str, float] = {}
    for name in sample.outcomes:
        part, empty = _answering(replace(sample, outcomes={name: sample.outcomes[name]}), name)
        fit = _fitted(context, keys, part, name)
        rows += [_row(context, fit, arm, name, empty) for arm in arms]
        largest[name] = float(fit.weights.max())
        effective[name] = float(fit.weights.sum() ** 2 / np.square(fit.weights).sum())
    several = context.several
    details: dict[str, Any] = {
        "weight_max": largest if several else next(iter(largest.values())),
        "weight_ess": effective if several else next(iter(effective.values())),
    }
    return Report(tuple(rows), details)


def _whole(context: Context, keys: WeightingKeys) -> Sample:
    """Everybody with an arm, answered or not; rows without a fixed effect of the response are dropped."""
    sample = context.sample(keep_missing=True)
    for effect in keys.response.fixed_effects:
        known = combined_levels(sample.table, effect).codes[sample.rows] >= 0
        if not known.all():
            sample = sample.take(known)
            context.recount(sample, "covariate_missing", ", ".join(label(ref) for ref in effect))
    return sample


def _answering(sample: Sample, name: str) -> tuple[Sample, tuple[str, ...]]:
    """The sample without arms in which nobody answered, and these arms."""
    _, empty = without_empty_arms(sample.observed(name))
    if not empty:
        return sample, ()
    kept = sample.take(~np.isin(sample.arm, [sample.arms.index(arm) for arm in empty]))
    return without_empty_arms(kept)


def _fitted(context: Context, keys: WeightingKeys, sample: Sample, name: str) -> _Fit:
    answered = ~np.isnan(sample.y)
    seen = sample.take(answered)
    refuse_constant(seen.y, name)
    design = ols_design(context, seen)
    context.details["se"] = keys.se or "stacked"
    own = np.ones(sample.n) if sample.weights is None else sample.weights
    response = _response_design(sample, keys.response)
    logit = None if answered.all() else _logit(response, answered)
    if logit is None:
        context.note(f"everybody has the outcome {name!r}, so every weight is that of the plan, or 1")
    weights = own[answered] / (1.0 if logit is None else logit.risk[answered])
    if logit is not None and keys.se in (None, "stacked"):
        X = np.zeros((sample.n, design.X.shape[1]))
        X[answered] = design.X
        stack = stacked(X, sample.y, logit, own)
        beta, covariance = stack.beta, stack.covariance(_units(sample))
    else:
        clustered = keys.se in (None, "stacked") and seen.cluster is not None
        kind = "CR0" if clustered else (keys.se if keys.se in ("HC0", "HC2") else "HC0")
        model = LinearModel(design.X, design.names, str(kind), None, weights, seen.cluster if clustered else None)
        fit = model.fit(seen.y)
        beta, covariance = fit.beta, fit.covariance
    places = np.array(design.arm_columns)
    errors = np.sqrt(np.diag(covariance)[places])
    return _Fit(sample, beta[places], errors, _df(keys, sample, seen.n, design.X.shape[1]), weights)


def _logit(response: Design, answered: Bools) -> LogisticFit:
    try:
        return fit_logistic(response.X, answered.astype(np.float64), response.names)
    except Refused as why:
        what = f"answers cannot be weighted ({str(why).split(';')[0]}; the outcome is here: answered)"
        raise Refused(what, "use fewer columns in `response`, or merge their levels") from None


def _units(sample: Sample) -> Ints:
    """Clusters from 0 without gaps; without clusters each person is one."""
    return np.arange(sample.n) if sample.cluster is None else np.unique(sample.cluster, return_inverse=True)[1]


def _response_design(sample: Sample, response: ResponseKeys) -> Design:
    blocks = covariate_blocks(sample, list(response.covariates), complete_case=False)
    return assemble(sample, blocks + fixed_effect_blocks(sample, response.fixed_effects))


def _df(keys: WeightingKeys, sample: Sample, n: int, k: int) -> float | None:
    clusters = sample.clusters()
    rule = keys.df or ("n-k" if clusters is None else "G-1")
    if rule == "normal":
        return None
    if rule == "G-1":
        if clusters is None:
            raise Refused("the degrees of freedom `G-1` need a cluster and none is named", "add `cluster: column`")
        return float(clusters - 1)
    if n <= k:
        raise Refused(f"{n} answers for {k} coefficients leave nothing to estimate the variance from", "use fewer")
    return float(n - k)


def _row(context: Context, fit: _Fit, arm: str, name: str, empty: tuple[str, ...]) -> Row:
    labels: dict[str, Any] = {"outcome": context.outcome_label(name), "n": int((~np.isnan(fit.sample.y)).sum())}
    if arm in empty:
        return empty_row(arm, "no row of this arm has the outcome observed", **labels | {"n": 0})
    place = fit.sample.arms.index(arm) - 1
    analysis = context.analysis
    effect, error = float(fit.effects[place]), float(fit.errors[place])
    return estimate_row(arm, effect, error, fit.df, level=analysis.level, sided=analysis.sided, **labels)
