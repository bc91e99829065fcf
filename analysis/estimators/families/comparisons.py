"""Comparisons of several arms or several p-values at once."""

from dataclasses import replace
from itertools import combinations
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, field_validator

from analysis.estimators.effects import ArmFit, Floats, arm_fits, arm_row, contrast_row, ols_design
from analysis.estimators.expressions import Name, as_list
from analysis.estimators.linear_model import unit
from analysis.estimators.maxt import MaxT, correlation_of, max_t, single_step, step_down
from analysis.estimators.padjust import adjust
from analysis.estimators.plan import COMMON_DF, P_PROCEDURES, AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row

Sizes = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)]
Share = Annotated[float, Field(ge=0, le=1)]


class ManyToOneKeys(AnalysisKeys):
    DF: ClassVar[tuple[str, ...]] = (*COMMON_DF, "number")

    step: Literal["single", "down"] = "single"
    n: Sizes | None = None


class PValueKeys(AnalysisKeys):
    p: Annotated[dict[Name, Share], Field(min_length=1)]
    alpha: float = Field(default=0.05, gt=0, lt=1)
    adjust: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ("holm",)

    @field_validator("p", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A list gets its places as names."""
        return {str(place): p for place, p in enumerate(value, start=1)} if isinstance(value, list | tuple) else value

    @field_validator("adjust")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in value if name not in P_PROCEDURES]
        if wrong:
            raise ValueError(f"has {wrong[0]!r}, which is not a procedure -> choose of {', '.join(P_PROCEDURES)}")
        return value


@method(
    "adjust_p",
    keys=PValueKeys,
    reads_rows=False,
    nl="De p-waarden zijn aangepast voor het aantal toetsen.",
    en="The p-values are adjusted for the number of tests.",
)
def adjust_p(context: Context) -> Report:
    """Each p-value by each procedure."""
    keys = context.keys(PValueKeys)
    p = np.array(list(keys.p.values()))
    rows, rejected = [], {}
    for procedure in keys.adjust:
        adjusted = adjust(p, procedure)
        rejected[procedure] = int((adjusted <= keys.alpha).sum())
        rows += [
            Row(name, procedure, p_value=float(raw), p_adjusted=float(value))
            for name, raw, value in zip(keys.p, p, adjusted, strict=True)
        ]
    return Report(tuple(rows), {"rejected": rejected})


@method(
    "fixed_sequence",
    keys=PValueKeys,
    reads_rows=False,
    nl="De toetsen staan in een vaste volgorde; na de eerste die niet lukt telt geen volgende meer.",
    en="The tests stand in a fixed order; after the first that fails none counts.",
)
def fixed_sequence(context: Context) -> Report:
    """p-values in the order of the plan, each at least as large as the one before."""
    keys = context.keys(PValueKeys)
    adjusted = np.maximum.accumulate(list(keys.p.values()))
    rows = [
        Row(name, "fixed_sequence", p_value=raw, p_adjusted=float(value))
        for (name, raw), value in zip(keys.p.items(), adjusted, strict=True)
    ]
    return Report(tuple(rows), {"rejected": {"fixed_sequence": int((adjusted <= keys.alpha).sum())}})


def _reads_rows(keys: ManyToOneKeys) -> bool:
    return keys.n is None


@method(
    "dunnett",
    keys=ManyToOneKeys,
    reads_rows=_reads_rows,
    nl="Alle groepen zijn tegelijk met de controlegroep vergeleken; de onzekerheid geldt voor alle samen (Dunnett).",
    en="All arms are compared with the control at once; the uncertainty holds for all of them together (Dunnett).",
)
def dunnett(context: Context) -> Report:
    """Many-to-one comparisons of a linear model, by the joint t distribution of its estimates."""
    keys = context.keys(ManyToOneKeys)
    if keys.n is not None:
        v = 1 / np.array(keys.n, float)
        return _without_data(context, np.diag(v[1:]) + v[0])
    sample = context.sample()
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    critical: dict[str, float] = {}
    for fitted in arm_fits(context, sample, ols_design):
        found = [(arm, arm_row(context, fitted, arm)) for arm in fitted.sample.arms[1:]]
        usable = [(arm, row) for arm, row in found if row.std_error is not None]
        if not usable:
            raise Refused("no arm has a standard error", "check the clusters of the arms")
        contrasts = np.array([fitted.arm_contrast(arm) for arm, _ in usable])
        adjusted, law = adjusted_rows(context, fitted, [row for _, row in usable], contrasts, step=keys.step)
        by_arm = {row.term: row for row in adjusted}
        critical[fitted.outcome] = law.critical(keys.level)
        rows += [by_arm.get(arm) or arm_row(context, fitted, arm) for arm in arms]
    return Report(tuple(rows), {"critical_value": critical if context.several else next(iter(critical.values()))})


@method(
    "tukey",
    keys=ManyToOneKeys,
    reads_rows=_reads_rows,
    nl="Elke groep is met elke andere vergeleken; de onzekerheid geldt voor alle samen (Tukey).",
    en="Every arm is compared with every other; the uncertainty holds for all comparisons together (Tukey).",
)
def tukey(context: Context) -> Report:
    """All pairs of arms, the later minus the earlier in the order control, then text."""
    keys = context.keys(ManyToOneKeys)
    if keys.n is not None:
        return _without_data(context, _all_pairs(np.diag(1 / np.array(keys.n, float))))
    rows: list[Row] = []
    critical: dict[str, float] = {}
    for fitted in arm_fits(context, context.sample(), ols_design):
        if fitted.without:
            raise Refused(next(iter(fitted.without.values())), "leave the arm out by `subset`")
        pairs, contrasts = _pairs(fitted)
        found = [_pair_row(context, fitted, pair, c) for pair, c in zip(pairs, contrasts, strict=True)]
        adjusted, law = adjusted_rows(context, fitted, found, contrasts, step=keys.step)
        critical[fitted.outcome] = law.critical(keys.level)
        wanted = keys.treatment
        rows += [row for row, pair in zip(adjusted, pairs, strict=True) if wanted is None or wanted in pair]
    return Report(tuple(rows), {"critical_value": critical if context.several else next(iter(critical.values()))})


def _pairs(fitted: ArmFit) -> tuple[list[tuple[str, str]], Floats]:
    arms, k = fitted.sample.arms, fitted.fit.model.k
    places = (np.zeros(k), *(unit(k, place) for place in fitted.design.arm_columns))
    which = list(combinations(range(len(arms)), 2))
    return [(arms[i], arms[j]) for i, j in which], np.array([places[j] - places[i] for i, j in which])


def _pair_row(context: Context, fitted: ArmFit, pair: tuple[str, str], c: Floats) -> Row:
    early, late = pair
    outcome = context.outcome_label(fitted.outcome)
    return contrast_row(context, fitted, f"{late} - {early}", c, outcome=outcome, n=fitted.sample.n)


def _all_pairs(covariance: Floats) -> Floats:
    K = len(covariance)
    C = np.array([np.eye(K)[j] - np.eye(K)[i] for i, j in combinations(range(K), 2)])
    return C @ covariance @ C.T


def adjusted_rows(
    context: Context, fitted: ArmFit, rows: list[Row], contrasts: Floats, *, step: str
) -> tuple[list[Row], MaxT]:
    """The rows with their adjusted columns filled, and the distribution of the maximum."""
    covariance = contrasts @ fitted.fit.covariance @ contrasts.T
    dfs = [row.df for row in rows if row.df is not None]
    return fill_adjusted(context.analysis, rows, covariance, min(dfs) if dfs else None, step=step)


def fill_adjusted(
    keys: AnalysisKeys, rows: list[Row], covariance: Floats, df: float | None, *, step: str
) -> tuple[list[Row], MaxT]:
    """Adjusted p-values and, in a single step, simultaneous intervals: estimate +- c standard errors."""
    if isinstance(keys.df, int | float):
        df = float(keys.df)
    two_sided = keys.sided == "two"
    t = np.array([row.statistic for row in rows], float) * (-1 if keys.sided == "less" else 1)
    correlation = correlation_of(covariance)
    adjusted, law = single_step(t, correlation, df, two_sided=two_sided)
    if step == "down":
        adjusted = step_down(t, correlation, df, two_sided=two_sided)
        return [replace(row, p_adjusted=float(p)) for row, p in zip(rows, adjusted, strict=True)], law
    c = law.critical(keys.level)
    return [_with_limits(row, float(p), c, keys.sided) for row, p in zip(rows, adjusted, strict=True)], law


def _with_limits(row: Row, p: float, c: float, sided: str) -> Row:
    assert row.estimate is not None
    assert row.std_error is not None
    low, high = row.estimate - c * row.std_error, row.estimate + c * row.std_error
    return replace(
        row,
        p_adjusted=p,
        conf_low_adjusted=None if sided == "less" else low,
        conf_high_adjusted=None if sided == "greater" else high,
    )


def _without_data(context: Context, covariance: Floats) -> Report:
    """Only the critical value, from numbers of persons and a common variance."""
    keys = context.keys(ManyToOneKeys)
    assert keys.n is not None
    df: float | None = float(sum(keys.n) - len(keys.n))
    if keys.df == "normal":
        df = None
    elif isinstance(keys.df, int | float):
        df = float(keys.df)
    if df is not None and df < 1:
        raise Refused("there are no degrees of freedom left", "give larger `n`, or `df`")
    law = max_t(correlation_of(covariance), df, two_sided=keys.sided == "two")
    return Report((), {"critical_value": law.critical(keys.level)})
