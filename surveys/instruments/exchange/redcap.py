"""REDCap data dictionaries: 17 or 18 columns, in the spelling of the file or of the API."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.instruments.exchange.common import (
    Cells,
    Draft,
    Imported,
    Question,
    choice_options,
    finished,
    kept_from,
    respelled,
    slug,
)
from surveys.instruments.exchange.expressions import Known, UnknownItem, Unsayable, read_condition, write_condition
from surveys.instruments.rules import values_of
from surveys.instruments.schema import NUMERIC, Group, Instrument, Item, Kind, Missing, Scale, Score
from trialmgr.core.errors import BadInput, Fault

COLUMNS = {
    "field_name": "Variable / Field Name",
    "form_name": "Form Name",
    "section_header": "Section Header",
    "field_type": "Field Type",
    "field_label": "Field Label",
    "select_choices_or_calculations": "Choices, Calculations, OR Slider Labels",
    "field_note": "Field Note",
    "text_validation_type_or_show_slider_number": "Text Validation Type OR Show Slider Number",
    "text_validation_min": "Text Validation Min",
    "text_validation_max": "Text Validation Max",
    "identifier": "Identifier?",
    "branching_logic": "Branching Logic (Show field only if...)",
    "required_field": "Required Field?",
    "custom_alignment": "Custom Alignment",
    "question_number": "Question Number (surveys only)",
    "matrix_group_name": "Matrix Group Name",
    "matrix_ranking": "Matrix Ranking?",
    "field_annotation": "Field Annotation",
}
CHOICES, VALID = "select_choices_or_calculations", "text_validation_type_or_show_slider_number"
LOW, HIGH = "text_validation_min", "text_validation_max"
OTHER_NAMES = {"Choices, Calculations, OR Slider Labels": CHOICES, "Choices OR Calculations": CHOICES}
UNUSED = {
    "identifier": "marks identifiers", "custom_alignment": "sets alignment", "question_number": "numbers questions",
    "matrix_ranking": "ranks a matrix", "field_annotation": "holds annotations",
}  # fmt: skip
MODELLED = [column for column in COLUMNS if column not in UNUSED]
TYPES: dict[str, Kind] = {
    "text": "text", "notes": "long_text", "radio": "choice", "dropdown": "choice", "checkbox": "multiple",
    "yesno": "choice", "truefalse": "choice", "slider": "integer", "descriptive": "note",
}  # fmt: skip
NOT_CARRIED = {"file": "uploads", "sql": "queries", "calc": "calculations that are not sums"}
WORDS = {
    "yesno": {"nl": ("Ja", "Nee"), "en": ("Yes", "No")},
    "truefalse": {"nl": ("Waar", "Niet waar"), "en": ("True", "False")},
}
SUM = re.compile(r"\s*(sum|mean)\s*\((.*)\)\s*", re.DOTALL | re.IGNORECASE)
FIELD = re.compile(r"\s*\[(\w+)\]\s*")


@dataclass(frozen=True)
class Header:
    """Which column stands where, and how the file spells it."""

    names: tuple[str, ...]
    api: bool


def is_dictionary(header: Sequence[str]) -> bool:
    """Whether a first row is that of a data dictionary."""
    first = header[0].strip().strip("﻿") if header else ""
    return first in ("field_name", COLUMNS["field_name"])


def read_header(header: Sequence[str], source: str) -> Header:
    """The columns of a dictionary. Raises BadInput for unknown, double or lacking ones."""
    api = header[0].strip() == "field_name"
    spellings = {**{text: name for name, text in COLUMNS.items()}, **OTHER_NAMES, **{name: name for name in COLUMNS}}
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    names = [spellings.get(cell, "") for cell in cells]
    faults = [
        Fault(
            f"{source}: row 1: column {place}", f"{cell!r} is not a column of a data dictionary", "check its spelling"
        )
        for place, (cell, name) in enumerate(zip(cells, names, strict=True), 1)
        if not name
    ]
    faults += [
        Fault(f"{source}: row 1", f"has {COLUMNS[name]!r} twice", "keep one")
        for name in COLUMNS
        if names.count(name) > 1
    ]
    for name in ("field_name", "form_name", "field_type", "field_label"):
        if name not in names:
            faults.append(Fault(f"{source}: row 1", f"has no column {COLUMNS[name]!r}", "add it"))
    if faults:
        raise BadInput(faults)
    return Header(tuple(names), api)


def read_dictionary(table: Sequence[Sequence[str]], source: str, name: str, language: str = "en") -> Imported:
    """The instrument in a data dictionary (rows of cells, header first). Raises BadInput with row and column."""
    header = read_header(table[0], source)
    rows = _rows(table, header, source)
    blank = _blank(rows)
    draft = Draft(source, slug(name), names=frozenset(cells["field_name"] for _, cells in rows))
    groups = _Groups(language)
    foreign: list[dict[str, Any]] = []
    for number, cells in rows:
        cells = {column: "" if text == blank else text for column, text in cells.items()}
        _check_row(draft, number, cells)
        if cells["field_type"] in TYPES:
            _read_item(draft, groups, number, cells, language)
        elif not (cells["field_type"] == "calc" and _read_calc(draft, groups, number, cells, language)):
            foreign.append({"row": number, "cells": {column: text for column, text in cells.items() if text}})
            groups.pass_by(cells)
            what = NOT_CARRIED.get(cells["field_type"])
            draft.note(number, f"{cells['field_name']}: {what or cells['field_type']} are not carried: kept, not used")
        _note_unused(draft, number, cells)
    extra = {"header": list(header.names), "api": header.api, "blank": blank or "", "foreign": foreign}
    instrument = finished(
        draft, id=slug(name), version="1.0", title={language: name}, languages=(language,), groups=tuple(groups.made),
        licence={"ship": "no", "terms": "Imported: fill in the terms of use."}, extra={"redcap": extra},
    )  # fmt: skip
    return Imported(instrument, tuple(draft.notes))


def _rows(table: Sequence[Sequence[str]], header: Header, source: str) -> list[tuple[int, Cells]]:
    rows, faults = [], []
    for number, row in enumerate(table[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[len(header.names) :]):
            faults.append(Fault(f"{source}: row {number}", f"has more than {len(header.names)} cells", "mend the row"))
        padded = [*row, *[""] * len(header.names)]
        rows.append((number, dict(zip(header.names, padded, strict=False))))
    if faults:
        raise BadInput(faults)
    return rows


def _blank(rows: Sequence[tuple[int, Cells]]) -> str | None:
    """R writes NA for an empty cell: so read it where the file has no empty cell but has NA in unused columns."""
    texts = [text for _, cells in rows for text in cells.values()]
    return "NA" if "NA" in texts and "" not in texts else None


def _check_row(draft: Draft, number: int, cells: Cells) -> None:
    name, kind = cells["field_name"], cells["field_type"]
    column = COLUMNS["field_name"]
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        draft.fault(number, column, f"{name!r} is not a field name", "use letters, digits and _, a letter first")
    elif name in draft.rows:
        draft.fault(number, column, f"{name} is also in row {draft.rows[name]}", "give each field its own name")
    draft.rows.setdefault(name, number)
    if kind not in TYPES and kind not in NOT_CARRIED:
        known = ", ".join([*TYPES, *NOT_CARRIED])
        draft.fault(number, COLUMNS["field_type"], f"{kind!r} is not a field type", f"use one of {known}")
    if kind in ("radio", "dropdown", "checkbox"):
        _check_choices(draft, number, cells[CHOICES])


def _check_choices(draft: Draft, number: int, text: str) -> None:
    parts = [part for part in text.split("|") if part.strip()]
    codes = [part.split(",", 1)[0].strip() for part in parts]
    for part in parts:
        if "," not in part:
            draft.fault(number, COLUMNS[CHOICES], f"{part.strip()!r} has no comma", "write a code, a comma and a label")
    if not parts:
        draft.fault(number, COLUMNS[CHOICES], "is empty", "give the answers as 1, Label | 2, Label")
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        draft.fault(number, COLUMNS[CHOICES], f"has the code {twice[0]} twice", "give each answer its own code")


def _note_unused(draft: Draft, number: int, cells: Cells) -> None:
    for column, what in UNUSED.items():
        if cells.get(column, ""):
            draft.note(number, f"{COLUMNS[column]} {cells[column]!r} ({what}): kept, not used")
    if cells.get(VALID, "") and cells["field_type"] == "text" and _kind(cells) == "text":
        draft.note(number, f"validation {cells[VALID]!r} is not checked: kept, not used")
    if _kind(cells) == "date" and (cells.get(LOW) or cells.get(HIGH)):
        draft.note(number, "limits of a date are not checked: kept, not used")
    if cells["field_type"] == "slider" and cells[CHOICES]:
        draft.note(number, f"slider labels {cells[CHOICES]!r}: kept, not used")


class _Groups:
    """Forms, sections and matrices as groups, in the order they come."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.made: list[Group] = []
        self._form = self._section = ""

    def of(self, cells: Cells) -> str:
        """The group a row lies in."""
        form = cells["form_name"] or "form"
        if form != self._form:
            self._form = self._section = self._make(form, {}, None, {})
        if header := cells["section_header"]:
            self._section = self._make(f"{form}_section", {self.language: header}, self._form, {})
        if not (matrix := cells.get("matrix_group_name", "")):
            return self._section
        there = next((group for group in self.made if group.extra.get("redcap", {}).get("matrix") == matrix), None)
        if there is not None and there.parent == self._section:
            return there.code
        return self._make(matrix, {}, self._section, {"redcap": {"matrix": matrix}})

    def pass_by(self, cells: Cells) -> None:
        """A row that is kept as it is: it may begin a section, whose header it then keeps too."""
        self.of(cells)
        if cells["section_header"]:
            place = next(at for at, group in enumerate(self.made) if group.code == self._section)
            self.made[place] = self.made[place].model_copy(update={"extra": {"redcap": {"said": True}}})

    def _make(self, wanted: str, label: dict[str, str], parent: str | None, extra: dict[str, Any]) -> str:
        codes = {group.code for group in self.made}
        code, number = wanted, 2
        if wanted.endswith("_section"):
            code, number = f"{wanted}_1", 2
        while code in codes:
            code, number = f"{wanted}_{number}", number + 1
        if code != wanted and parent is None:
            extra = {"redcap": {"form": wanted}}
        self.made.append(Group(code=code, label=label, parent=parent, extra=extra))
        return code


