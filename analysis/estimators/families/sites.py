"""Many sites: pooling of given estimates, of counts, or of a first stage in each site; moderators of sites."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from analysis.estimators.columns import Column
from analysis.estimators.design_matrix import check_rank
from analysis.estimators.effects import arm_fits, arm_row, ols_design
from analysis.estimators.expressions import ColumnRef, Level, Name, as_list, label
from analysis.estimators.families.tables import Counts, Measure, counts_read_rows
from analysis.estimators.given import Given, Labels, is_listed, labels_of, numbers_of, same_length
from analysis.estimators.inference import chi2_tail, empty_row, estimate_row, f_tail
from analysis.estimators.random_effects import PooledSites
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample
from analysis.estimators.site_pooling import (
    PoolingKeys,
    SiteEstimates,
    heterogeneity_rows,
    pool,
    pooling_rows,
    site_rows,
)


class MetaKeys(PoolingKeys):
    estimate: Given | None = None
    std_error: Given | None = None
    counts: Counts | None = None
    measure: Measure = "risk_difference"
    site: Labels | None = None
    by: Labels | None = None
    n: Given | None = None


Values = Annotated[tuple[float | Level, ...], Field(min_length=1)]


class RegressionKeys(MetaKeys):
    moderators: dict[Name, Values] | Annotated[tuple[ColumnRef | Values, ...], BeforeValidator(as_list)]


class TwoStageKeys(PoolingKeys):
    by: ColumnRef | None = None


def meta_reads_rows(keys: Any) -> bool:
    """Whether the numbers of a pooling, or what goes with them, are columns of the data."""
    if keys.counts is not None:
        return counts_read_rows(keys)
    return not (is_listed(keys.estimate) and is_listed(keys.std_error))


@method(
    "meta_analysis",
    keys=MetaKeys,
    reads_rows=meta_reads_rows,
    nl="De uitkomsten van de plaatsen zijn samengevoegd tot één effect, met hoe ver de plaatsen uiteenlopen.",
    en="The results of the sites are pooled into one effect, with how far the sites lie apart.",
)
def meta_analysis(context: Context) -> Report:
    """Estimates with their standard errors, or counts of two arms, pooled over sites."""
    keys = context.keys(MetaKeys)
    given = _given(context, keys)
    groups = None if keys.by is None else labels_of(context, keys.by, "by", len(given.y))
    rows, weights = pooling_rows(context, keys, "pooled", given, groups)
    return Report((*site_rows(context, "pooled", given), *rows), {"weights": weights})


def _given(context: Context, keys: MetaKeys) -> SiteEstimates:
    if keys.counts is not None:
        if keys.estimate is not None or keys.std_error is not None:
            raise Refused("there are both counts and estimates", "keep one of them")
        return _from_counts(context, keys)
    if keys.estimate is None or keys.std_error is None:
        raise Refused("there is nothing to pool", "give `estimate` and `std_error`, or `counts`")
    parts = {"estimate": keys.estimate, "std_error": keys.std_error} | ({"n": keys.n} if keys.n is not None else {})
    values = {name: numbers_of(context, value, name) for name, value in parts.items()}
    same_length(values)
    y = values["estimate"]
    if meta_reads_rows(keys):
        context.n_used = len(y)
    return SiteEstimates(y, values["std_error"], _site_labels(context, keys, len(y)), values.get("n"))


def _site_labels(context: Context, keys: MetaKeys, count: int) -> tuple[str, ...]:
    named = context.key("site")
    if named is not None and not is_listed(named) and not meta_reads_rows(keys):
        named = None
    return labels_of(context, named, "site", count)


def _from_counts(context: Context, keys: MetaKeys) -> SiteEstimates:
    """Risk differences, or logs of ratios, of 2 x 2 tables; a table with an empty cell gets a half in each."""
    assert keys.counts is not None
    names = ("events", "others", "control events", "control others")
    parts = {name: numbers_of(context, part, name) for name, part in zip(names, keys.counts, strict=True)}
    same_length(parts)
    table = np.column_stack(list(parts.values()))
    if meta_reads_rows(keys):
        context.n_used = len(table)
    n = table.sum(axis=1)
    labels = _site_labels(context, keys, len(n))
    if (table < 0).any() or (table[:, :2].sum(axis=1) == 0).any() or (table[:, 2:].sum(axis=1) == 0).any():
        raise Refused("a count is below 0, or an arm of a site is empty", "mend the counts, or leave the site out")
    empty = (table == 0).any(axis=1)
    if empty.any():
        names_of = listed(label for label, hit in zip(labels, empty, strict=True) if hit)
        context.note(f"a half is added to each count of the sites with an empty cell: {names_of}")
    y, v = _EFFECTS[keys.measure](*(table + 0.5 * empty[:, None]).T)
    return SiteEstimates(y, np.sqrt(v), labels, n, keys.measure != "risk_difference")


def _differences(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    return a / (a + b) - c / (c + d), a * b / (a + b) ** 3 + c * d / (c + d) ** 3


def _risk_ratios(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    return np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def _odds_ratios(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats]:
    return np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d


_EFFECTS = {"risk_difference": _differences, "risk_ratio": _risk_ratios, "odds_ratio": _odds_ratios}


@method(
    "meta_regression",
    keys=RegressionKeys,
    reads_rows=meta_reads_rows,
    nl="Onderzocht is of het effect per plaats samenhangt met kenmerken van de plaats.",
    en="Whether the effect of a site goes with features of the site is examined.",
)
def meta_regression(context: Context) -> Report:
    """Weighted least squares of the estimates on moderators, with the variance between sites that is left."""
    keys = context.keys(RegressionKeys)
    given = _given(context, keys)
    names, X = _moderators(context, keys, len(given.y))
    found = pool(keys, given, X)
    labels: dict[str, Any] = {"n": given.persons}
    rows = [_coefficient(context, found, place, name, labels) for place, name in enumerate(names)]
    rows = [*rows[1:], rows[0]]
    rows += [*heterogeneity_rows(keys, found, "pooled", **labels), _test_of_moderators(found, labels)]
    return Report(tuple(rows), {"weights": dict(zip(given.labels, found.w.tolist(), strict=True))})


def _coefficient(context: Context, found: PooledSites, place: int, name: str, labels: dict[str, Any]) -> Row:
    level, sided = context.analysis.level, context.analysis.sided
    error = float(np.sqrt(found.covariance[place, place]))
    return estimate_row(name, float(found.beta[place]), error, found.df, level=level, sided=sided, **labels)


def _test_of_moderators(found: PooledSites, labels: dict[str, Any]) -> Row:
    """QM: a chi-squared, or an F with hksj."""
    beta, V = found.beta[1:], found.covariance[1:, 1:]
    wald, m = float(beta @ np.linalg.solve(V, beta)), len(beta)
    if found.df is None:
        return Row("pooled", "QM", statistic=wald, df=float(m), p_value=chi2_tail(wald, m), **labels)
    p = f_tail(wald / m, m, found.df)
    return Row("pooled", "QM", statistic=wald / m, df=float(m), df2=found.df, p_value=p, **labels)


def _moderators(context: Context, keys: RegressionKeys, k: int) -> tuple[tuple[str, ...], Floats]:
    """Intercept and moderators: numbers as they are, text as dummies of each level but the first."""
    names, parts = ["intercept"], [np.ones(k)]
    for name, column in _moderator_columns(context, keys):
        if len(column) != k:
            raise Refused(f"the moderator {name!r} has {len(column)} values for {k} sites", "give one for each site")
        if column.missing.any():
            raise Refused(f"the moderator {name!r} has an empty cell", "fill it, or leave the site out by `subset`")
        if column.is_number:
            names.append(name)
            parts.append(column.numbers())
            continue
        levels = column.levels()
        for code in np.unique(levels.codes)[1:]:
            names.append(f"{name}={levels.names[code]}")
            parts.append((levels.codes == code).astype(np.float64))
    X = np.column_stack(parts)
    check_rank(X, tuple(names))
    return tuple(names), X


def _moderator_columns(context: Context, keys: RegressionKeys) -> Iterator[tuple[str, Column]]:
    wanted = keys.moderators
    if isinstance(wanted, dict):
        yield from ((name, _written(name, values)) for name, values in wanted.items())
        return
    inside = np.flatnonzero(context.subset()) if context.table is not None else None
    for place, part in enumerate(wanted, start=1):
        if isinstance(part, tuple):
            yield f"moderator {place}", _written(f"moderator {place}", part)
            continue
        column = context.data.column(part)
        assert inside is not None
        if column.is_number:
            yield label(part), Column(label(part), numbers=column.numbers()[inside])
        else:
            levels = column.levels()
            texts = np.array([*levels.names, None], dtype=object)[levels.codes[inside]]
            yield label(part), Column(label(part), texts=texts)


def _written(name: str, values: tuple[Any, ...]) -> Column:
    if all(isinstance(value, int | float) for value in values):
        return Column(name, numbers=np.array(values, dtype=np.float64))
    return Column(name, texts=np.array([str(value) for value in values], dtype=object))


@method(
    "two_stage_meta",
    keys=TwoStageKeys,
    nl="Eerst is het effect in elke plaats apart geschat; daarna zijn de plaatsen samengevoegd.",
    en="The effect is first estimated in each site by itself; then the sites are pooled.",
)
def two_stage_meta(context: Context) -> Report:
    """Least squares within each site that has the arm and the control, then a pooling for each arm."""
    keys = context.keys(TwoStageKeys)
    if context.key("site") is None:
        raise Refused("the analysis names no site", "add `site: column` to it or to `data`")
    sample = context.sample(site=True)
    rows: list[Row] = []
    details: dict[str, dict[str, Any]] = {"weights": {}, "sites_left_out": {}}
    for name, part in context.outcomes(sample):
        own = {"outcome": context.outcome_label(name)} if context.several else {}
        found = _first_stage(context, part)
        for arm in context.reported_arms(sample):
            rows += _arm_rows(context, keys, part, arm, found, details, own)
    if all(row.estimate is None for row in rows):
        raise Refused(rows[0].note or "no site has both arms", "check `site`, `arm` and `control`")
    return Report(tuple(rows), details)


def _first_stage(context: Context, sample: Sample) -> dict[str, dict[str, Row]]:
    """The row of each arm in each site; sites that cannot be analysed have none."""
    assert sample.site is not None
    found: dict[str, dict[str, Row]] = {}
    for code, site in enumerate(sample.site_names):
        part = sample.take(sample.site == code)
        counts = np.bincount(part.arm, minlength=len(sample.arms))
        if counts[0] == 0 or not counts[1:].any():
            continue
        try:
            fitted = next(arm_fits(context, part, ols_design))
            found[site] = {
                arm: arm_row(context, fitted, arm, n=int(counts[0] + counts[place]), measure="site", site=site)
                for place, arm in enumerate(sample.arms[1:], start=1)
                if counts[place]
            }
        except Refused as refusal:
            context.note(f"the site {site!r} is left out: {refusal}")
    return found


def _arm_rows(
    context: Context,
    keys: TwoStageKeys,
    sample: Sample,
    arm: str,
    found: dict[str, dict[str, Row]],
    details: dict[str, dict[str, Any]],
    own: dict[str, Any],
) -> list[Row]:
    by_site = {site: rows[arm] for site, rows in found.items() if arm in rows}
    usable = {site: row for site, row in by_site.items() if row.std_error is not None}
    names = [sample.site_names[code] for code in np.unique(np.asarray(sample.site))]
    details["sites_left_out"][arm] = [site for site in names if site not in usable]
    if len(usable) < 2:
        why = "no site has" if not usable else "only one site has"
        return [*by_site.values(), empty_row(arm, f"{why} both this arm and the control", measure="pooled", **own)]
    y, se, n = (
        np.array([getattr(row, name) for row in usable.values()], float) for name in ("estimate", "std_error", "n")
    )
    given = SiteEstimates(y, se, tuple(usable), n)
    rows, details["weights"][arm] = pooling_rows(context, keys, arm, given, _groups(sample, keys, tuple(usable)), **own)
    return [*by_site.values(), *rows]


def _groups(sample: Sample, keys: TwoStageKeys, sites: tuple[str, ...]) -> tuple[str, ...] | None:
    """The group of each site, when a column says; Refused when a site is in two."""
    if keys.by is None:
        return None
    levels = sample.levels(keys.by)
    groups = []
    for site in sites:
        codes = np.unique(levels.codes[sample.site == sample.site_names.index(site)])
        if len(codes) != 1 or codes[0] < 0:
            raise Refused(f"the site {site!r} is not in exactly one group of {label(keys.by)!r}", "mend the column")
        groups.append(levels.names[codes[0]])
    return tuple(groups)
