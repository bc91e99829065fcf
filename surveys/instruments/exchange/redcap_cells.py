"""What the columns of a REDCap data dictionary mean."""

import re
from collections.abc import Mapping
from typing import Any

from surveys.instruments.exchange.common import Question, choice_options
from surveys.instruments.exchange.expressions import Known, UnknownItem, Unsayable, read_condition
from surveys.instruments.schema import NUMERIC, Kind, Scale

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


def kind_of(cells: Mapping[str, str]) -> Kind:
    """The kind of question a row asks."""
    kind = TYPES.get(cells["field_type"], "text")
    if kind != "text":
        return kind
    validation = cells.get(VALID, "")
    if validation == "integer":
        return "integer"
    if validation.startswith("number"):
        return "decimal"
    return "date" if re.fullmatch(r"date_(dmy|mdy|ymd)", validation) else "text"


def question_of(cells: Mapping[str, str], known: Known, language: str, when: Any = None) -> Question:
    """What a row says; `when` as read already, or else read here and dropped where it cannot be carried."""
    kind, sensitive = kind_of(cells), False
    limits: dict[str, Any] = {}
    if kind in NUMERIC:
        low, high = (0.0, 100.0) if cells["field_type"] == "slider" else (None, None)
        limits = {"min": number_of(cells.get(LOW, "")), "max": number_of(cells.get(HIGH, ""))}
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


def number_of(text: str) -> float | None:
    """The number in a limit cell, with a point or a comma; None when there is none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def sum_of(text: str) -> tuple[Any, tuple[str, ...], int] | None:
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
