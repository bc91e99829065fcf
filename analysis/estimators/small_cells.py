"""Small cells in tables of counts: what to hide, and what the published margins still give away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.refusals import Refused
from analysis.estimators.sample import Bools, Floats

LEAST_WIDTH = 5
NEARLY_ALL = 0.9
UNBOUNDED = 2**31
Cell = tuple[int, int]


@dataclass(frozen=True)
class Counts:
    """A table with its totals: `n` ((rows + 1) x (columns + 1)), totals in the last row and column."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    n: NDArray[np.int64]

    def inner(self, cell: Cell) -> bool:
        return cell[0] < len(self.rows) - 1 and cell[1] < len(self.columns) - 1

    def name(self, cell: Cell) -> str:
        return f"{self.rows[cell[0]]}:{self.columns[cell[1]]}"

    def names(self, cells: Bools) -> list[str]:
        return [self.name((int(r), int(c))) for r, c in np.argwhere(cells)]


def counts_of(rows: tuple[str, ...], columns: tuple[str, ...], n: Floats, total: str = "total") -> Counts:
    """The table with its totals. Refused when a count is not a whole number of persons."""
    if n.size == 0:
        raise Refused("the table has no cells", "give rows and columns with counts")
    if (n < 0).any() or (n != np.round(n)).any() or not np.isfinite(n).all():
        raise Refused("a cell of the table is not a whole number of persons", "give counts")
    whole = np.zeros((len(rows) + 1, len(columns) + 1), np.int64)
    whole[:-1, :-1] = n
    whole[:-1, -1], whole[-1, :] = n.sum(axis=1), np.append(n.sum(axis=0), n.sum())
    return Counts((*rows, total), (*columns, total), whole)


def primary(table: Counts, threshold: int, zero_is_safe: bool) -> Bools:
    """Cells and totals of fewer persons than the threshold."""
    return np.asarray((table.n < threshold) & ((table.n > 0) | (not zero_is_safe)))


def group_disclosure(table: Counts) -> list[str]:
    """Rows in which nobody, everybody or nearly everybody is in one column."""
    body, totals = table.n[:-1, :-1], table.n[:-1, -1:]
    share = body / np.maximum(totals, 1)
    told = ((share == 0) | (share > NEARLY_ALL)).any(axis=1) & (totals[:, 0] > 0)
    return [name for name, hit in zip(table.rows, told, strict=False) if hit]


def intervals(table: Counts, hidden: Bools) -> dict[Cell, tuple[int, int]]:
    """The lowest and highest value of each hidden cell that agree with all that is published."""
    from scipy.optimize import linprog

    cells = [(int(r), int(c)) for r, c in np.argwhere(hidden)]
    if not cells:
        return {}
    A, b = _equations(table, hidden, cells)
    found = {}
    for place, cell in enumerate(cells):
        goal = np.zeros(len(cells))
        goal[place] = 1
        low = linprog(goal, A_eq=A, b_eq=b, bounds=(0, None), method="highs")
        high = linprog(-goal, A_eq=A, b_eq=b, bounds=(0, None), method="highs")
        most = int(np.floor(-high.fun + 1e-6)) if high.status == 0 else UNBOUNDED
        found[cell] = (int(np.ceil(low.fun - 1e-6)), most)
    return found


def _equations(table: Counts, hidden: Bools, cells: list[Cell]) -> tuple[Floats, Floats]:
    """Each row and column adds up to its total: coefficients of the hidden cells, and what they must add up to."""
    shape = table.n.shape
    sign = np.ones(shape)
    lines = []
    for axis, size in ((0, shape[0]), (1, shape[1])):
        for place in range(size):
            part = np.zeros(shape)
            index = (place, slice(None)) if axis == 0 else (slice(None), place)
            part[index] = sign[index]
            part[(place, -1) if axis == 0 else (-1, place)] = -1
            lines.append(part)
    A = np.array([[line[cell] for cell in cells] for line in lines])
    b = np.array([-(line * np.where(hidden, 0, table.n)).sum() for line in lines])
    used = np.abs(A).sum(axis=1) > 0
    return A[used], b[used]


def exposed(table: Counts, hidden: Bools, small: Bools, *, strict: bool = False) -> list[Cell]:
    """Hidden cells that are given away, or nearly: an interval narrower than 5 or than half the cell.

    A cell that is hidden only to protect others needs 5, with `strict` half of itself too.
    """
    return [
        cell
        for cell, (low, high) in intervals(table, hidden).items()
        if _alone(hidden, cell)
        or high - low < max(LEAST_WIDTH, table.n[cell] / 2 if strict or small[cell] else LEAST_WIDTH)
    ]


def _alone(hidden: Bools, cell: Cell) -> bool:
    """Whether a cell is the only one hidden in its row or its column."""
    return bool(hidden[cell[0]].sum() == 1 or hidden[:, cell[1]].sum() == 1)


def secondary(table: Counts, small: Bools) -> Bools:
    """More cells to hide, as few persons as can be found, until no hidden cell is given away.

    Sought with every hidden cell as wide as a small one, else with wide intervals for small cells only, and with
    totals only when nothing else protects; in the end nothing of the table is shown.
    """
    for totals in (False, True):
        for strict in (True, False):
            found = _protected(table, small, strict=strict, totals=totals)
            if found is not None:
                return found
    return np.asarray(~small)


def _protected(table: Counts, small: Bools, *, strict: bool, totals: bool) -> Bools | None:
    hidden = small.copy()
    while bad := exposed(table, hidden, small, strict=strict):
        fresh = _next(table, hidden, bad, totals)
        if fresh is None:
            return None
        hidden[fresh] = True
    extra = [(int(r), int(c)) for r, c in np.argwhere(hidden & ~small)]
    for cell in sorted(extra, key=lambda item: (table.inner(item), -int(table.n[item]))):
        trial = hidden.copy()
        trial[cell] = False
        if not exposed(table, trial, small, strict=strict):
            hidden = trial
    return np.asarray(hidden & ~small)


def _next(table: Counts, hidden: Bools, bad: list[Cell], totals: bool) -> Cell | None:
    """The cheapest cell that is still shown beside an exposed one; those alone in their line come first."""
    for cell in sorted(bad, key=lambda item: (not _alone(hidden, item), int(table.n[item]))):
        row = [(cell[0], c) for c in range(table.n.shape[1])]
        column = [(r, cell[1]) for r in range(table.n.shape[0])]
        if _alone(hidden, cell):
            lines = (row if hidden[cell[0]].sum() == 1 else []) + (column if hidden[:, cell[1]].sum() == 1 else [])
        else:
            lines = row + column
        shown = [other for other in lines if not hidden[other] and (totals or table.inner(other))]
        if shown:
            return min(shown, key=lambda other: _cost(table, hidden, other))
    return None


def _cost(table: Counts, hidden: Bools, cell: Cell) -> tuple[bool, bool, bool, int]:
    """Totals and zeros last; first cells whose row and column both hide something already; then few persons."""
    closes = hidden[cell[0]].any() and hidden[:, cell[1]].any()
    return (not table.inner(cell), table.n[cell] == 0, not closes, int(table.n[cell]))
