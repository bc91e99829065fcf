"""Tables of counts: Mantel-Haenszel over strata, chi-squared and Fisher's exact test."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from analysis.estimators.columns import Levels
from analysis.estimators.exact import fisher_p
from analysis.estimators.expressions import ColumnRef, Name, as_list, label
from analysis.estimators.inference import empty_row, estimate_row, joint_chi2
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, listed, refuse_not_binary
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample

Measure = Literal["risk_difference", "risk_ratio", "odds_ratio"]
Counts = Annotated[tuple[Name | tuple[float, ...], ...], Field(min_length=4, max_length=4)]


class MantelHaenszelKeys(AnalysisKeys):
    measure: Measure = "risk_difference"
    counts: Counts | None = None
    site: ColumnRef | Annotated[tuple[Name, ...], BeforeValidator(as_list)] | None = None


class ChiSquareKeys(AnalysisKeys):
    continuity: bool = False


def counts_read_rows(keys: Any) -> bool:
    """Whether counts are columns of the data (or there are none) and not lists of numbers."""
    return keys.counts is None or any(isinstance(part, str) for part in keys.counts)


@method(
    "mantel_haenszel",
    keys=MantelHaenszelKeys,
    reads_rows=counts_read_rows,
    nl="Binnen elk stratum zijn de groepen vergeleken; de strata zijn samengevoegd volgens Mantel en Haenszel.",
    en="The arms are compared within each stratum; the strata are pooled after Mantel and Haenszel.",
)
def mantel_haenszel(context: Context) -> Report:
    """Mantel-Haenszel risk difference (Sato), risk ratio (Greenland-Robins) or odds ratio (RBG)."""
    keys = context.keys(MantelHaenszelKeys)
    if keys.counts is not None:
        table = counts_table(context, keys.counts)
        return Report((_mh_row(context, "pooled", table, n=int(table.sum())),))
    sample = context.sample(strata=True, covariates=False, cluster=False)
    context.rows_independent()
    if sample.strata is None:
        raise Refused("the analysis names no strata", "add `strata: column` to it or to `data`")
    rows = []
    for name, part in context.outcomes(sample):
        for arm in context.reported_arms(sample):
            pair, outcome = part.pair(arm), context.outcome_label(name)
            rows.append(_mh_row(context, arm, _strata_table(pair, name), outcome=outcome, n=pair.n))
    if all(row.estimate is None for row in rows):
        raise Refused(rows[0].note or "no stratum has both arms", "use other strata")
    return Report(tuple(rows))


def counts_table(context: Context, counts: Any) -> Floats:
    """Counts of lists, or of columns of the data with one row a stratum: (strata x 4)."""
    parts = [
        context.data.column(part).numbers() if isinstance(part, str) else np.asarray(part, float) for part in counts
    ]
    if len({len(part) for part in parts}) > 1:
        raise Refused("the four lists of counts differ in length", "give one number for each stratum in each")
    table = np.column_stack(parts)
    if np.isnan(table).any() or (table < 0).any():
        raise Refused("a count is missing or below 0", "give whole numbers")
    return table


def _strata_table(pair: Sample, name: str) -> Floats:
    """Events and others of the arm and of the control, a row a stratum that has both arms."""
    refuse_not_binary(pair.y, name)
    rows = []
    for stratum in np.unique(np.asarray(pair.strata)):
        inside = pair.strata == stratum
        high, low = (pair.y[inside & (pair.arm == code)] for code in (1, 0))
        if len(high) and len(low):
            rows.append([high.sum(), (1 - high).sum(), low.sum(), (1 - low).sum()])
    return np.array(rows, float).reshape(-1, 4)


def _mh_row(context: Context, term: str, table: Floats, **labels: Any) -> Row:
    measure = context.keys(MantelHaenszelKeys).measure
    if len(table) == 0:
        return empty_row(term, "no stratum has both arms", **labels)
    try:
        estimate, variance = MH[measure](table)
    except ZeroDivisionError:
        return empty_row(term, "there are no events in one of the arms, so the ratio does not exist", **labels)
    level, sided = context.analysis.level, context.analysis.sided
    ratio = measure != "risk_difference"
    return estimate_row(term, estimate, variance**0.5, None, level=level, sided=sided, ratio=ratio, **labels)


def _mh_difference(table: Floats) -> tuple[float, float]:
    a, b, c, d = table.T
    n1, n0, N = a + b, c + d, table.sum(axis=1)
    weight = (n1 * n0 / N).sum()
    estimate = float(((a * n0 - c * n1) / N).sum() / weight)
    P = (c * (n1 / N) ** 2 - a * (n0 / N) ** 2 + (n1 / N) * (n0 / N) * (n0 - n1) / 2).sum()
    Q = (a * d / N + c * b / N).sum() / 2
    return estimate, float((estimate * P + Q) / weight**2)


def _mh_risk_ratio(table: Floats) -> tuple[float, float]:
    a, b, c, d = table.T
    n1, n0, N = a + b, c + d, table.sum(axis=1)
    R, S = float((a * n0 / N).sum()), float((c * n1 / N).sum())
    if R == 0 or S == 0:
        raise ZeroDivisionError
    P = ((n1 * n0 * (a + c) / N - a * c) / N).sum()
    return float(np.log(R / S)), float(P / (R * S))


def _mh_odds_ratio(table: Floats) -> tuple[float, float]:
    a, b, c, d = table.T
    N = table.sum(axis=1)
    R, S, P, Q = a * d / N, b * c / N, (a + d) / N, (b + c) / N
    r, s = float(R.sum()), float(S.sum())
    if r == 0 or s == 0:
        raise ZeroDivisionError
    variance = (P * R).sum() / r**2 + (P * S + Q * R).sum() / (r * s) + (Q * S).sum() / s**2
    return float(np.log(r / s)), float(variance / 2)


MH = {"risk_difference": _mh_difference, "risk_ratio": _mh_risk_ratio, "odds_ratio": _mh_odds_ratio}


@method(
    "chi_square",
    keys=ChiSquareKeys,
    nl="De toets vraagt of de verdeling over de categorieën in alle groepen gelijk is.",
    en="The test asks whether the distribution over the categories is the same in all arms.",
)
def chi_square(context: Context) -> Report:
    """Pearson's chi-squared test of the table of arms by categories."""
    rows, details = [], {}
    for name, table, counts in _tables(context):
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        gap = np.abs(table - expected)
        if context.keys(ChiSquareKeys).continuity and table.shape == (2, 2):
            gap = gap - min(0.5, gap.min())
        if (expected < 5).any():
            context.note("some expected counts are below 5: `fisher_exact` is safer")
        df = (table.shape[0] - 1) * (table.shape[1] - 1)
        rows.append(joint_chi2((gap**2 / expected).sum(), df, n=int(table.sum()), outcome=context.outcome_label(name)))
        details[name] = counts
    return Report(tuple(rows), {"counts": details if context.several else next(iter(details.values()))})


