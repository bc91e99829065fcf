"""Writing XLSForms: rows of the survey, choices and settings sheets."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from surveys.instruments.exchange.common import Cells, left_out, plain_items, respelled, slug
from surveys.instruments.exchange.expressions import Known, Unsayable, write_condition
from surveys.instruments.exchange.xlsform_cells import (
    CHOICE_COLUMNS,
    OWN_NAMES,
    WRITTEN,
    Sheet,
    constraint,
    header_for,
    meaning,
)
from surveys.instruments.schema import NUMERIC, Group, Instrument, Item, Scale, Score

FORMAT = "xlsform"
GROUP_PARTS = ("type", "name", "label", "relevant")
Book = dict[str, list[list[str]]]


def item_cells(
    sheet: Sheet, instrument: Instrument, item: Item, languages: Sequence[str], notes: list[str] | None = None
) -> Cells:
    """The survey row of an item, as we write it."""
    scale = instrument.scale_of(item)
    cells = {_header(sheet, "type"): _type(scale, item), _header(sheet, "name"): item.code}
    cells |= _texts(sheet, "label", item.text, languages) | _texts(sheet, "hint", item.hint, languages)
    if item.required:
        cells[_header(sheet, "required")] = "yes"
    if scale.kind in NUMERIC and constraint(scale):
        cells[_header(sheet, "constraint")] = constraint(scale)
    if item.when is not None:
        cells |= _relevant(sheet, item.code, item.when, instrument, notes)
    return cells


def _relevant(sheet: Sheet, name: str, when: Any, instrument: Instrument, notes: list[str] | None) -> Cells:
    try:
        return {_header(sheet, "relevant"): write_condition(when, instrument, "xlsform")}
    except Unsayable as error:
        if notes is not None:
            notes.append(f"{name}: relevant has no words for {error}: left out")
        return {}


def _type(scale: Scale, item: Item) -> str:
    if scale.kind not in ("choice", "multiple"):
        return WRITTEN[scale.kind]
    kept = scale.extra.get(FORMAT, {})
    if kept.get("list") == "":
        return "acknowledge"
    word = "select_one" if scale.kind == "choice" else "select_multiple"
    return f"{word} {list_name(scale, item)}{' or_other' if kept.get('other') else ''}"


def list_name(scale: Scale, item: Item) -> str:
    """The list of an item's answers: that of its source, or its scale's name (another when it offers not to say)."""
    kept = scale.extra.get(FORMAT, {})
    return str(kept["list"]) if kept.get("list") else item.scale + ("_or_not" if item.sensitive else "")


def _header(sheet: Sheet, part: str) -> str:
    return sheet.header(part) or part


def _texts(sheet: Sheet, part: str, texts: dict[str, str], languages: Sequence[str]) -> Cells:
    cells = {}
    for language in languages:
        if texts.get(language):
            header = sheet.header(part, language) or header_for(part, language, len(languages) == 1)
            cells[header] = texts[language]
    return cells


def group_cells(
    sheet: Sheet, group: Group | None, languages: Sequence[str], instrument: Instrument | None = None,
    notes: list[str] | None = None,
) -> Cells:  # fmt: skip
    """The row that begins a group, or (without one) ends it."""
    if group is None:
        return {_header(sheet, "type"): "end_group"}
    cells = {
        _header(sheet, "type"): "begin_group",
        _header(sheet, "name"): group.extra.get(FORMAT, {}).get("name", group.code),
    }
    cells |= _texts(sheet, "label", group.label, languages)
    if group.when is not None and instrument is not None:
        cells |= _relevant(sheet, group.code, group.when, instrument, notes)
    return cells


def choice_cells(sheet: Sheet, name: str, code: object, label: dict[str, str], languages: Sequence[str]) -> Cells:
    """The choices row of one answer."""
    cells = {_header(sheet, "list_name"): name, _header(sheet, "name"): str(code)}
    return cells | _texts(sheet, "label", label, languages)


def score_cells(sheet: Sheet, instrument: Instrument, one: Score) -> Cells:
    """A score as a calculate row. Raises Unsayable for anything but a plain sum."""
    items = plain_items(instrument, one)
    skips = one.missing.at_most == len(items) - 1 and one.missing.treat == "ignore" and len(items) > 1
    if (
        one.method not in ("sum", "value")
        or (one.multiply, one.add) != (1, 0)
        or not (skips or not one.missing.at_most)
    ):
        raise Unsayable("its method or missing rule")
    terms = [f"coalesce(${{{name}}}, 0)" if skips else f"${{{name}}}" for name in one.items]
    cells = {_header(sheet, "type"): "calculate", _header(sheet, "name"): one.id}
    return cells | {_header(sheet, "calculation"): " + ".join(terms)}


def write_workbook(instrument: Instrument, language: str | None = None) -> tuple[Book, list[str]]:
    """The sheets of an XLSForm (rows of cells, header first) and a line for what it has no words for.

    With `language`, in that language only. Cells read from an XLSForm keep their spelling while they say the same.
    """
    source = instrument.extra.get(FORMAT, {})
    languages = tuple(instrument.languages) if language is None else (language,)
    survey = Sheet.of(source.get("survey", ()), source.get("default", languages[0]))
    choices = Sheet.of(source.get("choices", ()), source.get("default", languages[0]), CHOICE_COLUMNS)
    notes = left_out(instrument, languages, intro=True)
    rows = _survey_rows(instrument, survey, languages, notes)
    rows += [(float(row["row"]), dict(row["cells"])) for row in source.get("foreign", [])]
    listed = _choice_rows(instrument, choices, languages)
    listed += [(float(row["row"]), dict(row["cells"])) for row in source.get("spare_choices", [])]
    book = {"survey": _grid(rows, survey.headers), "choices": _grid(listed, choices.headers)}
    settings = source.get("settings") or _settings(instrument, languages)
    book["settings"] = _grid([(1, settings)] if settings else [], source.get("settings_header", ()))
    for name, kept in source.get("sheets", {}).items():
        book[name] = _grid([(place, row) for place, row in enumerate(kept)], ())
    return {name: grid for name, grid in book.items() if grid[0]}, notes


def _settings(instrument: Instrument, languages: Sequence[str]) -> Cells:
    if FORMAT in instrument.extra:
        return {}
    first = languages[0]
    cells = {"form_title": instrument.title[first], "form_id": slug(instrument.id), "version": instrument.version}
    return cells | ({"default_language": f"{OWN_NAMES.get(first, first)} ({first})"} if len(languages) > 1 else {})


def _grid(rows: Sequence[tuple[float, Cells]], headers: Sequence[str]) -> list[list[str]]:
    ordered = [cells for _, cells in sorted(rows, key=lambda row: row[0])]
    used = dict.fromkeys(header for cells in ordered for header, text in cells.items() if text)
    names = [*headers, *(header for header in used if header not in headers)]
    return [names, *([cells.get(name, "") for name in names] for cells in ordered)]


def _survey_rows(
    instrument: Instrument, sheet: Sheet, languages: Sequence[str], notes: list[str]
) -> list[tuple[float, Cells]]:
    writer = _Rows(instrument, sheet, tuple(languages), notes)
    for item in instrument.items:
        writer.move_to(item.group)
        if "other_of" not in item.extra.get(FORMAT, {}):
            ours = item_cells(sheet, instrument, item, languages, notes)
            writer.add(item.extra, "row", writer.spelled(ours, item.extra.get(FORMAT, {})))
    writer.move_to(None)
    for one in instrument.scores:
        try:
            ours = score_cells(sheet, instrument, one)
        except Unsayable as error:
            notes.append(f"score {one.id}: a calculation has no words for {error}: left out")
            continue
        if one.cutoffs:
            notes.append(f"score {one.id}: cut-offs are left out")
        kept = one.extra.get(FORMAT, {})
        spelled = respelled(ours, kept, sheet.modelled(), partial(_words_of, _header(sheet, "calculation")))
        writer.add(one.extra, "row", spelled)
    return writer.rows


def _words_of(header: str, cells: Cells) -> list[str]:
    return cells.get(header, "").split()


class _Rows:
    """Survey rows in order: those of a source by their row there, others after the row before them."""

    def __init__(self, instrument: Instrument, sheet: Sheet, languages: tuple[str, ...], notes: list[str]) -> None:
        self.instrument, self.sheet, self.languages, self.notes = instrument, sheet, languages, notes
        self.known = Known({item.code: instrument.scale_of(item) for item in instrument.items})
        self.rows: list[tuple[float, Cells]] = []
        self.last = 1.0
        self.open: list[Group] = []

    def add(self, extra: dict[str, Any], key: str, cells: Cells) -> None:
        self.last = float(extra.get(FORMAT, {}).get(key, self.last + 1e-4))
        self.rows.append((self.last, cells))

    def spelled(self, ours: Cells, kept: Mapping[str, Any]) -> Cells:
        return respelled(
            ours, kept, self.sheet.modelled(), lambda cells: meaning(self.sheet, cells, self.known, self.languages)
        )

    def move_to(self, name: str | None) -> None:
        """Close the groups that do not hold the next item and open those that do."""
        chain: list[Group] = []
        while name is not None:
            chain.insert(0, self.instrument.group_by_code[name])
            name = chain[0].parent
        while self.open and self.open[-1] not in chain:
            closed = self.open.pop()
            kept = closed.extra.get(FORMAT, {}).get("end_cells", {})
            self.add(closed.extra, "end", {**group_cells(self.sheet, None, self.languages), **kept})
        for group in chain[len(self.open) :]:
            ours = group_cells(self.sheet, group, self.languages, self.instrument, self.notes)
            self.add(group.extra, "row", self._group(ours, group.extra.get(FORMAT, {})))
            self.open.append(group)

    def _group(self, ours: Cells, kept: Mapping[str, Any]) -> Cells:
        """A group's row: it holds texts in other columns than its label, and its type has many spellings."""
        free = [header for header, column in self.sheet.columns.items() if column.part not in GROUP_PARTS]
        free.append(_header(self.sheet, "type"))
        ours |= {header: kept["cells"][header] for header in free if header in kept.get("cells", {})}
        return self.spelled(ours, kept)


