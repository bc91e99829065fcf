"""A register followed month by month: effects at each month, their sum, and a band that holds for all together."""

from dataclasses import replace
from typing import Any

import numpy as np

from analysis.estimators.bands import sup_t
from analysis.estimators.effects import ArmFit, arm_fits, arm_row, ols_design
from analysis.estimators.inference import empty_row, estimate_row, t_quantile
from analysis.estimators.refusals import Refused, varies
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample

SAME = "the outcome has the same value in all rows of this month, so no error exists"


@method(
    "monthly_itt",
    nl="Het effect is het verschil per maand; de brede band geldt voor alle maanden tegelijk (sup-t).",
    en="The effect is the difference in each month; the wide band holds for all months at once (sup-t).",
)
def monthly_itt(context: Context) -> Report:
    """Least squares in each month, the sum of the months, and the sup-t band over the months of each arm."""
    sample = context.sample()
    arms = context.reported_arms(sample)
    varying = {name: values for name, values in sample.outcomes.items() if varies(values)}
    if not varying:
        raise Refused("the outcome has one value in every month", "choose outcomes that vary")
    fits = {fit.outcome: fit for fit in arm_fits(context, replace(sample, outcomes=varying), ols_design)}
    rows: list[Row] = []
    values: dict[str, float | None] = {}
    for arm in arms:
        own, values[arm] = _arm_rows(context, sample, fits, arm)
        rows += own
    alpha = (1 - context.analysis.level) / (2 * len(sample.outcomes))
    found = {"critical_value": values, "bonferroni_value": t_quantile(1 - alpha, None)}
    return Report(tuple(rows), found | _occupancy(sample))


def _arm_rows(context: Context, sample: Sample, fits: dict[str, ArmFit], arm: str) -> tuple[list[Row], float | None]:
    """The rows of an arm in order of time, then their sum; the critical value of the band."""
    scores = {name: _scores(fit, sample, arm) for name, fit in fits.items() if arm not in fit.empty}
    scores = {name: score for name, score in scores.items() if arm not in fits[name].without}
    band = _critical_value(np.array(list(scores.values())), context.analysis.level) if scores else None
    rows = []
    for wave, name in enumerate(sample.outcomes, start=1):
        if name in fits:
            row = arm_row(context, fits[name], arm, wave=wave, outcome=name)
            rows.append(_banded(row, band) if context.analysis.sided == "two" else row)
        else:
            rows.append(_constant_row(sample, arm, name, wave))
    return [*rows, _sum_row(context, sample, fits, arm, rows, scores)], band


def _constant_row(sample: Sample, arm: str, name: str, wave: int) -> Row:
    n = int((~np.isnan(sample.outcomes[name])).sum())
    if n == 0:
        return empty_row(arm, "nobody has a value in this month", outcome=name, wave=wave, n=0)
    return empty_row(arm, SAME, outcome=name, wave=wave, n=n, estimate=0.0)


def _scores(fit: ArmFit, sample: Sample, arm: str) -> Floats:
    """What each row of the sample, or each cluster, adds to the estimate of an arm; its squares sum to the variance."""
    model = fit.fit.model
    own = fit.fit.scores @ fit.arm_contrast(arm)
    if model.se.startswith("CR"):
        assert fit.sample.cluster is not None
        assert sample.cluster is not None
        whole = np.zeros(int(sample.cluster.max()) + 1)
        whole[fit.sample.cluster[model.clusters.order[model.clusters.starts]]] = own
        return whole
    whole = np.zeros(sample.n)
    whole[np.searchsorted(sample.rows, fit.sample.rows)] = own
    return whole


def _critical_value(scores: Floats, level: float) -> float | None:
    """Half the width of the band in standard errors, from the correlation of the months."""
    covariance = scores @ scores.T
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all():
        return None
    return sup_t(covariance / np.outer(scale, scale), level)


def _banded(row: Row, band: float | None) -> Row:
    if band is None or row.estimate is None or row.std_error is None:
        return row
    reach = band * row.std_error
    return replace(row, conf_low_adjusted=row.estimate - reach, conf_high_adjusted=row.estimate + reach)


def _sum_row(
    context: Context,
    sample: Sample,
    fits: dict[str, ArmFit],
    arm: str,
    rows: list[Row],
    scores: dict[str, Floats],
) -> Row:
    """The sum of the monthly effects: exactly the effect on the summed outcome where nobody misses a month."""
    labels: dict[str, Any] = {"wave": "sum", "n": sample.n}
    if len(scores) < len(fits) or any(row.estimate is None for row in rows):
        return empty_row(arm, "a month has no effect for this arm", **labels)
    total = np.sum(list(scores.values()), axis=0)
    known = [row.df for row in rows if row.df is not None]
    analysis = context.analysis
    return estimate_row(
        arm,
        float(sum(row.estimate or 0.0 for row in rows)),
        float(np.sqrt(total @ total)),
        min(known) if known else None,
        level=analysis.level,
        sided=analysis.sided,
        **labels,
    )


def _occupancy(sample: Sample) -> dict[str, Any]:
    """Means by month, who was ever in the state, and who lost it again, by arm."""
    Y = np.column_stack(list(sample.outcomes.values()))
    state = np.where(np.isnan(Y), np.nan, Y > 0)
    been = np.cumsum(np.nan_to_num(state), axis=1) > 0
    lost = (been[:, :-1] & (state[:, 1:] == 0)).any(axis=1)
    groups = {arm: sample.arm == code for code, arm in enumerate(sample.arms)}
    return {
        "means": {arm: _month_means(Y[rows]) for arm, rows in groups.items()},
        "ever": {arm: float(been[rows, -1].mean()) if rows.any() else None for arm, rows in groups.items()},
        "returned": {arm: int(lost[rows].sum()) for arm, rows in groups.items()},
    }


def _month_means(Y: Floats) -> list[float | None]:
    seen = ~np.isnan(Y)
    return [float(column[ok].mean()) if ok.any() else None for column, ok in zip(Y.T, seen.T, strict=True)]
