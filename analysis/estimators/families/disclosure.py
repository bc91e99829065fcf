"""Release of tables: small cells are hidden, and what the totals give away is audited."""

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from analysis.estimators.expressions import ColumnRef, Name, as_list, label
from analysis.estimators.plan import AnalysisKeys, Keys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Bools
from analysis.estimators.small_cells import (
    UNBOUNDED,
    Counts,
    counts_of,
    exposed,
    group_disclosure,
    intervals,
    primary,
    secondary,
)

Count = Annotated[int, Field(ge=0)]
REST = "(rest)"


class TableKeys(Keys):
    label: ColumnRef
    columns: Annotated[tuple[ColumnRef, ...], BeforeValidator(as_list), Field(min_length=1)]
    total: ColumnRef | None = None


class Statistic(Keys):
    n: Count
    value: float | None = None


class SuppressKeys(AnalysisKeys):
    table: TableKeys | None = None
    cells: dict[Name, dict[Name, Count]] | None = None
    statistics: dict[Name, Statistic] = Field(default_factory=dict)
    threshold: int = Field(default=10, ge=1)
    zero_is_safe: bool = True

    @model_validator(mode="after")
    def _one_table(self) -> "SuppressKeys":
        if self.table is not None and self.cells is not None:
            raise ValueError("has both `table` and `cells` -> keep one")
        if self.table is None and self.cells is None and not self.statistics:
            raise ValueError("has nothing to release -> give `table`, `cells` or `statistics`")
        return self


class AuditKeys(SuppressKeys):
    hidden: Annotated[tuple[Name, ...], BeforeValidator(as_list)]


def reads_table(keys: Any) -> bool:
    return keys.table is not None


@method(
    "suppress",
    keys=SuppressKeys,
    reads_rows=reads_table,
    nl="Kleine aantallen zijn verborgen, en zoveel andere aantallen dat de kleine niet zijn terug te rekenen.",
    en="Small counts are hidden, and as many other counts as keep the small ones from being worked out.",
)
def suppress(context: Context) -> Report:
    """Primary and secondary suppression, with the intervals that remain by linear programming."""
    keys = context.keys(SuppressKeys)
    table = _table(context)
    if table is None:
        return Report(tuple(_statistic_rows(keys)), {"primary": [], "secondary": [], "group_disclosure": []})
    first = primary(table, keys.threshold, keys.zero_is_safe)
    more = secondary(table, first)
    return _report(context, table, first, more)


@method(
    "audit_suppression",
    keys=AuditKeys,
    reads_rows=reads_table,
    nl="Gecontroleerd is of de verborgen aantallen uit de totalen zijn terug te rekenen.",
    en="Whether the hidden counts can be worked out from the totals is checked.",
)
def audit_suppression(context: Context) -> Report:
    """What a table with these cells hidden gives away about each of them."""
    keys = context.keys(AuditKeys)
    table = _table(context)
    if table is None:
        raise Refused("there is no table to audit", "give `table` or `cells`")
    hidden = _hidden(table, keys.hidden)
    small = primary(table, keys.threshold, keys.zero_is_safe)
    report = _report(context, table, small & hidden, hidden & ~small)
    weak = [table.name(cell) for cell in exposed(table, hidden, small)]
    shown = table.names(small & ~hidden)
    if weak:
        context.note(f"given away, or nearly, by the totals: {', '.join(weak)}")
    if shown:
        context.note(f"below the threshold and not hidden: {', '.join(shown)}")
    details = {**report.details, "given_away": weak, "not_hidden": shown, "safe": not weak and not shown}
    return Report(report.rows, details)


