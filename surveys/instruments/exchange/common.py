"""What both importers share: what was read, what could not be carried, and cells that keep their spelling."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surveys.instruments.checks import MEANING, REFERENCES, telling_answers
from surveys.instruments.conditions import NONRESPONSE, Condition, unreachable
from surveys.instruments.exchange.expressions import Known, UnknownItem, Unsayable, code_of, fits, read_condition
from surveys.instruments.rules import values_of
from surveys.instruments.schema import Instrument, Item, Option, Scale, Score
from trialmgr.core.documents import Key
from trialmgr.core.errors import BadInput, Fault

Cells = dict[str, str]


@dataclass(frozen=True)
class Imported:
    """An instrument read from another format, and a line for each thing that is kept but not used, or not carried."""

    instrument: Instrument
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What one row of another format says, as far as this one has words for it."""

    scale: Scale
    text: Mapping[str, str]
    hint: Mapping[str, str]
    required: bool
    when: Condition | None
    sensitive: bool = False


@dataclass
class Draft:
    """An instrument while it is read, row by row."""

    source: str
    form: str
    items: list[Item] = field(default_factory=list)
    scales: dict[str, Scale] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def known(self) -> Known:
        return Known({item.code: self.scales[item.scale] for item in self.items})

    def fault(self, row: int, column: str, what: str, remedy: str) -> None:
        self.faults.append(Fault(f"{self.source}: row {row}: {column}", what, remedy))

    def note(self, row: int, what: str) -> None:
        self.notes.append(f"row {row}: {what}")

    def scale_name(self, scale: Scale, wanted: str) -> str:
        """The name of an equal scale that is there already, or else a new one."""
        for name, there in self.scales.items():
            if there == scale:
                return name
        name = wanted = re.sub(r"[^A-Za-z0-9_.-]", "_", wanted)
        number = 2
        while name in self.scales:
            name, number = f"{wanted}_{number}", number + 1
        self.scales[name] = scale
        return name

    def condition(self, text: str, row: int, column: str) -> Condition | None:
        """A condition cell; one that cannot be carried is noted, one on an unknown field is a fault."""
        try:
            condition = read_condition(text, self.known)
        except UnknownItem as error:
            if str(error) in self.names:
                self.note(row, f"{column} {text!r} looks at {error}, which is not an earlier question: kept, not used")
            else:
                self.fault(row, column, f"names {error}, which is not in the file", "check the spelling")
            return None
        except Unsayable as error:
            self.note(row, f"{column} {text!r}: {error}: kept, not used")
            return None
        if problem := self.misfit(condition):
            self.note(row, f"{column} {text!r}: {problem}: kept, not used")
            return None
        return condition

    def misfit(self, condition: Condition) -> str | None:
        """Why a condition does not fit the questions read so far."""
        by_code = {item.code: item for item in self.items}
        needed = tuple(by_code[name] for name in condition.items())
        return fits(condition, self.so_far(items=needed)) if needed else None

    def so_far(self, **changes: Any) -> Instrument:
        """The draft as an instrument, unchecked: enough to look up scales and options."""
        parts: dict[str, Any] = {"id": self.form, "items": tuple(self.items), "scales": self.scales, "tables": {}}
        return Instrument.model_construct(**(parts | {"scores": tuple(self.scores), "groups": ()} | changes))


def finished(draft: Draft, **parts: Any) -> Instrument:
    """The instrument, when its rows had no faults and its parts fit; unreachable conditions are noted and dropped.

    Raises BadInput.
    """
    if not draft.items and not draft.faults:
        draft.faults.append(Fault(draft.source, "has no question that can be carried", "give a form with questions"))
    if draft.faults:
        raise BadInput(draft.faults)
    items = _reachable(draft, parts.get("groups", ()))
    used = {name for one in draft.scores for name in one.items}
    conditions = [item.when for item in items] + [group.when for group in parts.get("groups", ())]
    used |= {name for condition in conditions if condition for name in condition.items()}
    marked = tuple(item.model_copy(update={"raw": item.code not in used}) for item in items)
    scales = {name: scale for name, scale in draft.scales.items() if name in {item.scale for item in items}}
    instrument = Instrument.model_validate(
        {"items": marked, "scales": scales, "scores": tuple(draft.scores), "tables": {}, **parts}
    )
    faults = [_placed(draft, instrument, *found) for check in REFERENCES for found in check(instrument)]
    faults = faults or [_placed(draft, instrument, *found) for check in MEANING for found in check(instrument)]
    if faults:
        raise BadInput(faults)
    return instrument