def _read_item(draft: Draft, groups: _Groups, number: int, cells: Cells, language: str) -> None:
    branching = cells.get("branching_logic", "").strip()
    when = draft.condition(branching, number, COLUMNS["branching_logic"]) if branching else None
    for column in (LOW, HIGH):
        if _kind(cells) in NUMERIC and cells.get(column) and _number(cells[column]) is None:
            draft.fault(number, COLUMNS[column], f"{cells[column]!r} is not a number", "give a number")
    if draft.faults:
        return
    question = _question(cells, draft.known, language, when)
    scale = draft.scale_name(question.scale, f"{cells['field_name']}_answers")
    item = Item(
        code=cells["field_name"], text=dict(question.text), hint=dict(question.hint), scale=scale,
        required=question.required, sensitive=question.sensitive, when=when, group=groups.of(cells),
        extra={"redcap": {"row": number}},
    )  # fmt: skip
    draft.items.append(item)
    ours = _item_cells(draft.so_far(groups=tuple(groups.made)), item, language)
    extra = {"redcap": kept_from(number, cells, ours, ["branching_logic"])}
    draft.items[-1] = item.model_copy(update={"extra": extra})


def _kind(cells: Mapping[str, str]) -> Kind:
    kind = TYPES.get(cells["field_type"], "text")
    if kind != "text":
        return kind
    validation = cells.get(VALID, "")
    if validation == "integer":
        return "integer"
    if validation.startswith("number"):
        return "decimal"
    return "date" if re.fullmatch(r"date_(dmy|mdy|ymd)", validation) else "text"


