"""Reading XLSForms: checked by pyxform, carried row by row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyxform.errors import PyXFormError
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import DefinitionData, get_xlsform

from surveys.instruments.conditions import Condition
from surveys.instruments.exchange.common import Cells, Draft, Imported, choice_options, finished, kept_from, slug
from surveys.instruments.exchange.expressions import Unsayable
from surveys.instruments.exchange.xlsform_cells import (
    BLOCK,
    CHOICE_COLUMNS,
    PIPED,
    YES,
    RowType,
    Sheet,
    filled,
    language_of,
    limits,
    required,
    row_type,
)
from surveys.instruments.exchange.xlsform_write import choice_cells, group_cells, item_cells, score_cells
from surveys.instruments.schema import Group, Item, Missing, Option, Scale, Score
from trialmgr.core.errors import BadInput, Fault

FORMAT = "xlsform"
UNKNOWN_KIND = "not recognized as a supported type"
NO_FORM = (
    "is neither a REDCap data dictionary nor an XLSForm",
    "give a dictionary with the column Variable / Field Name, or a form with a sheet survey",
)
ROW = re.compile(r"\[row : (\d+)\]\s*")
TERM = re.compile(r"\s*(?:\$\{(?P<bare>[^}]+)\}|(?:coalesce|if)\(\s*\$\{(?P<filled>[^}]+)\}\s*,\s*0\s*\))\s*")
OTHER_LABEL = {"nl": "Anders", "en": "Other"}
OTHER_TEXT = {"nl": "Wat bedoelt u?", "en": "Specify other."}
SETTINGS = ("form_title", "set form title", "form_id", "version", "default_language")
OTHER_SHEETS = ("external_choices", "entities", "osm")


@dataclass
class Form:
    """A workbook being read."""

    draft: Draft
    survey: Sheet
    choices: Sheet
    lists: dict[str, list[tuple[int, Cells]]]
    languages: tuple[str, ...]
    groups: list[Group] = field(default_factory=list)
    open: list[tuple[str, str]] = field(default_factory=list)  # kind of block, code of its group
    foreign: list[dict[str, Any]] = field(default_factory=list)
    unused: dict[str, list[int]] = field(default_factory=dict)


def read_workbook(path: Path, language: str = "en") -> Imported:
    """The instrument in an XLSForm (.xlsx, .xls, .csv). Raises BadInput with the row."""
    book = _opened(path)
    settings = (book.settings or [{}])[0]
    default = language_of(settings["default_language"]) if settings.get("default_language") else language
    default = language if default == "default" else default
    survey = Sheet.of(_headers(book.survey_header), default)
    choices = Sheet.of(_headers(book.choices_header), default, CHOICE_COLUMNS)
    rows = [(number, dict(row)) for number, row in enumerate(book.survey or [], 2) if row]
    names = frozenset(survey.cell(row, "name") for _, row in rows)
    found = survey.languages("label") or survey.languages("hint") or [default]
    languages = (default, *(one for one in found if one != default)) if default in found else tuple(found)
    form = Form(Draft(path.name, slug(path.stem), names=names), survey, choices, _lists(book, choices), languages)
    for number, row in rows:
        _read_row(form, number, row)
    _note_leftovers(form, book, settings)
    return Imported(_finish(form, book, settings, path), tuple(form.draft.notes))


def _note_leftovers(form: Form, book: DefinitionData, settings: Mapping[str, str]) -> None:
    """List columns, settings and sheets that are not used."""
    notes = form.draft.notes
    for header, where in form.unused.items():
        notes.append(f"column {header!r} (rows {', '.join(map(str, where))}): kept, not used")
    for header in form.choices.headers:
        if header not in form.choices.modelled() and any(row.get(header) for row in book.choices or []):
            notes.append(f"column {header!r} of choices: kept, not used")
    notes += [f"setting {name!r}: kept, not used" for name in settings if name not in SETTINGS]
    known = {"survey", "choices", "settings", *OTHER_SHEETS}
    others = [name for name in book.sheet_names or () if name.lower() not in known]
    notes += [f"sheet {name!r} is no part of an XLSForm: not carried" for name in others]
    for name in OTHER_SHEETS:
        if getattr(book, name):
            notes.append(f"sheet {name!r}: kept, not used")


def _opened(path: Path) -> DefinitionData:
    """The sheets of the form. What the library says of files that are none of its kind is not for readers."""
    try:
        workbook_to_json(get_xlsform(path), form_name="data", fallback_form_name="data", warnings=[])
        return get_xlsform(path)
    except PyXFormError as error:
        if UNKNOWN_KIND in str(error):
            raise BadInput(Fault(path.name, *NO_FORM)) from None
        row = ROW.search(str(error))
        where = f"{path.name}: row {row.group(1)}" if row else path.name
        what = " ".join(ROW.sub("", str(error)).split())
        raise BadInput(Fault(where, f"is not a sound XLSForm: {what}", "mend the form")) from None
    except TypeError:
        raise BadInput(Fault(path.name, *NO_FORM)) from None
    except (ValueError, KeyError, AttributeError):
        what = "cannot be read as an XLSForm"
        raise BadInput(Fault(path.name, what, "check its sheets survey, choices and settings")) from None


def _headers(header: Any) -> list[str]:
    return list(header[0]) if header else []


def _lists(book: DefinitionData, sheet: Sheet) -> dict[str, list[tuple[int, Cells]]]:
    lists: dict[str, list[tuple[int, Cells]]] = {}
    for number, row in enumerate(book.choices or [], 2):
        if row:
            lists.setdefault(sheet.cell(row, "list_name"), []).append((number, dict(row)))
    return lists


def _finish(form: Form, book: DefinitionData, settings: Mapping[str, str], path: Path) -> Any:
    holding = {item.group for item in form.draft.items}
    for group in reversed(form.groups):
        if group.code in holding:
            holding.add(group.parent)
    for group in form.groups:
        if group.code not in holding:
            kept = group.extra[FORMAT]
            form.draft.note(kept["row"], f"group {group.code} holds no question that is carried: kept, not used")
            form.foreign += [
                {"row": kept[row], "cells": kept[cells]} for row, cells in (("row", "all"), ("end", "last"))
            ]
    groups = tuple(_trimmed(group) for group in form.groups if group.code in holding)
    used = {scale.extra.get(FORMAT, {}).get("list") for scale in form.draft.scales.values()}
    spare = [{"row": n, "cells": row} for name, rows in form.lists.items() if name not in used for n, row in rows]
    extra = {
        "survey": list(form.survey.headers), "choices": list(form.choices.headers), "default": form.survey.default,
        "settings_header": _headers(book.settings_header), "settings": dict(settings), "foreign": form.foreign,
        "spare_choices": spare,
        "sheets": {name: [dict(row) for row in getattr(book, name)] for name in OTHER_SHEETS if getattr(book, name)},
    }  # fmt: skip
    title = settings.get("form_title") or settings.get("set form title") or path.stem
    version = settings.get("version", "")
    return finished(
        form.draft, id=slug(settings.get("form_id") or path.stem), groups=groups, extra={FORMAT: extra},
        version=version if re.fullmatch(r"[0-9]+(\.[0-9]+)*", version) else "1.0",
        title=dict.fromkeys(form.languages, title), languages=form.languages,
        licence={"ship": "no", "terms": "Imported: fill in the terms of use."},
    )  # fmt: skip


def _trimmed(group: Group) -> Group:
    kept = {name: value for name, value in group.extra[FORMAT].items() if name not in ("all", "last")}
    return group.model_copy(update={"extra": {FORMAT: kept}})


def _read_row(form: Form, number: int, row: Cells) -> None:
    text = form.survey.cell(row, "type")
    inside = any(block != "group" for block, _ in form.open)
    if block := BLOCK.fullmatch(re.sub(r"\s+", " ", text.strip())):
        _read_block(form, number, row, block["end"].lower() == "begin", block["what"].lower())
        return
    kind = row_type(text)
    if form.survey.cell(row, "disabled") or row.get("disabled", "").lower() in YES:
        _keep(form, number, row, "is disabled")
    elif inside:
        _keep(form, number, row, "lies in a repeat")
    elif text.strip().lower() in ("calculate", "calculation"):
        if not _read_calculation(form, number, row):
            _keep(form, number, row, "calculates something else than a sum")
    elif kind.kind is None:
        _keep(form, number, row, f"has the type {text!r}" if text else "has no type")
    elif kind.list_name and kind.list_name not in form.lists:
        _keep(form, number, row, f"has its answers elsewhere ({kind.list_name})")
    else:
        _read_item(form, number, row, kind)


def _keep(form: Form, number: int, row: Cells, why: str) -> None:
    form.foreign.append({"row": number, "cells": row})
    name = form.survey.cell(row, "name")
    form.draft.note(number, f"{name + ' ' if name else ''}{why}: kept, not used")


def _read_block(form: Form, number: int, row: Cells, begins: bool, what: str) -> None:
    inside = any(block != "group" for block, _ in form.open)
    if not begins:
        _, code = form.open.pop() if form.open else ("", "")
        if code:
            place = next(place for place, group in enumerate(form.groups) if group.code == code)
            kept = {**form.groups[place].extra[FORMAT], "end": number, "last": row}
            kept["end_cells"] = kept_from(number, row, group_cells(form.survey, None, form.languages))["cells"]
            form.groups[place] = form.groups[place].model_copy(update={"extra": {FORMAT: kept}})
        else:
            form.foreign.append({"row": number, "cells": row})
        return
    if what != "group" or inside:
        form.open.append((what, ""))
        _keep(form, number, row, f"begins a {what}" if what != "group" else "lies in a repeat")
        return
    name = form.survey.cell(row, "name")
    parent = next((code for _, code in reversed(form.open) if code), None)
    label = form.survey.texts(row, "label")
    relevant = form.survey.cell(row, "relevant")
    code, copies = name, 2
    while code in {group.code for group in form.groups}:
        code, copies = f"{name}_{copies}", copies + 1
    named = {"name": name} if code != name else {}
    group = Group(
        code=code, extra={FORMAT: named}, parent=parent, label=filled(label, form.languages, name) if label else {},
        when=form.draft.condition(relevant, number, "relevant") if relevant else None,
    )  # fmt: skip
    ours = group_cells(form.survey, group, form.languages, form.draft.so_far(groups=tuple(form.groups)))
    kept = {**named, "all": row, **kept_from(number, row, ours, _loose(form.survey))}
    form.groups.append(group.model_copy(update={"extra": {FORMAT: kept}}))
    form.open.append(("group", code))
    _note_unused(form, number, row)


def _note_unused(form: Form, number: int, row: Cells, *texts: str) -> None:
    for header in row:
        if header not in form.survey.modelled():
            form.unused.setdefault(header, []).append(number)
    for text in texts:
        if PIPED.search(text):
            form.draft.note(number, f"{text!r} shows an answer: shown as it stands")


def _read_item(form: Form, number: int, row: Cells, kind: RowType) -> None:
    draft, sheet, name = form.draft, form.survey, form.survey.cell(row, "name")
    if not name:
        _keep(form, number, row, "a question without a name")
        return
    if name in draft.rows:
        _keep(form, number, row, f"has the name of row {draft.rows[name]}")
        return
    scale, sensitive, wanted = _scale(form, number, row, kind)
    if scale is None:
        return
    relevant, label, hint = sheet.cell(row, "relevant"), sheet.texts(row, "label"), sheet.texts(row, "hint")
    when = draft.condition(relevant, number, "relevant") if relevant else None
    if sheet.cell(row, "required").strip().lower() not in (*YES, "", "no", "false", "false()"):
        draft.note(number, f"required {sheet.cell(row, 'required')!r} is a condition: kept, not used")
    item = Item(
        code=name, scale=draft.scale_name(scale, wanted), text=filled(label, form.languages, name),
        hint=filled(hint, form.languages, "") if hint else {}, required=required(sheet, row), when=when,
        sensitive=sensitive, group=form.open[-1][1] if form.open else None,
    )  # fmt: skip
    draft.rows[name] = number
    draft.items.append(item)
    _note_unused(form, number, row, *label.values(), *hint.values())
    if len(label) < len(form.languages) and kind.kind is not None:
        lacking = [one for one in form.languages if one not in label]
        draft.note(number, f"{name} has no label in {', '.join(lacking)}: another text stands in")
    ours = item_cells(sheet, draft.so_far(groups=tuple(form.groups)), item, form.languages)
    kept = kept_from(number, row, ours, _loose(sheet))
    draft.items[-1] = item.model_copy(update={"extra": {FORMAT: kept}})
    if kind.other:
        _add_other(form, number, name, when)


def _loose(sheet: Sheet) -> list[str]:
    """Columns whose cells may be more than can be carried."""
    return [header for header, column in sheet.columns.items() if column.part in ("relevant", "constraint", "required")]


def _add_other(form: Form, number: int, name: str, when: Condition | None) -> None:
    """The question that `or_other` adds, asked when "other" is chosen."""
    multiple = form.draft.known.scale(name).kind == "multiple"
    chosen = Condition.model_validate({"item": name, "ticked" if multiple else "is": "other"})
    text = {language: OTHER_TEXT.get(language, OTHER_TEXT["en"]) for language in form.languages}
    scale = form.draft.scale_name(Scale(kind="text"), "text")
    group = form.open[-1][1] if form.open else None
    extra = {FORMAT: {"row": number, "other_of": name}}
    form.draft.items.append(Item(code=f"{name}_other", scale=scale, text=text, when=chosen, group=group, extra=extra))
    form.draft.rows[f"{name}_other"] = number


def _scale(form: Form, number: int, row: Cells, kind: RowType) -> tuple[Scale | None, bool, str]:
    """The answers of a question, whether it offers not to say, and a name for the scale."""
    if kind.list_name:
        return _listed(form, number, row, kind)
    if kind.kind == "choice":  # acknowledge
        label = dict.fromkeys(form.languages, "OK")
        return Scale(options=(Option(code="OK", label=label),), extra={FORMAT: {"list": ""}}), False, "acknowledge"
    scale = Scale(kind=kind.kind or "text")
    text = form.survey.cell(row, "constraint")
    if not text:
        return scale, False, scale.kind
    if scale.kind not in ("integer", "decimal"):
        form.draft.note(number, f"constraint {text!r} on a {scale.kind} is not checked: kept, not used")
        return scale, False, scale.kind
    try:
        low, high = limits(text, scale)
        return Scale(kind=scale.kind, min=low, max=high), False, f"{form.survey.cell(row, 'name')}_answers"
    except (Unsayable, ValueError) as error:
        form.draft.note(number, f"constraint {text!r}: {error}: kept, not used")
        return scale, False, scale.kind


def _listed(form: Form, number: int, row: Cells, kind: RowType) -> tuple[Scale | None, bool, str]:
    rows = form.lists[kind.list_name]
    codes = [form.choices.cell(cells, "name") for _, cells in rows]
    if len(set(codes)) < len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        _keep(form, number, row, f"chooses from {kind.list_name}, which has {twice} twice")
        return None, False, ""
    pairs = [(form.choices.cell(cells, "name"), form.choices.texts(cells, "label")) for _, cells in rows]
    pairs = [(code, filled(label, form.languages, code)) for code, label in pairs]
    if kind.other:
        pairs.append(("other", {one: OTHER_LABEL.get(one, OTHER_LABEL["en"]) for one in form.languages}))
    options, sensitive = choice_options(pairs, form.languages)
    kept = {
        str(code): kept_from(place, cells, choice_cells(form.choices, kind.list_name, code, label, form.languages))
        for (code, label), (place, cells) in zip(pairs, rows, strict=False)
    }
    extra = {"list": kind.list_name, "rows": kept, "other": kind.other}
    return Scale(kind=kind.kind or "choice", options=options, extra={FORMAT: extra}), sensitive, kind.list_name


def _read_calculation(form: Form, number: int, row: Cells) -> bool:
    """Whether a calculation is a sum of earlier questions; then it is made a score."""
    draft = form.draft
    terms = [TERM.fullmatch(term) for term in form.survey.cell(row, "calculation").split("+")]
    names = [term["bare"] or term["filled"] for term in terms if term]
    known = {item.code: draft.scales[item.scale] for item in draft.items}
    if None in terms or len(set(names)) < len(names) or not set(names) <= set(known):
        return False
    skips = [bool(term and term["filled"]) for term in terms]
    if len(set(skips)) > 1 or any(known[name].kind not in ("integer", "decimal", "choice") for name in names):
        return False
    if any(option.number is None for name in names for option in known[name].choices):
        return False
    name = form.survey.cell(row, "name")
    title = filled(form.survey.texts(row, "label"), form.languages, name)
    missing = Missing(at_most=len(names) - 1 if skips[0] else 0)
    one = Score(
        id=name, title=title, items=tuple(names), missing=missing, method="value" if len(names) == 1 else "sum"
    )  # fmt: skip
    ours = score_cells(form.survey, draft.so_far(), one)
    draft.scores.append(one.model_copy(update={"extra": {FORMAT: kept_from(number, row, ours)}}))
    _note_unused(form, number, row)
    return True