def _table(context: Context) -> Counts | None:
    keys = context.keys(SuppressKeys)
    if keys.cells is not None:
        columns = tuple(dict.fromkeys(name for cells in keys.cells.values() for name in cells))
        for row, cells in keys.cells.items():
            lacking = [name for name in columns if name not in cells]
            if lacking:
                raise Refused(f"the row {row!r} has no cell {lacking[0]!r}", "give every row the same columns")
        n = np.array([[cells[name] for name in columns] for cells in keys.cells.values()], dtype=np.float64)
        return counts_of(tuple(keys.cells), columns, n)
    return None if keys.table is None else _of_data(context, keys.table)


def _of_data(context: Context, wanted: TableKeys) -> Counts:
    """The rows of the data as a table; a total that is more than its columns gets a column for the rest.

    A row that is itself called the total is left out: the totals are worked out.
    """
    levels = context.data.column(wanted.label).levels()
    inside = context.subset()
    if wanted.total is not None and label(wanted.total) in levels.names:
        inside &= levels.codes != levels.names.index(label(wanted.total))
    codes = levels.codes[inside]
    if (codes < 0).any() or len(set(codes.tolist())) < len(codes):
        raise Refused(f"the column {label(wanted.label)!r} does not name each row once", "give every row its own label")
    rows = tuple(levels.names[code] for code in codes)
    n = np.column_stack([context.data.column(ref).numbers()[inside] for ref in wanted.columns])
    if np.isnan(n).any():
        raise Refused("a cell of the table is empty", "fill it with 0, or leave the row out by `subset`")
    columns = tuple(label(ref) for ref in wanted.columns)
    context.n_used = len(rows)
    if wanted.total is None:
        return counts_of(rows, columns, n)
    rest = context.data.column(wanted.total).numbers()[inside] - n.sum(axis=1)
    if not (rest >= 0).all():
        raise Refused("a total is missing, or less than its columns together", "mend the total")
    if rest.any():
        n, columns = np.column_stack([n, rest]), (*columns, REST)
    return counts_of(rows, columns, n, label(wanted.total))


def _hidden(table: Counts, wanted: tuple[str, ...]) -> Bools:
    places = {table.name((r, c)): (r, c) for r in range(len(table.rows)) for c in range(len(table.columns))}
    hidden = np.zeros(table.n.shape, bool)
    for name in wanted:
        if name not in places:
            raise Refused(f"the table has no cell {name!r}", "write `row:column`")
        hidden[places[name]] = True
    return hidden


def _report(context: Context, table: Counts, first: Bools, more: Bools) -> Report:
    hidden = np.asarray(first | more)
    found = intervals(table, hidden)
    rows = [
        _cell_row(table, (r, c), found)
        for r in range(len(table.rows))
        for c in range(len(table.columns))
        if table.inner((r, c)) or hidden[r, c]
    ]
    details = {
        "primary": table.names(first),
        "secondary": table.names(more),
        "group_disclosure": group_disclosure(table),
    }
    return Report((*rows, *_statistic_rows(context.keys(SuppressKeys))), details)


def _cell_row(table: Counts, cell: tuple[int, int], found: dict[tuple[int, int], tuple[int, int]]) -> Row:
    row, column = table.rows[cell[0]], table.columns[cell[1]]
    if cell not in found:
        count = int(table.n[cell])
        return Row(row, "published", outcome=column, n=count, estimate=float(count))
    low, high = found[cell]
    if high == UNBOUNDED:
        return Row(row, "hidden", outcome=column, conf_low=float(low), note="the totals set no upper limit")
    return Row(row, "hidden", outcome=column, conf_low=float(low), conf_high=float(high))


def _statistic_rows(keys: SuppressKeys) -> list[Row]:
    """A statistic on fewer persons than the threshold is withheld, with their number."""
    rows = []
    for name, part in keys.statistics.items():
        if part.n == 0:
            rows.append(Row(name, "none", n=0, note="there is nobody"))
        elif part.n < keys.threshold:
            rows.append(Row(name, "withheld", note=f"fewer than {keys.threshold} persons"))
        else:
            note = "no value is given" if part.value is None else None
            rows.append(Row(name, "published", n=part.n, estimate=part.value, note=note))
    return rows
