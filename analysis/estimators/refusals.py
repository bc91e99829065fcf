"""Refusals: why an analysis cannot be done on these rows, in words, with what to do."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class Refused(Exception):
    """An analysis that cannot be done; the others of the plan still run.

    `what` says what is wrong and where (column, arm, level), `remedy` what the writer of the plan can do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


class WrongInput(Refused):
    """A refusal because a file is to be mended: a column that is not there, a cell that cannot be read.

    `name` is what the plan writes and the data lack; without one it is the data that are wrong.
    """

    def __init__(self, what: str, remedy: str, *, name: str | None = None) -> None:
        super().__init__(what, remedy)
        self.name = name


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a message: `a, b, c`, cut after `most`."""
    names = list(names)
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def refuse_empty(values: Sequence[object] | NDArray[np.generic], name: str) -> None:
    if len(values) == 0:
        raise Refused(f"no row is left with a value of {name!r}", "check the subset and the column")


def varies(values: NDArray[np.float64]) -> bool:
    """Whether the values that are not missing (NaN) are not all the same."""
    seen = values[~np.isnan(values)]
    return bool(seen.size) and bool(np.ptp(seen) > 0)


def refuse_constant(values: NDArray[np.float64], name: str) -> None:
    """Refuse an outcome that has one value in all rows used."""
    refuse_empty(values, name)
    if np.ptp(values) == 0:
        raise Refused(
            f"the outcome {name!r} has the same value ({values[0]:.15g}) in all {len(values)} rows used",
            "choose an outcome that varies, or widen the subset",
        )


def refuse_not_binary(values: NDArray[np.float64], name: str) -> None:
    """Refuse an outcome with other values than 0 and 1."""
    refuse_empty(values, name)
    other = values[(values != 0) & (values != 1)]
    if len(other):
        raise Refused(
            f"the outcome {name!r} has the value {other[0]:.15g}, where 0 or 1 is needed",
            "make a 0/1 column of it with a condition such as `equals`",
        )
