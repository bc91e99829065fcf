"""Allocation lists made elsewhere: REDCap allocation tables and clinicedc lists, in and out.

A list is read whole or not at all; rows keep their order within their stratum.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from randomization.lottery.record import Record
from randomization.lottery.sequential import places_of
from randomization.lottery.tables import MOST_FAULTS, Table, read_table
from trialmgr.core.documents import read_document, validate
from trialmgr.core.errors import BadInput, Fault

NUMBER, GROUP = "redcap_randomization_number", "redcap_randomization_group"
MOST_STRATA = 14
CLINICEDC = ("sid", "assignment", "site_name")


class Expected(BaseModel):
    """What a list may hold: the arm of each group code, and the levels of each stratum column (or the sites)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    arms: dict[str, str] = {}
    strata: dict[str, tuple[str, ...]] = {}
    sites: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "Expected":
        """Raises BadInput with the line of every fault."""
        return validate(cls, read_document(path))


@dataclass(frozen=True)
class Place:
    """One row of a list: its place in its stratum from 1, the arm, and the number it has there (may be empty)."""

    stratum: tuple[str, ...]
    number: int
    arm: str
    label: str


@dataclass(frozen=True)
class AllocationList:
    """Arms in the order in which each stratum gives them out; `columns` name the parts of a stratum."""

    columns: tuple[str, ...]
    places: tuple[Place, ...]

    def sequence(self, *stratum: str) -> tuple[str, ...]:
        return tuple(place.arm for place in self.places if place.stratum == stratum)


def read_redcap(path: str | Path, expected: Expected | None = None) -> AllocationList:
    """A REDCap allocation table: number, group and up to 14 stratum columns; columns without a name are notes.

    Numbers may be empty, text or repeated. Raises BadInput with the row of every fault.
    """
    expected, table = expected or Expected(), _without_notes(read_table(path))
    _require_header(table, (NUMBER, GROUP))
    columns = tuple(column for column in table.columns if column not in (NUMBER, GROUP))
    if len(columns) > MOST_STRATA:
        raise BadInput(Fault(f"{table.name}:1", f"has {len(columns)} stratum columns", f"keep {MOST_STRATA} at most"))
    undefined = [column for column in expected.strata if column not in columns]
    if undefined:
        raise BadInput(Fault(f"{table.name}:1", f"column {undefined[0]!r} is missing", "add the stratum column"))
    parts = [table.column(column) for column in columns]
    strata = list(zip(*parts, strict=True)) if parts else [()] * len(table.rows)
    return _checked(table, columns, strata, table.column(GROUP), table.column(NUMBER), expected)


def read_clinicedc(path: str | Path, expected: Expected | None = None) -> AllocationList:
    """A clinicedc list: sid, assignment, site_name and perhaps further stratum columns; sids are unique.

    Raises BadInput with the row of every fault.
    """
    expected, table = expected or Expected(), _without_notes(read_table(path))
    _require_header(table, CLINICEDC)
    columns = ("site_name", *(column for column in table.columns if column not in CLINICEDC))
    strata = list(zip(*(table.column(column) for column in columns), strict=True))
    if expected.sites:
        expected = expected.model_copy(update={"strata": {**expected.strata, "site_name": expected.sites}})
    _require_unique(table, "sid")
    return _checked(table, columns, strata, table.column("assignment"), table.column("sid"), expected)