def _choice_rows(instrument: Instrument, sheet: Sheet, languages: Sequence[str]) -> list[tuple[float, Cells]]:
    rows: list[tuple[float, Cells]] = []
    done: set[str] = set()
    for item in instrument.items:
        scale = instrument.scale_of(item)
        kept = scale.extra.get(FORMAT, {})
        name = list_name(scale, item) if scale.kind in ("choice", "multiple") else ""
        if not name or name in done or kept.get("list") == "":
            continue
        done.add(name)
        options = [
            option for option in instrument.options_of(item) if not (kept.get("other") and option.code == "other")
        ]
        for option in options:
            label = {language: scale.label_of(option, language) for language in languages}
            ours = choice_cells(sheet, name, option.code, label, languages)
            source = kept.get("rows", {}).get(str(option.code), {})
            cells = respelled(ours, source, sheet.modelled(), partial(_choice_meaning, sheet, languages))
            rows.append((float(source.get("row", (rows[-1][0] if rows else 1.0) + 1e-4)), cells))
    return rows


def _choice_meaning(sheet: Sheet, languages: Sequence[str], cells: Cells) -> tuple[object, ...]:
    code = sheet.cell(cells, "name") or cells.get("name", "")
    label = sheet.texts(cells, "label")
    spare = next(iter(label.values()), code)
    return code, sheet.cell(cells, "list_name"), {language: label.get(language, spare) for language in languages}
