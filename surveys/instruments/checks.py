"""What must hold between the parts of an instrument; every fault with its place in the file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from surveys.instruments.conditions import Answer, Condition, unreachable
from surveys.instruments.rules import bounds_of, values_of
from surveys.instruments.schema import NUMERIC, Instrument, Item, Score, Text
from trialmgr.core.documents import Document, Key
from trialmgr.core.errors import Fault

Found = Iterator[tuple[Key, str, str]]


def faults_of(instrument: Instrument, document: Document) -> list[Fault]:
    """Every fault between the parts; an empty list when the instrument is sound."""
    found = [document.fault(key, what, remedy) for check in REFERENCES for key, what, remedy in check(instrument)]
    if not found:  # the rest relies on names that lead somewhere
        found = [document.fault(key, what, remedy) for check in MEANING for key, what, remedy in check(instrument)]
    return found


def _unique_names(instrument: Instrument) -> Found:
    for part, names in (
        ("items", [item.code for item in instrument.items]),
        ("groups", [group.code for group in instrument.groups]),
        ("scores", [score.id for score in instrument.scores]),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield (part, place), f"the name {name} is used twice", "give each its own"
    for place, score in enumerate(instrument.scores):
        if score.id in instrument.item_by_code:
            yield ("scores", place, "id"), f"{score.id} is also an item", "give the score another name"
        cutoffs = [cutoff.id for cutoff in score.cutoffs]
        if len(set(cutoffs)) < len(cutoffs):
            yield ("scores", place, "cutoffs"), "two cut-offs have one id", "give each its own"


def _known_scales_and_groups(instrument: Instrument) -> Found:
    for place, item in enumerate(instrument.items):
        if item.scale not in instrument.scales:
            yield ("items", place, "scale"), f"there is no scale {item.scale}", _one_of(instrument.scales)
        if item.group is not None and item.group not in instrument.group_by_code:
            yield ("items", place, "group"), f"there is no group {item.group}", _one_of(instrument.group_by_code)
    for place, group in enumerate(instrument.groups):
        above, seen = group.parent, {group.code}
        while above in instrument.group_by_code and above not in seen:
            seen.add(above)
            above = instrument.group_by_code[above].parent
        if above is not None:
            what = "lies in itself" if above in seen else f"there is no group {above}"
            yield ("groups", place, "parent"), what, "name another group"
    used = {item.scale for item in instrument.items}
    for name in instrument.scales:
        if name not in used:
            yield ("scales", name), "no item uses this scale", "remove it or use it"


def _known_score_parts(instrument: Instrument) -> Found:
    for place, score in enumerate(instrument.scores):
        key: Key = ("scores", place)
        for at, name in enumerate(score.items):
            if name not in instrument.item_by_code:
                yield (*key, "items", at), f"there is no item {name}", _one_of(instrument.item_by_code)
            elif name in score.items[:at]:
                yield (*key, "items", at), f"{name} stands twice in this score", "keep one"
        for part in ("recode", "weights"):
            for name in getattr(score, part):
                if name not in score.items:
                    yield (*key, part, name), f"{name} is not an item of this score", "remove it or add the item"
        for name, table in score.recode.items():
            if table not in instrument.tables:
                yield (*key, "recode", name), f"there is no table {table}", _one_of(instrument.tables)
    used = {table for score in instrument.scores for table in score.recode.values()}
    for name in instrument.tables:
        if name not in used:
            yield ("tables", name), "no score uses this table", "remove it or use it"


def _known_condition_items(instrument: Instrument) -> Found:
    order = [item.code for item in instrument.items]
    first: dict[str, int] = {}
    for place, item in enumerate(instrument.items):
        name = item.group
        while name is not None and name in instrument.group_by_code and name not in first:
            first[name] = place
            name = instrument.group_by_code[name].parent
    for key, before, condition in _conditions(instrument, first):
        for name in condition.items():
            if name not in order:
                yield key, f"there is no item {name}", "name an item that is asked earlier"
            elif order.index(name) >= before:
                yield key, f"looks at {name}, which is asked later", "look only at earlier items"


def _conditions(instrument: Instrument, first: dict[str, int]) -> Iterator[tuple[Key, int, Condition]]:
    for place, item in enumerate(instrument.items):
        if item.when is not None:
            yield ("items", place, "when"), place, item.when
    for place, group in enumerate(instrument.groups):
        if group.when is not None:
            yield ("groups", place, "when"), first.get(group.code, len(instrument.items)), group.when


def _operators_fit(instrument: Instrument) -> Found:
    for key, _, condition in _conditions(instrument, {}):
        for leaf in condition.leaves():
            if fault := leaf_fault(leaf, instrument):
                yield key, *fault


def leaf_fault(leaf: Condition, instrument: Instrument) -> tuple[str, str] | None:
    """What is wrong with an operator for its item, and the remedy; None when it fits."""
    item = instrument.item_by_code[leaf.item or ""]
    scale = instrument.scale_of(item)
    if scale.kind == "note":
        return f"{item.code} is a note and has no answer", "look at a question"
    if leaf.ticked is not None and scale.kind != "multiple":
        return f"ticked does not fit {item.code}, which takes one answer", "use is"
    if leaf.codes() and scale.choices:
        known = [str(option.code) for option in instrument.options_of(item)]
        if unknown := [code for code in leaf.codes() if str(code) not in known]:
            return f"{unknown[0]!r} is not an answer of {item.code}", _one_of(known)
    if leaf.edges() and not (scale.kind in NUMERIC or values_of(instrument, item)):
        return f"{item.code} has no numbers to compare", "use is or in"
    return None


def _all_reachable(instrument: Instrument) -> Found:
    conditions = {
        item.code: condition for item in instrument.items if (condition := instrument.condition_of(item)) is not None
    }
    telling = {item.code: telling_answers(instrument, item, conditions.values()) for item in instrument.items}
    order = [item.code for item in instrument.items]
    for code in unreachable(order, conditions, telling):
        yield ("items", order.index(code), "when"), f"{code} can never be asked", "mend its condition or remove it"


def telling_answers(instrument: Instrument, item: Item, conditions: Iterable[Condition]) -> Sequence[Answer]:
    """Answers to `item` that suffice to tell the conditions apart."""
    leaves = [leaf for condition in conditions for leaf in condition.leaves() if leaf.item == item.code]
    scale = instrument.scale_of(item)
    if scale.kind in NUMERIC:
        edges = {edge for leaf in leaves for edge in leaf.edges()}
        near = {edge + step for edge in edges or {1.0} for step in (-1, 0, 1)}
        low = -float("inf") if scale.min is None else scale.min
        high = float("inf") if scale.max is None else scale.max
        named = [code for leaf in leaves for code in leaf.codes()]
        return [number for number in sorted(near) if low <= number <= high] + named
    if scale.kind == "multiple":
        ticked = list(dict.fromkeys(str(code) for leaf in leaves for code in leaf.codes()))
        size = len(ticked) + 1 if len(ticked) <= 4 else 2
        return [pick for count in range(1, size) for pick in combinations(ticked, count)] + [tuple(ticked)]
    if scale.choices:
        ordered = any(not leaf.codes() and leaf.answered is None for leaf in leaves)
        named = [code for leaf in leaves for code in leaf.codes()]
        others = [option.code for option in scale.choices if option.code not in named]
        return named + (others if ordered else others[:1])
    return ["x", *(code for leaf in leaves for code in leaf.codes())]


def _all_used(instrument: Instrument) -> Found:
    used = {name for score in instrument.scores for name in score.items}
    used |= {name for _, _, condition in _conditions(instrument, {}) for name in condition.items()}
    for place, item in enumerate(instrument.items):
        if item.code not in used and not item.raw and instrument.scale_of(item).kind != "note":
            remedy = "use it in a score or condition, or mark it raw: true"
            yield ("items", place), f"{item.code} is asked but never used", remedy


def _scores_sound(instrument: Instrument) -> Found:
    for place, score in enumerate(instrument.scores):
        key: Key = ("scores", place)
        for at, name in enumerate(score.items):
            for what, remedy in _item_value_faults(instrument, score, instrument.item_by_code[name]):
                yield (*key, "items", at), what, remedy
        for what, remedy in _rule_faults(instrument, score):
            yield key, what, remedy


def _item_value_faults(instrument: Instrument, score: Score, item: Item) -> Iterator[tuple[str, str]]:
    scale, table = instrument.scale_of(item), score.recode.get(item.code)
    if scale.kind not in ("choice", "multiple", *NUMERIC):
        yield f"{item.code} has no numbers to score", "score choices and numbers only"
    elif scale.kind == "choice" and table is None:
        if bare := [option.code for option in scale.choices if option.number is None and not option.missing]:
            yield f"answer {bare[0]!r} of {item.code} counts for no number", "give it a value, or recode by a table"
    elif scale.kind == "choice" and table is not None:
        codes = {str(option.code) for option in scale.choices if not option.missing}
        if (given := {str(code) for code in instrument.tables[table]}) != codes:
            yield f"table {table} has codes {sorted(given)}, {item.code} has {sorted(codes)}", "make them equal"
        if item.reverse:
            yield f"{item.code} is both reversed and recoded", "keep one"
    elif table is not None:
        yield f"{item.code} is not a choice and cannot be recoded", "remove the recode"
    if item.reverse and (scale.kind == "multiple" or scale.bounds is None):
        yield f"{item.code} cannot be reversed: its ends are not known", "give the scale min and max"


def _rule_faults(instrument: Instrument, score: Score) -> Iterator[tuple[str, str]]:
    if score.method == "value" and len(score.items) != 1:
        yield "the value of a score comes from one item", "name one item, or use sum or mean"
    if set(score.weights) != (set(score.items) if score.method == "weighted" else set()):
        yield "weights and method do not fit", "give a weight for each item, with method weighted"
    if score.missing.at_most >= len(score.items):
        yield f"{score.missing.at_most} missing of {len(score.items)} leaves nothing to score", "allow fewer"
    if score.missing.treat == "prorate" and score.method == "weighted":
        yield "a weighted score cannot be prorated", "use treat: ignore or at_most: 0"
    bounds = bounds_of(instrument, score)
    if score.range is not None and bounds is not None and score.range != bounds:
        given, stated = (f"{low:g} to {high:g}" for low, high in (bounds, score.range))
        yield f"the rule gives {given}, the range says {stated}", "mend the rule or the range"
    for cutoff in score.cutoffs:
        edges = [band.edge[0] for band in cutoff.bands if band.edge]
        if bounds is not None and not bounds[0] <= edges[0] <= edges[-1] <= bounds[1]:
            yield f"cut-off {cutoff.id} lies outside {bounds[0]:g} to {bounds[1]:g}", "mend its bands"


def _texts_complete(instrument: Instrument) -> Found:
    bare = all(not item.text for item in instrument.items)
    for key, text, compulsory in texts_of(instrument):
        if text or (compulsory and not bare):
            for language in instrument.languages:
                if language not in text:
                    yield key, f"has no text in {language}", "add it, or remove the language from languages"
        for language in text:
            if language not in instrument.languages:
                yield key, f"has text in {language}, which is not in languages", "add the language or remove the text"


def texts_of(instrument: Instrument) -> Iterator[tuple[Key, Text, bool]]:
    """Every text with its place and whether an instrument that has words at all must have it."""
    yield ("title",), instrument.title, True
    yield ("about",), instrument.about, False
    yield ("intro",), instrument.intro, False
    for name, scale in instrument.scales.items():
        for place, option in enumerate(scale.options):
            yield ("scales", name, "options", place, "label"), option.label, True
        for step, label in (scale.steps.labels if scale.steps else {}).items():
            yield ("scales", name, "steps", "labels", str(step)), label, False
    for place, item in enumerate(instrument.items):
        yield ("items", place, "text"), item.text, True
        yield ("items", place, "hint"), item.hint, False
        yield ("items", place, "read_aloud"), item.read_aloud, False
    for place, group in enumerate(instrument.groups):
        yield ("groups", place, "label"), group.label, False
    for place, score in enumerate(instrument.scores):
        yield ("scores", place, "title"), score.title, False


def _one_of(names: Iterable[object]) -> str:
    listed = [str(name) for name in names]
    return f"use one of {', '.join(listed[:12])}{', ...' if len(listed) > 12 else ''}" if listed else "define it first"


Check = Callable[[Instrument], Found]
REFERENCES: tuple[Check, ...] = (_unique_names, _known_scales_and_groups, _known_score_parts, _known_condition_items)
MEANING: tuple[Check, ...] = (_operators_fit, _all_reachable, _all_used, _scores_sound, _texts_complete)
