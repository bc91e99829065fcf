"""What the columns and types of an XLSForm mean, in all the spellings that pyxform takes."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from surveys.instruments.exchange.common import Cells
from surveys.instruments.exchange.expressions import SELF, Known, UnknownItem, Unsayable, limits_of, read_condition
from surveys.instruments.schema import Kind, Scale, Text

COLUMNS = {
    "type": "type", "command": "type", "name": "name", "tag": "name",
    "label": "label", "caption": "label", "text": "label", "hint": "hint",
    "required": "required", "relevant": "relevant", "relevance": "relevant",
    "constraint": "constraint", "calculation": "calculation", "calculate": "calculation",
}  # fmt: skip
CHOICE_COLUMNS = {
    "list_name": "list_name", "list name": "list_name", "name": "name", "value": "name",
    "label": "label", "caption": "label",
}  # fmt: skip
TRANSLATED = ("label", "hint")
KINDS: dict[str, Kind] = {
    "text": "text", "string": "text", "integer": "integer", "int": "integer", "decimal": "decimal", "date": "date",
    "note": "note", "time": "text", "datetime": "text", "phonenumber": "text",
    "phone number": "text", "barcode": "text", "acknowledge": "choice", "trigger": "choice",
}  # fmt: skip
WRITTEN: dict[Kind, str] = {
    "text": "text", "long_text": "text", "integer": "integer", "decimal": "decimal", "date": "date", "note": "note",
}  # fmt: skip
SELECT = re.compile(
    r"(?P<one>select[_ ]one(?: from)?|select1)?(?P<many>select[_ ]multiple(?: from)?|select all that apply(?: from)?)?"
    r" (?P<list>\S+)(?P<other> or[_ ]other| or specify other)?",
    re.IGNORECASE,
)
BLOCK = re.compile(r"(?P<end>begin|end)[_ ](?P<what>group|repeat|loop)(?: over (?P<list>\S+))?", re.IGNORECASE)
NAMES = {
    "arabic": "ar", "chinese": "zh", "dutch": "nl", "nederlands": "nl", "english": "en", "french": "fr",
    "français": "fr", "german": "de", "italian": "it", "japanese": "ja", "macedonian": "mk", "polish": "pl",
    "portuguese": "pt", "somali": "so",
    "spanish": "es", "swahili": "sw", "tigrinya": "ti", "turkish": "tr", "ukrainian": "uk", "default": "default",
}  # fmt: skip
OWN_NAMES = {"nl": "Nederlands", "en": "English", "ar": "العربية", "tr": "Türkçe", "pl": "Polski", "uk": "Українська"}
YES = ("yes", "true", "true()")
PIPED = re.compile(r"\$\{[^}]+\}")


@dataclass(frozen=True)
class Column:
    """What a column holds: a modelled part (None for the others) and its language, if it has one."""

    part: str | None
    language: str | None


@dataclass(frozen=True)
class RowType:
    """What a type cell says: a kind of question (None for what is not carried), its list of answers, `or_other`."""

    kind: Kind | None
    list_name: str = ""
    other: bool = False


def column_of(header: str, known: Mapping[str, str] = COLUMNS) -> Column:
    """`label::Nederlands (nl)`, `bind:relevant`, `caption:english`: what they hold."""
    tokens = [token.strip() for token in re.split(r"::?", header)]
    if len(tokens) > 1 and tokens[0].lower() == "bind":
        tokens = tokens[1:]
    base = re.sub(r"\s+", " ", tokens[0].lower())
    part = known.get(base) or known.get(base.replace(" ", "_"))
    if len(tokens) == 1:
        return Column(part, None)
    return Column(part if part in TRANSLATED and len(tokens) == 2 else None, language_of(tokens[1]))


def language_of(name: str) -> str:
    """The code of a language by its XLSForm name: `Nederlands (nl)`, `english`; a name of our own when unknown."""
    if coded := re.search(r"\(([a-z]{2,3}(?:-[A-Za-z0-9]+)?)\)\s*$", name):
        return coded.group(1)
    lower = name.strip().lower()
    if lower in NAMES:
        return NAMES[lower]
    if re.fullmatch(r"[a-z]{2,3}", lower):
        return lower
    return f"qaa-{re.sub(r'[^A-Za-z0-9]', '', name) or 'x'}"


def header_for(part: str, language: str, single: bool) -> str:
    """The header that we write for a text."""
    return part if single else f"{part}::{OWN_NAMES.get(language, language)} ({language})"


def row_type(text: str) -> RowType:
    """The meaning of a type cell."""
    clean = re.sub(r"\s+", " ", text.strip())
    if found := SELECT.fullmatch(clean):
        if found["one"] or found["many"]:
            return RowType("choice" if found["one"] else "multiple", found["list"], bool(found["other"]))
        return RowType(None)
    return RowType(KINDS.get(clean.lower()))


@dataclass(frozen=True)
class Sheet:
    """A sheet's columns by what they hold."""

    headers: tuple[str, ...]
    columns: Mapping[str, Column]
    default: str

    @classmethod
    def of(cls, headers: Iterable[str], default: str, known: Mapping[str, str] = COLUMNS) -> "Sheet":
        headers = tuple(headers)
        return cls(headers, {header: column_of(header, known) for header in headers}, default)

    def cell(self, row: Mapping[str, str], part: str) -> str:
        """The cell of an untranslated part."""
        for header, column in self.columns.items():
            if column.part == part and column.language is None and row.get(header):
                return row[header]
        return ""

    def languages(self, part: str) -> list[str]:
        """Languages that this part has columns for."""
        found = [column for column in self.columns.values() if column.part == part]
        return list(dict.fromkeys(self._language(column) for column in found))

    def _language(self, column: Column) -> str:
        return self.default if column.language in (None, "default") else column.language or self.default

    def texts(self, row: Mapping[str, str], part: str) -> Text:
        """The translations of a part in this row."""
        found = {
            self._language(column): row[header]
            for header, column in self.columns.items()
            if column.part == part and row.get(header)
        }
        return dict(sorted(found.items()))

    def header(self, part: str, language: str | None = None) -> str | None:
        """The column that holds a part, in a language for texts."""
        for header, column in self.columns.items():
            if column.part == part and (language is None or self._language(column) == language):
                return header
        return None

    def modelled(self) -> set[str]:
        """Headers of the columns that we have words for."""
        return {header for header, column in self.columns.items() if column.part is not None}