def _placed(draft: Draft, instrument: Instrument, key: Key, what: str, remedy: str) -> Fault:
    part, place = key[0], key[1] if len(key) > 1 else None
    if part == "items" and isinstance(place, int):
        name = instrument.items[place].code
        return Fault(f"{draft.source}: row {draft.rows.get(name, 0)}: {name}", what, remedy)
    return Fault(f"{draft.source}: {'.'.join(map(str, key))}", what, remedy)


def _reachable(draft: Draft, groups: Sequence[Any]) -> list[Item]:
    instrument = draft.so_far(groups=tuple(groups))
    conditions = {item.code: found for item in draft.items if (found := instrument.condition_of(item)) is not None}
    telling = {item.code: telling_answers(instrument, item, conditions.values()) for item in draft.items}
    never = unreachable([item.code for item in draft.items], conditions, telling)
    for name in never:
        draft.note(draft.rows.get(name, 0), f"{name} could never be asked by its condition: the condition is not used")
    return [item.model_copy(update={"when": None}) if item.code in never else item for item in draft.items]


def left_out(instrument: Instrument, languages: Iterable[str], *, intro: bool) -> list[str]:
    """A line for each kind of thing that neither other format has words for, or that was not asked for."""
    notes = []
    if others := [language for language in instrument.languages if language not in languages]:
        notes.append(f"texts in {', '.join(others)} are left out")
    if intro and instrument.intro:
        notes.append("the words above the questions (intro) are left out")
    if any(item.read_aloud for item in instrument.items):
        notes.append("read-aloud texts are left out")
    if any(item.not_asked is not None for item in instrument.items):
        notes.append("values of who was not asked (not_asked) are left out")
    if instrument.licence.ship != "no" and (instrument.citation or instrument.licence.holder):
        notes.append(f"cite with the form: {'; '.join(instrument.citation) or instrument.licence.holder}")
    return notes


def slug(text: str, default: str = "form") -> str:
    """A name fit for an id."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    return name if name[:1].isalpha() else f"{default}_{name}".strip("_")


def choice_options(
    pairs: Iterable[tuple[str, Mapping[str, str]]], languages: Sequence[str]
) -> tuple[tuple[Option, ...], bool]:
    """Options from codes and labels, and whether they end in "don't know" and "won't say" of a sensitive question."""
    listed = [(code, {language: label.get(language) or code for language in languages}) for code, label in pairs]
    codes = [code for code, _ in listed]
    sensitive = len(codes) > 2 and set(codes[-2:]) == NONRESPONSE
    kept = listed[:-2] if sensitive else listed
    options = tuple(Option(code=code_of(code), label=label, missing=code in NONRESPONSE) for code, label in kept)
    return options, sensitive


def kept_from(
    row: int, source: Mapping[str, str], ours: Mapping[str, str], loose: Iterable[str] = ()
) -> dict[str, Any]:
    """What to keep of a source row: cells that we would write otherwise, and `loose` ones that could not be carried."""
    columns = {**ours, **source}
    cells = {column: source.get(column, "") for column in columns if source.get(column, "") != ours.get(column, "")}
    apart = {column: cells.pop(column) for column in loose if cells.get(column) and not ours.get(column)}
    return {"row": row, "cells": cells, **({"loose": apart} if apart else {})}


def respelled(
    ours: Cells, kept: Mapping[str, Any], modelled: Iterable[str], meaning: Callable[[Cells], object]
) -> Cells:
    """Our cells with the spelling of the source, as far as that still means the same; cells without meaning as kept.

    Cells that could not be carried stay until the instrument says something in their place.
    """
    cells: Cells = kept.get("cells", {})
    trial = {**ours, **cells}
    if meaning(trial) != meaning(ours):
        held = set(modelled)
        trial = {**ours, **{column: text for column, text in cells.items() if column not in held}}
    return trial | {column: text for column, text in kept.get("loose", {}).items() if not ours.get(column)}


def plain_items(instrument: Instrument, score: Score) -> list[Item]:
    """The items of a score. Raises Unsayable unless each counts as it was answered."""
    items = [instrument.item_by_code[name] for name in score.items]
    for item in items:
        values = values_of(instrument, item)
        if item.reverse or item.code in score.recode or any(code != f"{value:g}" for code, value in values.items()):
            raise Unsayable(f"reversed or recoded answers ({item.code})")
        if instrument.scale_of(item).kind == "multiple":
            raise Unsayable(f"counted answers ({item.code})")
    return items