def _question(cells: Mapping[str, str], known: Known, language: str, when: Any = None) -> Question:
    """What a row says; `when` as read already, or else read here and dropped where it cannot be carried."""
    kind, sensitive = _kind(cells), False
    limits: dict[str, Any] = {}
    if kind in NUMERIC:
        low, high = (0.0, 100.0) if cells["field_type"] == "slider" else (None, None)
        limits = {"min": _number(cells.get(LOW, "")), "max": _number(cells.get(HIGH, ""))}
        limits = {
            "min": low if limits["min"] is None else limits["min"],
            "max": high if limits["max"] is None else limits["max"],
        }
    if kind in ("choice", "multiple"):
        limits["options"], sensitive = choice_options(_choices(cells, language), [language])
    if when is None and cells.get("branching_logic", "").strip():
        try:
            when = read_condition(cells["branching_logic"], known)
        except (Unsayable, UnknownItem):
            when = None
    label, hint = cells.get("field_label", ""), cells.get("field_note", "")
    return Question(
        scale=Scale(kind=kind, **limits), text={language: label or cells["field_name"]},
        hint={language: hint} if hint else {}, required=cells.get("required_field", "").lower() == "y",
        when=when, sensitive=sensitive,
    )  # fmt: skip


def _choices(cells: Mapping[str, str], language: str) -> list[tuple[str, dict[str, str]]]:
    if words := WORDS.get(cells["field_type"]):
        yes, no = words.get(language, words["en"])
        return [("1", {language: yes}), ("0", {language: no})]
    parts = [part.split(",", 1) for part in cells[CHOICES].split("|") if part.strip()]
    return [(code.strip(), {language: label.strip()}) for code, label in parts]


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _read_calc(draft: Draft, groups: _Groups, number: int, cells: Cells, language: str) -> bool:
    """Whether the calculation is a sum or mean of earlier fields; then it is made a score."""
    read = _sum(cells[CHOICES])
    known = {item.code: item for item in draft.items}
    if read is None or not all(name in known for name in read[1]) or len(set(read[1])) < len(read[1]):
        return False
    for name in read[1]:
        scale = draft.scales[known[name].scale]
        if scale.kind not in (*NUMERIC, "choice") or any(option.number is None for option in scale.choices):
            return False
    method, items, missing = read
    title = {language: cells["field_label"] or cells["field_name"]}
    one = Score(id=cells["field_name"], title=title, method=method, items=items, missing=Missing(at_most=missing))
    ours = _score_cells(draft.so_far(groups=tuple(groups.made)), one, language)
    kept = kept_from(number, cells, ours)
    draft.scores.append(one.model_copy(update={"extra": {"redcap": kept}}))
    return True