def filled(texts: Text, languages: Iterable[str], instead: str) -> Text:
    """Texts in all the languages: what lacks takes the first text there is, or else `instead`."""
    spare = next(iter(texts.values()), instead)
    return {language: texts.get(language, spare) for language in languages}


def limits(text: str, scale: Scale) -> tuple[float | None, float | None]:
    """The limits in a constraint cell. Raises Unsayable."""
    try:
        return limits_of(read_condition(text, Known({SELF: scale})), whole=scale.kind == "integer")
    except UnknownItem as error:
        raise Unsayable(f"it looks at {error}") from None


def constraint(scale: Scale) -> str:
    """The constraint cell for the limits of a number."""
    parts = [f". {sign} {limit:g}" for sign, limit in ((">=", scale.min), ("<=", scale.max)) if limit is not None]
    return " and ".join(parts)


def meaning(sheet: Sheet, cells: Cells, known: Known, languages: tuple[str, ...]) -> tuple[object, ...]:
    """What a survey row says, for comparing two spellings of it."""
    kind = row_type(sheet.cell(cells, "type"))
    name = sheet.cell(cells, "name")
    relevant, limit = sheet.cell(cells, "relevant"), sheet.cell(cells, "constraint")
    condition: object = None
    bounds: tuple[float | None, float | None] = (None, None)
    with suppress(Unsayable, UnknownItem):
        condition = read_condition(relevant, known) if relevant else None
    if limit and kind.kind in ("integer", "decimal"):
        with suppress(Unsayable):
            bounds = limits(limit, Scale(kind=kind.kind))
    label = filled(sheet.texts(cells, "label"), languages, name)
    hint = sheet.texts(cells, "hint")
    return (kind, name, label, filled(hint, languages, "") if hint else {}, required(sheet, cells), condition, bounds)


def required(sheet: Sheet, cells: Mapping[str, str]) -> bool:
    return sheet.cell(cells, "required").strip().lower() in YES
