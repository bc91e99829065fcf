"""Reliability of questionnaire scales."""

from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, model_validator

from analysis.estimators.expressions import ColumnList, Name, as_list
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, label_outcomes
from analysis.estimators.scale_reliability import Items, one_factor
from analysis.estimators.tables import listed_columns


class ScaleKeys(AnalysisKeys):
    items: ColumnList
    reverse: Annotated[tuple[Name, ...], BeforeValidator(as_list)] = ()
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _rising(self) -> "ScaleKeys":
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("has a `range` that is empty -> put the lowest value first")
        return self


@method(
    "cronbach_alpha",
    keys=ScaleKeys,
    nl="Berekend is hoe goed de vragen van de schaal bij elkaar passen (Cronbachs alfa).",
    en="How well the questions of the scale belong together is computed (Cronbach's alpha).",
)
def cronbach_alpha(context: Context) -> Report:
    """Alpha with Feldt's limits, on the rows that answered every item, arms together."""
    keys, items = context.keys(ScaleKeys), _items(context)
    n = len(items.x)
    low, high = items.feldt(keys.level)
    rows = (
        Row("alpha", "alpha", n=n, estimate=items.alpha, conf_low=low, conf_high=high),
        Row("alpha_standardised", "alpha_standardised", n=n, estimate=items.alpha_standardised),
        *_item_rows(context, items),
    )
    return Report(rows, {"average_inter_item_r": items.average_r, "items": items.k})


@method(
    "omega",
    keys=ScaleKeys,
    nl="Berekend is welk deel van de verschillen op de schaal van één onderliggend kenmerk komt (omega).",
    en="The share of the differences on the scale that comes from one underlying trait is computed (omega).",
)
def omega(context: Context) -> Report:
    """Omega total of one factor by maximum likelihood, in the metric of the covariances and of the correlations."""
    items = _items(context)
    if items.k < 3:
        raise Refused("one factor needs at least three items", "use cronbach_alpha")
    factor, n = one_factor(items), len(items.x)
    sd = np.sqrt(np.diag(items.covariance))
    rows = (
        Row("omega", "omega", n=n, estimate=factor.omega(sd)),
        Row("omega_standardised", "omega_standardised", n=n, estimate=factor.omega(np.ones(items.k))),
        *_item_rows(context, items),
    )
    loadings = dict(zip(items.names, factor.loadings.tolist(), strict=True))
    return Report(rows, {"average_inter_item_r": items.average_r, "items": items.k, "loadings": loadings})


def _items(context: Context) -> Items:
    """The answers of those who answered every item, reversed where asked."""
    keys = context.keys(ScaleKeys)
    refs = listed_columns(keys.items, context.data)
    names = label_outcomes(refs)
    unknown = [name for name in keys.reverse if name not in names]
    if unknown:
        raise Refused(f"{unknown[0]!r} is reversed and is not among the items", "check its spelling")
    if len(refs) < 2:
        raise Refused("a scale needs at least two items", "name more items")
    sample = context.sample(outcomes=(), extra=refs, arms=False, cluster=False, covariates=False)
    if sample.n < 3:
        raise Refused(f"{sample.n} rows answered every item", "use more rows, or fewer items")
    columns = [_answers(keys, name, sample.values(ref)) for name, ref in zip(names, refs, strict=True)]
    return Items(tuple(names), np.column_stack(columns))


def _answers(keys: ScaleKeys, name: str, values: Floats) -> Floats:
    if np.ptp(values) == 0:
        raise Refused(f"every row gave the same answer ({values[0]:g}) to the item {name!r}", "leave it out")
    if keys.range is not None:
        low, high = keys.range
        outside = values[(values < low) | (values > high)]
        if len(outside):
            raise Refused(
                f"the item {name!r} has the value {outside[0]:g}, outside its range {low:g} to {high:g}",
                "mend the value or leave the cell empty",
            )
    return sum(keys.range or (0.0, 0.0)) - values if name in keys.reverse else values


def _item_rows(context: Context, items: Items) -> list[Row]:
    """What each item adds: alpha without it, and its correlation with the sum of the others."""
    rows, n = [], len(items.x)
    for place, name in enumerate(items.names):
        if items.k > 2:
            rows.append(Row(name, "alpha_if_deleted", n=n, estimate=items.alpha_without(place)))
        else:
            rows.append(Row(name, "alpha_if_deleted", n=n, note="one item has no alpha"))
        r = items.rest_r(place)
        rows.append(Row(name, "item_rest_r", n=n, estimate=r, note="the others do not vary" if r is None else None))
        if r is not None and r < 0:
            context.note(f"the item {name!r} goes against the others (r = {r:.2f}): must it be reversed?")
    return rows