def _sum(text: str) -> tuple[Any, tuple[str, ...], int] | None:
    """Method, fields and allowed missing of `sum(..)`, `mean(..)` (which skip blanks) or `[a] + [b]` (which do not)."""
    called = SUM.fullmatch(text)
    parts = called.group(2).split(",") if called else text.split("+")
    fields = [match.group(1) if (match := FIELD.fullmatch(part)) else None for part in parts]
    if None in fields or not fields:
        return None
    names = tuple(name for name in fields if name)
    if len(names) == 1:
        return "value", names, 0
    return (called.group(1).lower(), names, len(names) - 1) if called else ("sum", names, 0)


def write_dictionary(instrument: Instrument, language: str) -> tuple[list[list[str]], list[str]]:
    """The data dictionary of an instrument (rows of cells, header first) and a line for what it has no words for.

    Cells read from a dictionary keep their spelling as long as they still say the same.
    """
    source = instrument.extra.get("redcap", {})
    names: list[str] = source.get("header", list(COLUMNS))
    notes: list[str] = []
    rows: list[tuple[float, Cells]] = []
    last = 1.0
    opened: set[str] = set()
    for item in instrument.items:
        last = float(item.extra.get("redcap", {}).get("row", last + 1e-4))
        rows.append((last, _written_item(instrument, item, language, notes, opened)))
    for one in instrument.scores:
        last = float(one.extra.get("redcap", {}).get("row", max(row for row, _ in rows) + 1e-4))
        if cells := _written_score(instrument, one, language, notes):
            rows.append((last, cells))
    rows += [(float(row["row"]), dict(row["cells"])) for row in source.get("foreign", [])]
    header = names if source.get("api") else [COLUMNS[name] for name in names]
    blank = source.get("blank", "")
    ordered = [cells for _, cells in sorted(rows, key=lambda row: row[0])]
    return [header, *([cells.get(name, "") or blank for name in names] for cells in ordered)], notes


def _written_item(instrument: Instrument, item: Item, language: str, notes: list[str], opened: set[str]) -> Cells:
    ours = _item_cells(instrument, item, language, notes, opened)
    known = Known({other.code: instrument.scale_of(other) for other in instrument.items})
    kept = item.extra.get("redcap", {})
    placed = ("form_name", "section_header", "matrix_group_name")
    return respelled(
        ours,
        kept,
        MODELLED,
        lambda cells: (_question(cells, known, language), [cells.get(name, "") for name in placed]),
    )


