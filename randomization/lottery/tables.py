"""Spreadsheets of units: CSV with comma, semicolon or TAB, read with the line of every row."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from randomization.lottery.design import Design
from trialmgr.core.errors import BadInput, Fault

MOST_FAULTS = 20


@dataclass(frozen=True)
class Table:
    """A CSV file: its header, and its rows that are not empty with the line where each ends."""

    name: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def where(self, row: int) -> str:
        return f"{self.name}:{self.lines[row]}"

    def column(self, name: str) -> list[str]:
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class UnitTable:
    """The units of a lottery as `freeze` takes them; `persons` of each unit where the file lists persons."""

    name: str
    rows: list[tuple[str, ...]]
    lines: list[int]
    persons: dict[str, list[str]] = field(default_factory=dict)

    def where(self, row: int) -> str:
        return f"{self.name}:{self.lines[row]}"


def read_table(path: str | Path) -> Table:
    """Read a CSV file; names come in Unicode form NFC without spaces around them. Raises BadInput with the line."""
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BadInput(
            Fault(str(path), f"cannot be read ({error.strerror})", "check the name and the rights")
        ) from None
    except UnicodeDecodeError as error:
        raise BadInput(Fault(path.name, f"is not UTF-8 text (byte {error.start})", "save it as CSV UTF-8")) from None
    return parse_table(text, path.name)


def parse_table(text: str, name: str = "table") -> Table:
    """Parse CSV text; `name` names it in messages. Raises BadInput with the line of every fault."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise BadInput(Fault(f"{name}:{reader.line_num}", f"is not CSV ({error})", "check its quotes")) from None
    if not rows:
        raise BadInput(Fault(name, "is empty", "give a header line and a line for each unit"))
    columns = tuple(cell.strip() for cell in rows[0])
    table = Table(name, columns, rows[1:], lines[1:])
    if faults := _shape_faults(table, f"{name}:{lines[0]}"):
        raise BadInput(faults[:MOST_FAULTS])
    return Table(name, columns, [[_clean(cell) for cell in row] for row in rows[1:]], lines[1:])


def read_units(path: str | Path, design: Design) -> UnitTable:
    """The units of a CSV file: columns `unit`, `stratum` (else all are in one stratum `all`) and those of the design.

    With a column `person` each row is a person and the rows of a unit form it, so that a household is drawn once.
    """
    return units_of(read_table(path), design)


def units_of(table: Table, design: Design) -> UnitTable:
    """The units of a table. Raises BadInput for a missing column, or a unit whose persons are in different strata."""
    need = ["unit", *design.columns]
    missing = [column for column in need if column not in table.columns]
    if missing:
        raise BadInput([_missing(table, column) for column in missing])
    strata = table.column("stratum") if "stratum" in table.columns else ["all"] * len(table.rows)
    further = [table.column(column) for column in design.columns]
    rows = list(zip(table.column("unit"), strata, *further, strict=True))
    if "person" not in table.columns:
        return UnitTable(table.name, rows, table.lines)
    return _households(table, rows)


def read_places(path: str | Path) -> dict[str, int]:
    """The strata of a sequential lottery: columns `stratum` and `slots`, the number of places. Raises BadInput."""
    table = read_table(path)
    missing = [column for column in ("stratum", "slots") if column not in table.columns]
    if missing:
        raise BadInput([_missing(table, column) for column in missing])
    places: dict[str, int] = {}
    for row, (stratum, number) in enumerate(zip(table.column("stratum"), table.column("slots"), strict=True)):
        if not number.isascii() or not number.isdigit():
            raise BadInput(Fault(table.where(row), f"slots is {number!r}", "write a whole number"))
        if stratum in places:
            raise BadInput(Fault(table.where(row), f"stratum {stratum!r} stands twice", "give each once"))
        places[stratum] = int(number)
    return places


def _households(table: Table, rows: Sequence[tuple[str, ...]]) -> UnitTable:
    first: dict[str, int] = {}
    persons: dict[str, list[str]] = {}
    faults, seen = [], dict[str, int]()
    for place, (person, row) in enumerate(zip(table.column("person"), rows, strict=True)):
        unit, where = row[0], table.where(place)
        if rows[first.setdefault(unit, place)] != row:
            at = table.where(first[unit])
            faults.append(Fault(where, f"unit {unit!r} differs from {at}", "a unit has one stratum and one value each"))
        if not person:
            faults.append(Fault(where, "person is empty", "give the person a code"))
        elif (earlier := seen.setdefault(person, place)) != place:
            faults.append(Fault(where, f"person {person!r} stands twice", f"it is at {table.where(earlier)} already"))
        persons.setdefault(unit, []).append(person)
    if faults:
        raise BadInput(faults[:MOST_FAULTS])
    places = list(first.values())
    return UnitTable(table.name, [rows[place] for place in places], [table.lines[place] for place in places], persons)


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _clean(cell: str) -> str:
    cell = cell.strip(" \u00a0")
    return cell if cell.isascii() else unicodedata.normalize("NFC", cell)


def _shape_faults(table: Table, header: str) -> list[Fault]:
    named = [column for column in table.columns if column]
    twice = next((column for place, column in enumerate(named) if column in named[:place]), None)
    if twice is not None:
        return [Fault(header, f"column {twice!r} stands twice", "give each column its own name")]
    width = len(table.columns)
    return [
        Fault(table.where(place), f"has {len(row)} cells for {width} columns", "check its separators and quotes")
        for place, row in enumerate(table.rows)
        if len(row) != width
    ]


def _missing(table: Table, column: str) -> Fault:
    return Fault(f"{table.name}:1", f"column {column!r} is missing", f"found {', '.join(table.columns)}")
