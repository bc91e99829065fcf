"""Missing values by multiple imputation: chained equations, Rubin's rules, and the tipping point."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from analysis.estimators.columns import Column
from analysis.estimators.design_matrix import arm_dummies, combined, covariate_blocks, fixed_effect_blocks
from analysis.estimators.effects import ArmFit, arm_fits, ols_design
from analysis.estimators.expressions import ColumnRef, as_list, label
from analysis.estimators.imputation import Recipe, impute
from analysis.estimators.inference import empty_row, estimate_row
from analysis.estimators.plan import AnalysisKeys, Columns, Keys
from analysis.estimators.pooling import Pooled, pool
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample, label_outcomes
from analysis.estimators.tables import Table

Shift = Callable[[Floats, Sample], Floats]


class ImputationKeys(Keys):
    """What is imputed from what, and how often."""

    columns: Columns = ()
    predictors: Columns = ()
    method: Literal["norm", "pmm"] = "norm"
    m: int = Field(default=20, ge=2)
    cycles: int = Field(default=10, ge=1)
    donors: int = Field(default=5, ge=1)
    by_arm: bool = True


class ImputedKeys(AnalysisKeys):
    imputation: ImputationKeys = Field(default_factory=ImputationKeys)


class TippingKeys(ImputedKeys):
    deltas: Annotated[tuple[float, ...], BeforeValidator(as_list), Field(min_length=1)]


class PoolKeys(AnalysisKeys):
    DF: ClassVar[tuple[str, ...]] = ("barnard_rubin", "rubin")

    estimate: tuple[float, ...] | ColumnRef
    std_error: tuple[float, ...] | ColumnRef
    df_complete: float | None = Field(default=None, gt=0)


@dataclass(frozen=True)
class _Filled:
    """The sample in each imputed data set, and which rows had each outcome imputed."""

    samples: tuple[Sample, ...]
    gaps: dict[str, np.ndarray]
    shared: bool  # no covariate was imputed, so one design serves all


@method(
    "multiple_imputation",
    keys=ImputedKeys,
    nl="Ontbrekende waarden zijn vele malen aangevuld; het effect is het gemiddelde over de aanvullingen (Rubin).",
    en="Missing values were filled in many times; the effect is the mean over the fillings (Rubin).",
)
def multiple_imputation(context: Context) -> Report:
    """Least squares in each imputed data set, pooled with the degrees of freedom of Barnard and Rubin."""
    filled, trace = _impute(context)
    pooled = _pooled(context, filled, lambda values, _: values)
    return Report(tuple(_rows(context, filled, pooled, None)), {"fmi": _fmi(context, pooled), "trace": trace})


@method(
    "tipping_point",
    keys=TippingKeys,
    nl="Hoeveel slechter moeten wie niet antwoordde het doen voordat het effect verdwijnt?",
    en="How much worse must those who did not answer do before the effect is gone?",
)
def tipping_point(context: Context) -> Report:
    """The pooled effect with every imputed outcome of the arms (not of the control) shifted by each delta."""
    keys = context.keys(TippingKeys)
    filled, _ = _impute(context)
    rows: list[Row] = []
    fmi: dict[str, list[Any]] = {}
    for delta in keys.deltas:
        pooled = _pooled(context, filled, _shift_by(delta, filled))
        rows += _rows(context, filled, pooled, delta)
        for name, value in _fmi(context, pooled).items():
            fmi.setdefault(name, []).append(value)
    return Report(tuple(rows), {"fmi": fmi})


def _shift_by(delta: float, filled: _Filled) -> Shift:
    def shift(values: Floats, sample: Sample) -> Floats:
        name = next(iter(sample.outcomes))
        return np.where(filled.gaps[name] & (sample.arm > 0), values + delta, values)

    return shift


def _impute(context: Context) -> tuple[_Filled, dict[str, list[float]]]:
    """Fill in the columns of the plan; Refused when an outcome still has gaps after it."""
    keys = context.keys(ImputedKeys)
    sample = context.sample(keep_missing=True)
    context.reported_arms(sample)
    wanted = keys.imputation
    refs = _imputed_columns(context, sample, wanted)
    names = tuple(label(ref) for ref in refs)
    values = np.column_stack([sample.values(ref) for ref in refs])
    _refuse_unseen(sample, names, values, wanted)
    predictors = _predictors(context, sample, wanted, names)
    group = sample.arm if wanted.by_arm else np.zeros(sample.n, np.intp)
    recipe = Recipe(wanted.method, wanted.m, wanted.cycles, wanted.donors)
    found = impute(values, predictors, group, recipe, np.random.default_rng(keys.seed), names)
    samples = tuple(_with(context, sample, names, one) for one in found.values)
    gaps = {name: np.isnan(column) for name, column in sample.outcomes.items()}
    shared = set(names).isdisjoint(_plain_names(context))
    trace = {name: found.trace[:, j].tolist() for j, name in enumerate(names) if np.isnan(values[:, j]).any()}
    return _Filled(samples, gaps, shared), trace


def _imputed_columns(context: Context, sample: Sample, wanted: ImputationKeys) -> list[Any]:
    """The columns named and the outcomes that are columns; without names also covariates with gaps."""
    refs = list(wanted.columns) or [
        ref
        for ref in context.covariate_refs()
        if isinstance(ref, str) and (column := sample.table.column(ref)).is_number and column.missing[sample.rows].any()
    ]
    made = sample.table.derived if wanted.columns else {}  # an outcome made of imputed columns is made anew
    refs += [ref for ref in context.outcome_refs() if isinstance(ref, str) and ref not in refs and ref not in made]
    unnamed = [label(ref) for ref in refs if not isinstance(ref, str)]
    if unnamed:
        what = f"`imputation.columns` has an expression ({unnamed[0]})"
        raise Refused(what, "give it a name under `columns` of the plan, and write that name")
    return refs


def _refuse_unseen(sample: Sample, names: tuple[str, ...], values: Floats, wanted: ImputationKeys) -> None:
    for code, arm in enumerate(sample.arms):
        for name, column in zip(names, values.T, strict=True):
            if np.isnan(column[sample.arm == code]).all():
                remedy = "leave this arm out by `subset`" + (", or use `by_arm: false`" if wanted.by_arm else "")
                raise Refused(f"nobody of the arm {arm!r} has a value of {name!r}", remedy)


def _predictors(context: Context, sample: Sample, wanted: ImputationKeys, imputed: tuple[str, ...]) -> Floats:
    """The predictors named, else the covariates and fixed effects of the analysis; the arms when not imputed by arm."""
    analysis = context.analysis
    refs = list(wanted.predictors) or context.covariate_refs()
    blocks = covariate_blocks(sample, [ref for ref in refs if ref not in imputed], complete_case=False)
    if not wanted.predictors:
        blocks += fixed_effect_blocks(sample, analysis.fixed_effects)
    if not wanted.by_arm:
        blocks.append(arm_dummies(sample))
    return combined(blocks).X if any(block.names for block in blocks) else np.zeros((sample.n, 0))


def _plain_names(context: Context) -> set[str]:
    """Columns that the design may depend on; all of them when one is an expression or made by the plan."""
    analysis = context.analysis
    refs = [*context.covariate_refs(), *(ref for effect in analysis.fixed_effects for ref in effect)]
    derived = context.data.derived
    if any(not isinstance(ref, str) or ref in derived for ref in refs):
        return {*(context.data.header or context.data.raw), *derived}
    return {str(ref) for ref in refs}


def _with(context: Context, sample: Sample, names: tuple[str, ...], values: Floats) -> Sample:
    """The sample on a table in which these columns are filled in."""
    filled: dict[str, Column] = {}
    for name, column in zip(names, values.T, strict=True):
        whole = sample.table.column(name).numbers().copy()
        whole[sample.rows] = column
        filled[name] = Column(name, numbers=whole)
    old = sample.table
    derived = {name: ref for name, ref in old.derived.items() if name not in filled}
    table = Table(old.n, {**old.raw, **filled}, derived, old.header, old.sha256)
    refs = context.outcome_refs()
    outcomes = {
        name: table.column(ref).numbers()[sample.rows] for name, ref in zip(label_outcomes(refs), refs, strict=True)
    }
    still = [name for name, column in outcomes.items() if np.isnan(column).any()]
    if still:
        what = f"the outcome {listed(map(repr, still))} still has gaps after the imputation"
        raise Refused(what, "name the columns it is made of in `imputation.columns`")
    return replace(sample, table=table, outcomes=outcomes)


def _pooled(context: Context, filled: _Filled, shift: Shift) -> dict[tuple[str, str], Pooled | str]:
    """For each outcome and arm the pooled effect, or why there is none."""
    found: dict[tuple[str, str], Pooled | str] = {}
    for name in filled.samples[0].outcomes:
        fits = list(_fits(context, filled, name, shift))
        for arm in context.reported_arms(filled.samples[0]):
            why = fits[0].without.get(arm)
            found[name, arm] = why if why is not None else _pool_arm(fits, arm)
    return found


def _pool_arm(fits: list[ArmFit], arm: str) -> Pooled:
    contrasts = [fit.arm_contrast(arm) for fit in fits]
    parts = np.array([fit.fit.contrast(c) for fit, c in zip(fits, contrasts, strict=True)])
    df = fits[0].df(contrasts[0])
    return pool(parts[:, 0], parts[:, 1], np.inf if df is None else df)


def _fits(context: Context, filled: _Filled, name: str, shift: Shift) -> Iterator[ArmFit]:
    """The fit of one outcome in each data set; with a shared design they are outcomes of one model."""
    alone = [replace(sample, outcomes={name: sample.outcomes[name]}) for sample in filled.samples]
    values = [shift(sample.y, sample) for sample in alone]
    if filled.shared:
        many = replace(alone[0], outcomes={f"{name} in imputation {i}": y for i, y in enumerate(values, start=1)})
        yield from arm_fits(context, many, ols_design)
        return
    for sample, y in zip(alone, values, strict=True):
        yield from arm_fits(context, replace(sample, outcomes={name: y}), ols_design)


def _rows(
    context: Context, filled: _Filled, pooled: dict[tuple[str, str], Pooled | str], at: float | None
) -> Iterator[Row]:
    analysis = context.analysis
    for (name, arm), found in pooled.items():
        labels: dict[str, Any] = {"at": at, "outcome": context.outcome_label(name), "n": filled.samples[0].n}
        if isinstance(found, str):
            yield empty_row(arm, found, **labels)
            continue
        df = found.df if np.isfinite(found.df) else None
        yield estimate_row(
            arm, found.estimate, found.std_error, df, level=analysis.level, sided=analysis.sided, **labels
        )


def _fmi(context: Context, pooled: dict[tuple[str, str], Pooled | str]) -> dict[str, Any]:
    """The fraction of missing information by arm, within outcome where there are several."""
    found: dict[str, Any] = {}
    for (name, arm), one in pooled.items():
        share = None if isinstance(one, str) else one.fmi
        if context.several:
            found.setdefault(name, {})[arm] = share
        else:
            found[arm] = share
    return found


@method(
    "rubin_pool",
    keys=PoolKeys,
    reads_rows=lambda keys: not (isinstance(keys.estimate, tuple) and isinstance(keys.std_error, tuple)),
    nl="Uitkomsten van aangevulde gegevens zijn samengenomen met de regels van Rubin.",
    en="Results of imputed data sets are pooled by Rubin's rules.",
)
def rubin_pool(context: Context) -> Report:
    """Rubin's rules for given estimates and standard errors, one an imputation."""
    keys = context.keys(PoolKeys)
    estimates, errors = (_given(context, value, name) for name, value in _pair(keys))
    if estimates.size != errors.size:
        what = f"there are {estimates.size} estimates and {errors.size} standard errors"
        raise Refused(what, "give one of each for every imputation")
    if estimates.size < 2:
        raise Refused("one imputation cannot be pooled", "give at least two")
    if (errors <= 0).any():
        raise Refused("a standard error is not above 0", "check the list")
    found = pool(estimates, errors, keys.df_complete or np.inf, keys.df or "barnard_rubin")
    df = found.df if np.isfinite(found.df) else None
    row = estimate_row("pooled", found.estimate, found.std_error, df, level=keys.level, sided=keys.sided)
    details = {name: getattr(found, name) for name in ("within", "between", "total", "riv", "fmi")}
    return Report((row,), details | {"lambda": found.lambda_})


def _pair(keys: PoolKeys) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("estimate", keys.estimate), ("std_error", keys.std_error)


def _given(context: Context, value: Any, name: str) -> Floats:
    if isinstance(value, tuple):
        return np.array(value, dtype=np.float64)
    values = context.data.column(value).numbers()[context.subset()]
    if np.isnan(values).any():
        what = f"the column of `{name}` has an empty cell in data row {int(np.isnan(values).argmax()) + 1}"
        raise Refused(what, "fill it, or leave the row out by `subset`")
    return values
