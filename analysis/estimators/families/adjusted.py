"""Effects adjusted for covariates and fixed effects, and tests on the arms together."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from analysis.estimators.design_matrix import Block, Design, arm_dummies, assemble
from analysis.estimators.effects import (
    ArmFit,
    Build,
    Floats,
    arm_fits,
    arm_row,
    contrast_row,
    covariates_of,
    joint_of,
    lin_design,
    merged,
    ols_design,
    term_rows,
)
from analysis.estimators.expressions import ColumnRef, label
from analysis.estimators.inference import empty_row, joint_f
from analysis.estimators.linear_model import unit
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Joint, Report, Row
from analysis.estimators.sample import Sample

FEW = 20


class ChangeKeys(AnalysisKeys):
    baseline: ColumnRef


class InteractionKeys(AnalysisKeys):
    modifier: ColumnRef
    modifier_as: Literal["groups", "number"] = "groups"


@method(
    "ols",
    nl="Het effect komt uit een lineaire regressie met de groepen en de genoemde kenmerken.",
    en="The effect comes from a linear regression on the arms and the covariates named.",
)
def ols(context: Context) -> Report:
    """All arms in one least-squares fit with covariates and fixed effects."""
    return regression(context, context.sample(), ols_design)


@method(
    "lin",
    nl="Het effect komt uit een lineaire regressie waarin elk kenmerk per groep een eigen helling heeft (Lin 2013).",
    en="The effect comes from a linear regression in which each covariate has its own slope in each arm (Lin 2013).",
)
def lin(context: Context) -> Report:
    """Regression with centred covariates and their products with each arm (Lin 2013)."""
    return regression(context, context.sample(), lin_design)


@method(
    "change_score",
    keys=ChangeKeys,
    nl="Het effect is het verschil in verandering sinds de beginmeting tussen de groep en de controlegroep.",
    en="The effect is the difference in change since the baseline between the arm and the control arm.",
)
def change_score(context: Context) -> Report:
    """Outcome minus baseline on the arms: difference-in-differences of two waves."""
    keys = context.keys(ChangeKeys)
    sample = context.sample(extra=[keys.baseline])
    baseline = sample.values(keys.baseline)
    sample = replace(sample, outcomes={name: values - baseline for name, values in sample.outcomes.items()})
    report = regression(context, sample, ols_design)
    return replace(report, details={})


def regression(context: Context, sample: Sample, build: Build) -> Report:
    """Rows of the arms, then of the terms, for each outcome."""
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    r2: dict[str, float] = {}
    joints: list[tuple[int, Joint | None]] = []
    for fitted in arm_fits(context, sample, build):
        own = [arm_row(context, fitted, arm) for arm in arms]
        joints.append((len(rows), joint_of(context, own, fitted)))
        rows += own + term_rows(context, fitted)
        r2[fitted.outcome] = fitted.fit.r2
    return Report(tuple(rows), {"r2": r2 if context.several else next(iter(r2.values()))}, joint=merged(joints))


@method(
    "marginal_means",
    nl="Per groep staat het gemiddelde dat het model verwacht als de kenmerken in elke groep gelijk zouden zijn.",
    en="For each arm the mean is shown that the model expects if the covariates were the same in every arm.",
)
def marginal_means(context: Context) -> Report:
    """Expected outcome of each arm with covariates at their means (weighted where there are weights)."""
    sample = context.sample()
    rows = [_mean_row(context, f, arm) for f in arm_fits(context, sample, ols_design) for arm in sample.arms]
    return Report(tuple(rows))


def _mean_row(context: Context, fitted: ArmFit, arm: str) -> Row:
    labels: dict[str, Any] = {"outcome": context.outcome_label(fitted.outcome)}
    if arm in fitted.empty:
        return empty_row(arm, "no row of this arm has the outcome observed", n=0, **labels)
    c = np.average(fitted.fit.model.X, axis=0, weights=fitted.sample.weights)
    c[list(fitted.design.arm_columns)] = 0.0
    place = fitted.sample.arms.index(arm)
    if place:
        c[fitted.design.arm_columns[place - 1]] = 1.0
    return contrast_row(context, fitted, arm, c, n=int((fitted.sample.arm == place).sum()), **labels)


@method(
    "joint_test",
    nl="De toets vraagt of de groepen onderling verschillen, alle groepen samen.",
    en="The test asks whether the arms differ at all, all arms together.",
)
def joint_test(context: Context) -> Report:
    """F test that no arm differs from the control."""
    rows = []
    for fitted in arm_fits(context, context.sample(), ols_design):
        _need_all(fitted)
        rows.append(_joint_row(context, fitted, list(fitted.design.arm_columns)))
    return Report(tuple(rows))


def _need_all(fitted: ArmFit) -> None:
    if fitted.without:
        arm, why = next(iter(fitted.without.items()))
        raise Refused(f"the arm {arm!r} cannot be tested: {why}", "leave it out by `subset`")


def _joint_row(context: Context, fitted: ArmFit, places: list[int]) -> Row:
    C = np.eye(fitted.fit.model.k)[places]
    F, df, df2 = fitted.fit.joint(C)
    return joint_f(F, df, df2, n=fitted.sample.n, outcome=context.outcome_label(fitted.outcome))


@method(
    "interaction_test",
    keys=InteractionKeys,
    nl="De toets vraagt of het effect verschilt tussen subgroepen; het verschil telt, niet elke subgroep apart.",
    en="The test asks whether the effect differs between subgroups; the difference counts, not each by itself.",
)
def interaction_test(context: Context) -> Report:
    """Products of arms and a modifier: their coefficients, the effect in each subgroup, and a joint test."""
    keys = context.keys(InteractionKeys)
    sample = context.sample()
    present = ~sample.table.column(keys.modifier).missing[sample.rows]
    sample = sample.take(present)
    context.recount(sample, "covariate_missing", label(keys.modifier))
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    for fitted in arm_fits(context, sample, _interaction_design):
        _need_all(fitted)
        groups = _groups(context, fitted)
        for arm in arms:
            rows += _interaction_rows(context, fitted, arm, groups)
        products = [i for i, name in enumerate(fitted.design.names) if " x " in name and name.startswith("arm ")]
        rows.append(_joint_row(context, fitted, products))
    return Report(tuple(rows))


def _modifier(context: Context, sample: Sample) -> Block:
    keys = context.keys(InteractionKeys)
    name = label(keys.modifier)
    if keys.modifier_as == "number":
        return Block((name,), sample.values(keys.modifier)[:, None])
    levels = sample.levels(keys.modifier)
    found = np.unique(levels.codes)
    if len(found) < 2:
        raise Refused(f"the modifier {name!r} has one level in the rows used", "choose a modifier that varies")
    X = (levels.codes[:, None] == found[None, 1:]).astype(np.float64)
    return Block(tuple(f"{name}={levels.names[code]}" for code in found[1:]), X)


def _interaction_design(context: Context, sample: Sample) -> Design:
    modifier, arms = _modifier(context, sample), arm_dummies(sample)
    blocks = [modifier]
    for name, column in zip(arms.names, arms.X.T, strict=True):
        blocks.append(Block(tuple(f"{name} x {other}" for other in modifier.names), modifier.X * column[:, None]))
    return assemble(sample, blocks + covariates_of(context, sample))


def _groups(context: Context, fitted: ArmFit) -> list[tuple[dict[str, Any], Floats, int]]:
    """Subgroups or quartiles: labels of the row, values of the modifier's columns (m), persons."""
    keys, sample = context.keys(InteractionKeys), fitted.sample
    if keys.modifier_as == "number":
        points = np.quantile(sample.values(keys.modifier), [0.25, 0.5, 0.75])
        return [({"at": float(point)}, np.array([point]), sample.n) for point in points]
    levels = sample.levels(keys.modifier)
    found = np.unique(levels.codes)
    groups = []
    for place, code in enumerate(found):
        inside = levels.codes == code
        smallest = min(int((sample.arm[inside] == arm).sum()) for arm in range(len(sample.arms)))
        if smallest < FEW:
            context.note(f"the subgroup {levels.names[code]!r} has only {smallest} persons in one of the arms")
        values = np.eye(len(found))[place, 1:]
        groups.append(({"subgroup": levels.names[code]}, values, int(inside.sum())))
    return groups


def _interaction_rows(
    context: Context, fitted: ArmFit, arm: str, groups: list[tuple[dict[str, Any], Floats, int]]
) -> list[Row]:
    outcome = context.outcome_label(fitted.outcome)
    if arm in fitted.empty:
        note = "no row of this arm has the outcome observed"
        return [empty_row(arm, note, measure=m, outcome=outcome, n=0) for m in ("interaction", "effect")]
    k = fitted.fit.model.k
    prefix = f"arm {arm} x "
    places = [i for i, name in enumerate(fitted.design.names) if name.startswith(prefix)]
    numeric = context.keys(InteractionKeys).modifier_as == "number"
    subgroups = [None] if numeric else [labels["subgroup"] for labels, _, _ in groups[1:]]
    rows = []
    for place, group in zip(places, subgroups, strict=True):
        marks: dict[str, Any] = {"measure": "interaction", "subgroup": group, "outcome": outcome, "n": fitted.sample.n}
        rows.append(contrast_row(context, fitted, arm, unit(k, place), **marks))
    for labels, values, n in groups:
        c = fitted.arm_contrast(arm)
        c[places] = values
        rows.append(contrast_row(context, fitted, arm, c, measure="effect", outcome=outcome, n=n, **labels))
    return rows