@method(
    "fisher_exact",
    nl="De toets telt alle tabellen met dezelfde totalen die niet waarschijnlijker zijn dan de gevonden tabel.",
    en="The test counts all tables with the same totals that are as unlikely as the one found, or more so.",
)
def fisher_exact(context: Context) -> Report:
    """Fisher's exact test of arms by categories (Freeman-Halton for more than two)."""
    rows, details = [], {}
    for name, table, counts in _tables(context):
        p = fisher_p(table.astype(int))
        rows.append(Row("joint", n=int(table.sum()), p_value=p, outcome=context.outcome_label(name)))
        details[name] = counts
    return Report(tuple(rows), {"counts": details if context.several else next(iter(details.values()))})


def _tables(context: Context) -> list[tuple[str, Floats, dict[str, dict[str, int]]]]:
    """For each outcome the table (arms x categories found) and the same in words."""
    found = []
    refs = context.outcome_refs()
    for ref in refs:
        needed = [ref] if len(refs) == 1 else []
        sample = context.sample(outcomes=[], extra=needed, control=False, covariates=False, cluster=False)
        context.rows_independent()
        levels = sample.levels(ref)
        found.append((label(ref), *_table(sample, levels, label(ref))))
    return found


def _table(sample: Sample, levels: Levels, name: str) -> tuple[Floats, dict[str, dict[str, int]]]:
    seen = levels.codes >= 0
    whole = np.zeros((len(sample.arms), len(levels.names)))
    np.add.at(whole, (sample.arm[seen], levels.codes[seen]), 1)
    keep = whole.sum(axis=0) > 0
    names = [text for text, kept in zip(levels.names, keep, strict=True) if kept]
    table = whole[:, keep]
    empty = [arm for arm, count in zip(sample.arms, table.sum(axis=1), strict=True) if not count]
    if empty:
        raise Refused(f"no row of {listed(empty)} has {name!r} observed", "leave the arm out by `subset`")
    if table.shape[0] < 2 or table.shape[1] < 2:
        what = "the arm" if table.shape[0] < 2 else f"the outcome {name!r}"
        raise Refused(f"{what} has one value in all rows used", "choose a column that varies, or widen the subset")
    lines = zip(sample.arms, table.astype(int).tolist(), strict=True)
    counts = {arm: dict(zip(names, line, strict=True)) for arm, line in lines}
    return table, counts