def _item_cells(
    instrument: Instrument, item: Item, language: str, notes: list[str] | None = None, opened: set[str] | None = None
) -> Cells:
    scale = instrument.scale_of(item)
    notes = [] if notes is None else notes
    kinds: dict[Kind, tuple[str, str]] = {
        "choice": ("radio", ""), "multiple": ("checkbox", ""),
        "integer": ("text", "integer"), "decimal": ("text", "number"),
        "text": ("text", ""), "long_text": ("notes", ""), "date": ("text", "date_dmy"), "note": ("descriptive", ""),
    }  # fmt: skip
    field_type, validation = kinds[scale.kind]
    cells = {"field_name": item.code, "field_type": field_type, VALID: validation}
    cells |= {"field_label": item.text.get(language, ""), "field_note": item.hint.get(language, "")}
    cells |= _place_cells(instrument, item, language, set() if opened is None else opened)
    if scale.kind in ("choice", "multiple"):
        labels = [(option.code, scale.label_of(option, language)) for option in instrument.options_of(item)]
        if any("|" in label for _, label in labels):
            notes.append(f"{item.code}: a label holds |, which separates answers: written as /")
        cells[CHOICES] = " | ".join(f"{code}, {label.replace('|', '/')}" for code, label in labels)
    elif item.sensitive:
        notes.append(f"{item.code}: its answers not to say fit no text field: left out")
    cells |= {column: f"{limit:g}" for column, limit in ((LOW, scale.min), (HIGH, scale.max)) if limit is not None}
    cells["required_field"] = "y" if item.required else ""
    if condition := instrument.condition_of(item):
        try:
            cells["branching_logic"] = write_condition(condition, instrument, "redcap")
        except Unsayable as error:
            notes.append(f"{item.code}: branching logic has no words for {error}: left out")
    return cells


def _place_cells(instrument: Instrument, item: Item, language: str, opened: set[str]) -> Cells:
    """Form, section header (with the first item of a section) and matrix of an item."""
    chain: list[Group] = []
    name = item.group
    while name is not None:
        chain.insert(0, instrument.group_by_code[name])
        name = chain[0].parent
    form = chain[0].extra.get("redcap", {}).get("form", chain[0].code) if chain else slug(instrument.id)
    matrix = next((group.extra["redcap"]["matrix"] for group in chain if "matrix" in group.extra.get("redcap", {})), "")
    header = ""
    for group in chain:
        said = group.code in opened or group.extra.get("redcap", {}).get("said")
        if group.label and not said and item.code == _first(instrument, group):
            header = group.label.get(language, "")
    if not chain and item is instrument.items[0]:
        header = instrument.intro.get(language, "")
    return {"form_name": slug(form) if not chain else form, "section_header": header, "matrix_group_name": matrix}


def _first(instrument: Instrument, group: Group) -> str:
    inside = {group.code}
    for other in instrument.groups:
        if other.parent in inside:
            inside.add(other.code)
    return next((item.code for item in instrument.items if item.group in inside), "")


def _written_score(instrument: Instrument, one: Score, language: str, notes: list[str]) -> Cells | None:
    try:
        ours = _score_cells(instrument, one, language)
    except Unsayable as error:
        notes.append(f"score {one.id}: a calculated field has no words for {error}: left out")
        return None
    if one.cutoffs:
        notes.append(f"score {one.id}: cut-offs are left out")
    return respelled(ours, one.extra.get("redcap", {}), MODELLED, lambda cells: _sum(cells.get(CHOICES, "")))


def _score_cells(instrument: Instrument, one: Score, language: str) -> Cells:
    """A score as a calculated field. Raises Unsayable for anything but plain sums and means."""
    items = [instrument.item_by_code[name] for name in one.items]
    for item in items:
        values = values_of(instrument, item)
        if item.reverse or item.code in one.recode or any(code != f"{value:g}" for code, value in values.items()):
            raise Unsayable(f"reversed or recoded answers ({item.code})")
        if instrument.scale_of(item).kind == "multiple":
            raise Unsayable(f"counted answers ({item.code})")
    plain = one.method in ("sum", "mean", "value") and (one.multiply, one.add) == (1, 0)
    skips = one.missing.at_most == len(items) - 1 and one.missing.treat == "ignore"
    if not plain or not (skips or (one.missing.at_most == 0 and one.method != "mean")):
        raise Unsayable("its method or missing rule")
    fields = [f"[{name}]" for name in one.items]
    function = f"{'mean' if one.method == 'mean' else 'sum'}({', '.join(fields)})"
    label = one.title.get(language) or one.id
    last = _place_cells(instrument, items[-1], language, {group.code for group in instrument.groups})
    return {
        "field_name": one.id, "field_type": "calc", "field_label": label, **last, "section_header": "",
        "matrix_group_name": "", CHOICES: function if skips and len(items) > 1 else " + ".join(fields),
    }  # fmt: skip
