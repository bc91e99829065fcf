"""One-stage pooling over sites: the effect of an arm varies from site to site."""

from typing import Any, ClassVar

import numpy as np

from analysis.estimators.design_matrix import Block, check_rank, combined
from analysis.estimators.effects import covariates_of, without_empty_arms
from analysis.estimators.exits import refuse_unused
from analysis.estimators.expressions import label
from analysis.estimators.inference import estimate_row
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample
from analysis.estimators.site_slopes import SiteSlopes, fit_site_slopes

AT_ZERO = "no variation of the effect between sites is found, so the variance is 0"


class SlopeKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model",)
    DF: ClassVar[tuple[str, ...]] = ("normal",)


@method(
    "mixed_site_slope",
    keys=SlopeKeys,
    nl="Het effect is het gemiddelde over de plaatsen, uit één model waarin het per plaats mag verschillen (REML).",
    en="The effect is the mean over the sites, from one model in which it may differ by site (REML).",
)
def mixed_site_slope(context: Context) -> Report:
    """Fixed effects of the sites (or of `fixed_effects` within them), a random slope for each arm centred by site."""
    if context.key("site") is None:
        raise Refused("the analysis names no site", "add `site: column` to it or to `data`")
    refuse_unused(context, "weights")
    sample = context.sample(site=True, cluster=False)
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    for name, part in context.outcomes(sample):
        part, empty = without_empty_arms(part)
        fit, slopes = _fitted(context, part, name)
        labels: dict[str, Any] = {"outcome": context.outcome_label(name), "n": part.n}
        for arm in arms:
            if arm in empty:
                rows.append(Row(arm, note="no row of this arm has the outcome observed", **labels))
            else:
                rows += _arm_rows(context, slopes.index(arm), arm, fit, labels)
        context.details["sites"] = max(context.details.get("sites", 0), len(set(np.asarray(part.site).tolist())))
    return Report(tuple(rows))


def _fitted(context: Context, sample: Sample, name: str) -> tuple[SiteSlopes, tuple[str, ...]]:
    assert sample.site is not None
    refuse_constant(sample.y, name)
    site = np.unique(sample.site, return_inverse=True)[1]
    counts = np.bincount(site)
    if counts.size < 2:
        raise Refused("all rows used are in one site", "use ols for one site")
    arms = sample.arms[1:]
    dummies = (sample.arm[:, None] == np.arange(1, len(sample.arms))).astype(np.float64)
    means = np.stack([np.bincount(site, column) / counts for column in dummies.T], axis=1)
    z = dummies - means[site]
    X, names = _fixed(context, sample, site)
    check_rank(np.hstack([X, z]), (*names, *(f"arm {arm}" for arm in arms)))
    return fit_site_slopes(sample.y, z, X, site), arms


def _fixed(context: Context, sample: Sample, site: Any) -> tuple[Floats, tuple[str, ...]]:
    """Intercept, dummies of the sites unless a fixed effect of the plan holds the site, and the covariates."""
    blocks = covariates_of(context, sample)
    own = label(context.key("site"))
    if not any(own in [label(ref) for ref in effect] for effect in context.analysis.fixed_effects):
        codes = np.arange(1, int(site.max()) + 1)
        names = tuple(f"{own}={sample.site_names[np.asarray(sample.site)[site == code][0]]}" for code in codes)
        blocks = [Block(names, (site[:, None] == codes).astype(np.float64)), *blocks]
    whole = combined([Block(("intercept",), np.ones((sample.n, 1))), *blocks])
    return whole.X, whole.names


def _arm_rows(context: Context, place: int, arm: str, fit: SiteSlopes, labels: dict[str, Any]) -> tuple[Row, Row]:
    analysis = context.analysis
    error = float(np.sqrt(fit.covariance[place, place]))
    estimate = float(fit.estimate[place])
    effect = estimate_row(arm, estimate, error, None, level=analysis.level, sided=analysis.sided, **labels)
    between = float(fit.between[place])
    tau2 = Row(arm, "tau2", estimate=between, note=AT_ZERO if between < 1e-12 * fit.within else None, **labels)
    return effect, tau2
