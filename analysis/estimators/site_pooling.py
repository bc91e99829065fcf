"""The rows of a pooling over sites: each site, the pooled effect, its prediction, and the heterogeneity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.estimators.inference import chi2_tail, empty_row, estimate_row, limits
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.random_effects import PooledSites, Sites, dersimonian_laird, pool_sites, q_profile
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.results import Row
from analysis.estimators.sample import Floats

FEW = 10
FIXED = ("FE", "persons")


class PoolingKeys(AnalysisKeys):
    pooling: Literal["FE", "DL", "PM", "REML", "ML", "HE", "SJ", "persons"] = "REML"
    interval: Literal["normal", "hksj"] = "normal"
    floor: bool = False


@dataclass(frozen=True)
class SiteEstimates:
    """Estimates and standard errors of the sites, their labels, persons (where known), and whether they are logs."""

    y: Floats
    se: Floats
    labels: tuple[str, ...]
    n: Floats | None = None
    ratio: bool = False

    def __post_init__(self) -> None:
        bad = np.flatnonzero(~np.isfinite(self.y) | ~np.isfinite(self.se) | (self.se <= 0))
        if len(bad):
            where = f"the site {self.labels[bad[0]]!r}"
            raise Refused(f"{where} has no estimate with a standard error above 0", "mend it, or leave it out")
        twice = [label for place, label in enumerate(self.labels) if label in self.labels[:place]]
        if twice:
            raise Refused(f"two sites are called {twice[0]!r}", "give each its own label")

    def part(self, keep: np.ndarray) -> "SiteEstimates":
        places = np.flatnonzero(keep)
        labels = tuple(self.labels[place] for place in places)
        n = None if self.n is None else self.n[places]
        return SiteEstimates(self.y[places], self.se[places], labels, n, self.ratio)

    @property
    def persons(self) -> int | None:
        return None if self.n is None else int(self.n.sum())


def pool(keys: PoolingKeys, given: SiteEstimates, X: Floats | None = None) -> PooledSites:
    """The pooling that the keys ask for; X (k x p) where moderators play a part."""
    if len(given.y) < 2:
        raise Refused("one site cannot be pooled", "give at least two sites")
    n = None
    if keys.pooling == "persons":
        if given.n is None:
            raise Refused("`pooling: persons` needs the persons of each site", "give `n`, or counts")
        n = given.n
    design = np.ones((len(given.y), 1)) if X is None else X
    return pool_sites(
        Sites(given.y, given.se**2, design), keys.pooling, hksj=keys.interval == "hksj", floor=keys.floor, n=n
    )


def pooling_rows(
    context: Context, keys: PoolingKeys, term: str, given: SiteEstimates, groups: Sequence[str] | None, **labels: Any
) -> tuple[list[Row], dict[str, float]]:
    """The rows of a pooling without those of the sites, and the weight of each site."""
    found = pool(keys, given)
    labels = {"n": given.persons} | labels
    rows = [
        _pooled_row(context, found, term, given, measure="pooled", **labels),
        _prediction_row(context, found, term, given, **labels),
        *heterogeneity_rows(keys, found, term, **labels),
    ]
    if groups is not None:
        rows += _between_rows(context, keys, term, given, np.array(groups, dtype=object), **labels)
    if len(given.y) < FEW and keys.interval == "normal" and keys.pooling not in FIXED:
        context.note(
            f"{len(given.y)} sites are few: normal limits are then too narrow, `interval: hksj` is the safer choice"
        )
    return rows, dict(zip(given.labels, found.w.tolist(), strict=True))


def site_rows(context: Context, term: str, given: SiteEstimates, **labels: Any) -> list[Row]:
    """One row a site, with normal limits."""
    level, sided = context.analysis.level, context.analysis.sided
    counts = [None] * len(given.y) if given.n is None else [int(n) for n in given.n]
    return [
        estimate_row(
            term,
            float(y),
            float(se),
            None,
            level=level,
            sided=sided,
            ratio=given.ratio,
            measure="site",
            site=label,
            **{"n": n} | labels,
        )
        for y, se, label, n in zip(given.y, given.se, given.labels, counts, strict=True)
    ]


def _pooled_row(context: Context, found: PooledSites, term: str, given: SiteEstimates, **labels: Any) -> Row:
    return estimate_row(
        term,
        float(found.beta[0]),
        float(np.sqrt(found.covariance[0, 0])),
        found.df,
        level=context.analysis.level,
        sided=context.analysis.sided,
        ratio=given.ratio,
        **labels,
    )


def _prediction_row(context: Context, found: PooledSites, term: str, given: SiteEstimates, **labels: Any) -> Row:
    """Where the effect of a further site is expected."""
    keys = context.keys(PoolingKeys)
    if keys.pooling in FIXED:
        return empty_row(
            term, f"`pooling: {keys.pooling}` says nothing about other sites", measure="prediction", **labels
        )
    estimate, spread = float(found.beta[0]), float(np.sqrt(found.tau2 + found.covariance[0, 0]))
    low, high = limits(estimate, spread, found.df, keys.level, "two")
    assert low is not None
    assert high is not None
    powers: dict[str, Any] = {}
    if given.ratio:
        powers = dict(zip(("ratio", "ratio_low", "ratio_high"), np.exp([estimate, low, high]).tolist(), strict=True))
    return Row(term, "prediction", estimate=estimate, conf_low=low, conf_high=high, **labels, **powers)


def heterogeneity_rows(keys: PoolingKeys, found: PooledSites, term: str, **labels: Any) -> list[Row]:
    """The variance between sites with Q-profile limits, I2 in percent, and Q."""
    low, high = q_profile(found.sites, keys.level)
    fixed = keys.pooling in FIXED
    note = f"`pooling: {keys.pooling}` takes it as 0" if fixed else None
    if high == 0:
        note = note or "the estimates differ less than their standard errors lead to expect"
    tau2 = Row(term, "tau2", estimate=found.tau2, conf_low=low, conf_high=high, note=note, **labels)
    moment = dersimonian_laird(found.sites) if fixed else found.tau2
    shares: dict[str, Any] = {"conf_low": found.share(low), "conf_high": found.share(high)}
    i2 = Row(term, "I2", estimate=found.share(moment), note="from Q" if fixed else None, **shares, **labels)
    q, df, p = found.heterogeneity
    return [tau2, i2, Row(term, "Q", statistic=q, df=float(df), p_value=p, **labels)]


def _between_rows(
    context: Context, keys: PoolingKeys, term: str, given: SiteEstimates, groups: np.ndarray, **labels: Any
) -> list[Row]:
    """The pooled effect of each group of sites by itself, and the test that the groups do not differ."""
    rows, means, variances = [], [], []
    for group in sorted(set(groups)):
        part = given.part(groups == group)
        own: dict[str, Any] = {"measure": "pooled", "subgroup": group} | labels | {"n": part.persons}
        if len(part.y) == 1:
            mean, variance = float(part.y[0]), float(part.se[0] ** 2)
            row = site_rows(context, term, part, **own)[0]
            rows.append(row)
        else:
            found = pool(keys, part)
            mean, variance = float(found.beta[0]), float(found.covariance[0, 0])
            rows.append(_pooled_row(context, found, term, part, **own))
        means.append(mean)
        variances.append(variance)
    if len(means) < 2:
        raise Refused("all sites are in one group of `by`", "leave `by` out")
    w = 1 / np.array(variances)
    centre = np.average(means, weights=w)
    q, df = float((w * (np.array(means) - centre) ** 2).sum()), len(means) - 1
    return [*rows, Row(term, "Q_between", statistic=q, df=float(df), p_value=chi2_tail(q, df), **labels)]
