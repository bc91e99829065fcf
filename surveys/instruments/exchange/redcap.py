"""Reading REDCap data dictionaries: 17 or 18 columns, in the spelling of the file or of the API."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surveys.instruments.exchange.common import Cells, Draft, Imported, finished, kept_from, slug
from surveys.instruments.exchange.redcap_cells import (
    CHOICES,
    COLUMNS,
    HIGH,
    LOW,
    NOT_CARRIED,
    OTHER_NAMES,
    TYPES,
    UNUSED,
    VALID,
    kind_of,
    number_of,
    question_of,
    sum_of,
)
from surveys.instruments.exchange.redcap_write import item_cells, score_cells
from surveys.instruments.schema import NUMERIC, Group, Item, Missing, Score
from trialmgr.core.errors import BadInput, Fault

MARKUP = re.compile(r"</?[A-Za-z][^>]*>|\[\w+\]")


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
    blank = _blank(rows, header.names)
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
        rows.append((number, {**dict.fromkeys(COLUMNS, ""), **dict(zip(header.names, padded, strict=False))}))
    if faults:
        raise BadInput(faults)
    return rows


def _blank(rows: Sequence[tuple[int, Cells]], names: Sequence[str]) -> str | None:
    """R writes NA for an empty cell: so read it where the file has no empty cell but has NA in unused columns."""
    texts = [cells[name] for _, cells in rows for name in names]
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
    if cells.get(VALID, "") and cells["field_type"] == "text" and kind_of(cells) == "text":
        draft.note(number, f"validation {cells[VALID]!r} is not checked: kept, not used")
    if kind_of(cells) == "date" and (cells.get(LOW) or cells.get(HIGH)):
        draft.note(number, "limits of a date are not checked: kept, not used")
    for column in ("field_label", "field_note", "section_header"):
        if MARKUP.search(cells[column]):
            draft.note(number, f"{COLUMNS[column]} holds HTML or shows an answer: shown as it stands")
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
        if kind_of(cells) in NUMERIC and cells.get(column) and number_of(cells[column]) is None:
            draft.fault(number, COLUMNS[column], f"{cells[column]!r} is not a number", "give a number")
    if draft.faults:
        return
    question = question_of(cells, draft.known, language, when)
    scale = draft.scale_name(question.scale, f"{cells['field_name']}_answers")
    item = Item(
        code=cells["field_name"], text=dict(question.text), hint=dict(question.hint), scale=scale,
        required=question.required, sensitive=question.sensitive, when=when, group=groups.of(cells),
        extra={"redcap": {"row": number}},
    )  # fmt: skip
    draft.items.append(item)
    ours = item_cells(draft.so_far(groups=tuple(groups.made)), item, language)
    extra = {"redcap": kept_from(number, cells, ours, ["branching_logic"])}
    draft.items[-1] = item.model_copy(update={"extra": extra})


def _read_calc(draft: Draft, groups: _Groups, number: int, cells: Cells, language: str) -> bool:
    """Whether the calculation is a sum or mean of earlier fields; then it is made a score."""
    read = sum_of(cells[CHOICES])
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
    ours = score_cells(draft.so_far(groups=tuple(groups.made)), one, language)
    kept = kept_from(number, cells, ours)
    draft.scores.append(one.model_copy(update={"extra": {"redcap": kept}}))
    return True
