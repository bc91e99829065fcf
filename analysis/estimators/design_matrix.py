"""The design matrix of a linear model, built from columns, and its check of rank."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.expressions import label
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.sample import Sample, combined_levels

Floats = NDArray[np.float64]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Block:
    """Columns of one covariate (n x m) with their names."""

    names: tuple[str, ...]
    X: Floats


@dataclass(frozen=True)
class Design:
    """X (n x k) with a name for each column; `arm_columns` are the places of the arms after the control.

    saturated: the columns are cells of blocks and arms, for which HC2 is Neyman's variance.
    """

    X: Floats
    names: tuple[str, ...]
    arm_columns: tuple[int, ...]
    saturated: bool = False

    def place(self, name: str) -> int:
        return self.names.index(name)


def arm_dummies(sample: Sample) -> Block:
    """One 0/1 column for each arm but the control; an arm without rows is refused."""
    X = np.empty((sample.n, len(sample.arms) - 1), order="F")
    for code in range(1, len(sample.arms)):
        X[:, code - 1] = sample.arm == code
    return Block(tuple(f"arm {name}" for name in sample.arms[1:]), X)


def covariate_blocks(sample: Sample, refs: list[Any], *, complete_case: bool) -> list[Block]:
    """Numbers as they are, text as dummies; a missing number gets the mean of all randomised and an indicator.

    Covariates missing on the same rows share one indicator.
    """
    blocks: list[Block] = []
    indicators: dict[bytes, Block] = {}
    for ref in refs:
        column = sample.table.column(ref)
        absent = column.missing[sample.rows]
        blocks.append(_numeric(sample, ref) if column.is_number else _dummies(sample, (ref,), label(ref)))
        if absent.any() and not complete_case:
            if absent.all():
                raise Refused(f"the covariate {label(ref)!r} has no value on the rows used", "leave it out")
            block = Block((f"{label(ref)} missing",), absent[:, None].astype(np.float64))
            indicators.setdefault(absent.tobytes(), block)
    return [*blocks, *indicators.values()]


def _numeric(sample: Sample, ref: Any) -> Block:
    column = sample.table.column(ref).numbers()
    values = column[sample.rows]
    absent = np.isnan(values)
    if absent.any():
        values = np.where(absent, np.nanmean(column[sample.randomised]) if not absent.all() else 0.0, values)
    return Block((label(ref),), values[:, None])


def _dummies(sample: Sample, refs: tuple[Any, ...], name: str) -> Block:
    """A 0/1 column for each level found but the first, in order of text."""
    levels = combined_levels(sample.table, refs)
    codes = levels.codes[sample.rows]
    found = np.unique(codes[codes >= 0])[1:]
    X = (codes[:, None] == found[None, :]).astype(np.float64)
    return Block(tuple(f"{name}={levels.names[code]}" for code in found), X)


def fixed_effect_blocks(sample: Sample, effects: tuple[tuple[Any, ...], ...]) -> list[Block]:
    """Dummies of each fixed effect; several columns in one entry mean their combinations."""
    return [_dummies(sample, refs, ", ".join(label(ref) for ref in refs)) for refs in effects]


def assemble(sample: Sample, blocks: list[Block], *, arms: bool = True) -> Design:
    """Intercept, arms, then the blocks; Refused when the columns are collinear."""
    parts = [Block(("intercept",), np.ones((sample.n, 1)))]
    if arms:
        parts.append(arm_dummies(sample))
    parts += blocks
    names = tuple(name for part in parts for name in part.names)
    X = np.empty((sample.n, len(names)), order="F")
    start = 0
    for part in parts:
        X[:, start : start + len(part.names)] = part.X
        start += len(part.names)
    arm_columns = tuple(range(1, len(sample.arms))) if arms else ()
    check_rank(X, names)
    return Design(X, names, arm_columns)


def check_rank(X: Floats, names: tuple[str, ...]) -> None:
    """Refuse columns that are combinations of others, by name; also more columns than rows."""
    if X.shape[0] < X.shape[1]:
        raise Refused(
            f"the model has {X.shape[1]} columns and only {X.shape[0]} rows",
            "use fewer covariates or fixed effects",
        )
    scale = np.linalg.norm(X, axis=0)
    zero = [name for name, size in zip(names, scale, strict=True) if size == 0]
    if zero:
        raise Refused(f"the column {zero[0]!r} is 0 in all rows used", "leave it out")
    _, faults = collinear(X / scale)
    if faults:
        column, others = faults[0]
        of = [names[place] for place in others if names[place] != "intercept"]
        what = f"is a combination of {listed(of)}" if of else "has one value in all rows used"
        raise Refused(f"the column {names[column]!r} {what}", "leave one of them out")


def collinear(X: Floats) -> tuple[int, list[tuple[int, list[int]]]]:
    """Rank, and for each superfluous column the columns it is a combination of (X with columns of length 1)."""
    from scipy import linalg

    R = np.linalg.qr(X, mode="r")
    pivoted, order = linalg.qr(R, mode="r", pivoting=True)
    size = np.abs(np.diag(pivoted))
    rank = int((size > TOLERANCE * max(size[0], 1e-300)).sum())
    if rank == X.shape[1]:
        return rank, []
    weights = linalg.solve_triangular(pivoted[:rank, :rank], pivoted[:rank, rank:])
    faults = []
    for place, column in enumerate(order[rank:]):
        near = np.flatnonzero(np.abs(weights[:, place]) > 1e-6)
        faults.append((int(column), [int(order[index]) for index in near]))
    return rank, faults


def combined(blocks: list[Block]) -> Block:
    names = tuple(name for block in blocks for name in block.names)
    return Block(names, np.hstack([block.X for block in blocks]) if blocks else np.zeros((0, 0)))