def to_redcap(places: AllocationList) -> str:
    """The table as REDCap imports it: upload order is the order of allocation within each stratum."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([NUMBER, GROUP, *places.columns])
    writer.writerows([place.label, place.arm, *place.stratum] for place in places.places)
    return text.getvalue()


def list_of(record: Record, columns: Sequence[str], secret: bytes | None = None) -> AllocationList:
    """The arms of a drawn record as a list. `columns` name the parts of a stratum, which are parted by `|`.

    Of a sequential lottery that is not closed these are all places, and `secret` is needed; else the units drawn.
    Raises BadInput when nothing is drawn, or a stratum has another number of parts.
    """
    if record.is_sequential and record.secret is None:
        places = places_of(record, secret or b"")
        rows = [(name, arm, f"{name}-{n}") for name, arms in places.items() for n, arm in enumerate(arms, 1)]
    else:
        rows = [(stratum, arm, unit) for unit, stratum, arm in record.result or ()]
    if not rows:
        raise BadInput(Fault("record", "is not drawn yet", "draw it first"))
    parted = [(tuple(name.split("|")) if len(columns) > 1 else (name,), arm, label) for name, arm, label in rows]
    for stratum, _, _ in parted:
        if len(stratum) != len(columns):
            name = "|".join(stratum)
            raise BadInput(Fault("columns", f"stratum {name!r} has {len(stratum)} parts", "name each part"))
    return numbered(columns, parted)


def numbered(columns: Sequence[str], rows: Sequence[tuple[tuple[str, ...], str, str]]) -> AllocationList:
    """A list from rows of stratum, arm and label, numbered within each stratum in their order."""
    count: dict[tuple[str, ...], int] = {}
    places = []
    for stratum, arm, label in rows:
        count[stratum] = count.get(stratum, 0) + 1
        places.append(Place(stratum, count[stratum], arm, label))
    return AllocationList(tuple(columns), tuple(places))


def _checked(
    table: Table,
    columns: tuple[str, ...],
    strata: Sequence[tuple[str, ...]],
    groups: Sequence[str],
    labels: Sequence[str],
    expected: Expected,
) -> AllocationList:
    if not table.rows:
        raise BadInput(Fault(table.name, "has no rows", "give a row for each place"))
    faults = [
        *_unknown(table, "group", groups, expected.arms),
        *(fault for part, column in enumerate(columns) for fault in _levels(table, column, strata, part, expected)),
    ]
    if faults:
        raise BadInput(faults[:MOST_FAULTS])
    arms = [expected.arms.get(group, group) for group in groups]
    return numbered(columns, list(zip(strata, arms, labels, strict=True)))


def _levels(
    table: Table, column: str, strata: Sequence[tuple[str, ...]], part: int, expected: Expected
) -> Iterator[Fault]:
    return _unknown(table, column, [stratum[part] for stratum in strata], expected.strata.get(column, ()))


def _unknown(table: Table, what: str, values: Sequence[str], known: Collection[str]) -> Iterator[Fault]:
    for row, value in enumerate(values):
        if not value:
            yield Fault(table.where(row), f"{what} is empty", "fill it in")
        elif known and value not in known:
            yield Fault(table.where(row), f"{what} {value!r} is not defined", f"use one of {', '.join(known)}")


def _require_header(table: Table, need: Sequence[str]) -> None:
    missing = [column for column in need if column not in table.columns]
    if missing:
        found = ", ".join(table.columns)
        raise BadInput([Fault(f"{table.name}:1", f"column {name!r} is missing", f"found {found}") for name in missing])


def _require_unique(table: Table, column: str) -> None:
    first: dict[str, int] = {}
    faults = []
    for row, value in enumerate(table.column(column)):
        if not value:
            faults.append(Fault(table.where(row), f"{column} is empty", "fill it in"))
        elif (earlier := first.setdefault(value, row)) != row:
            remedy = f"it is at {table.where(earlier)} already"
            faults.append(Fault(table.where(row), f"{column} {value!r} stands twice", remedy))
    if faults:
        raise BadInput(faults[:MOST_FAULTS])


def _without_notes(table: Table) -> Table:
    named = [place for place, column in enumerate(table.columns) if column]
    rows = [[row[place] for place in named] for row in table.rows]
    return Table(table.name, tuple(table.columns[place] for place in named), rows, table.lines)


READERS: Mapping[str, Callable[[str | Path, Expected | None], AllocationList]] = {
    "redcap": read_redcap,
    "clinicedc": read_clinicedc,
}
