"""What answers count for, and what a scoring rule can give: shared by the checks, the scoring and the exports."""

import hashlib
import json
from collections.abc import Mapping

from surveys.instruments.schema import NUMERIC, Instrument, Item, Option, Score


def values_of(instrument: Instrument, item: Item) -> dict[str, float]:
    """Code of each counting answer of a choice item (as text) and the number it counts for, not yet reversed."""
    choices = instrument.scale_of(item).choices
    return {str(option.code): option.number for option in choices if option.number is not None}


def counts_for(instrument: Instrument, score: Score, item: Item) -> dict[str, float]:
    """What each answer of a choice item counts for in a score: recoded by its table, or reversed, or as it stands."""
    if table := score.recode.get(item.code):
        return {str(code): value for code, value in instrument.tables[table].items()}
    values = values_of(instrument, item)
    if not (item.reverse and values):
        return values
    mirror = min(values.values()) + max(values.values())
    return {code: mirror - value for code, value in values.items()}


def counting_options(instrument: Instrument, item: Item) -> tuple[Option, ...]:
    """Answers of a multiple-choice item that count as one each: all but "none of these" and its like."""
    choices = instrument.scale_of(item).choices if instrument.scale_of(item).kind == "multiple" else ()
    return tuple(option for option in choices if not (option.exclusive or option.missing))


def tick_column(item: Item, code: int | str) -> str:
    """Column of one answer of a multiple-choice item, as REDCap names it."""
    return f"{item.code}___{code}"


def item_bounds(instrument: Instrument, score: Score, item: Item) -> tuple[float, float] | None:
    """Lowest and highest value of one item in a score; None when open-ended."""
    scale = instrument.scale_of(item)
    if scale.kind == "multiple":
        return 0, len(counting_options(instrument, item))
    if scale.kind in NUMERIC:
        bounds = scale.bounds
    else:
        numbers = counts_for(instrument, score, item).values()
        bounds = (min(numbers), max(numbers)) if numbers else None
    if bounds is not None and item.not_asked is not None:
        bounds = (min(bounds[0], item.not_asked), max(bounds[1], item.not_asked))
    return bounds


def bounds_of(instrument: Instrument, score: Score) -> tuple[float, float] | None:
    """Lowest and highest score the rule can give with every item answered; None when open-ended."""
    ends: list[tuple[float, float]] = []
    for name in score.items:
        bounds = item_bounds(instrument, score, instrument.item_by_code[name])
        if bounds is None:
            return None
        weight = score.weights.get(name, 1.0)
        ends.append((min(weight * end for end in bounds), max(weight * end for end in bounds)))
    low, high = sum(end[0] for end in ends), sum(end[1] for end in ends)
    if score.method == "mean":
        low, high = low / len(ends), high / len(ends)
    scaled = [score.multiply * end + score.add for end in (low, high)]
    return min(scaled), max(scaled)


def rule_version(instrument: Instrument, score: Score) -> str:
    """`instrument@version/score+digest`; the digest changes with anything that can change a score, not with wording."""
    items = []
    for name in score.items:
        item = instrument.item_by_code[name]
        scale = instrument.scale_of(item)
        condition = instrument.condition_of(item) if item.not_asked is not None else None
        items.append([
            name, scale.kind, scale.min, scale.max, counts_for(instrument, score, item), item.reverse, item.not_asked,
            [str(option.code) for option in counting_options(instrument, item)],
            condition and condition.model_dump(exclude_none=True),
        ])  # fmt: skip
    kept = {"method", "weights", "multiply", "add"}
    rule: Mapping[str, object] = {
        **score.model_dump(mode="json", include=kept),
        "missing": [score.missing.at_most, score.missing.treat],
        "cutoffs": [[cutoff.id, [[band.code, band.edge] for band in cutoff.bands]] for cutoff in score.cutoffs],
        "items": items,
    }
    digest = hashlib.sha256(json.dumps(rule, sort_keys=True).encode()).hexdigest()[:8]
    return f"{instrument.id}@{instrument.version}/{score.id}+{digest}"
