"""Numbers that stand in the plan itself, as lists, or in columns of the data with one row each."""

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from analysis.estimators.expressions import ColumnRef, Level, as_list
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.sample import Floats

NumberList = Annotated[tuple[float, ...], Field(min_length=1)]
Given = NumberList | ColumnRef
Labels = ColumnRef | Annotated[tuple[Level, ...], BeforeValidator(as_list)]


def is_listed(value: Any) -> bool:
    """Whether a key holds its values itself and not a column."""
    return isinstance(value, tuple)


def numbers_of(context: Context, value: Any, key: str) -> Floats:
    """The numbers of a list, or of a column on the rows of the subset; Refused when one is missing."""
    if is_listed(value):
        return np.array(value, dtype=np.float64)
    column = context.data.column(value)
    inside = np.flatnonzero(context.subset())
    values = column.numbers()[inside]
    if np.isnan(values).any():
        row = int(inside[np.isnan(values).argmax()]) + 1
        raise Refused(
            f"the column {column.name!r} of `{key}` has an empty cell in data row {row}",
            "fill it, or leave the row out by `subset`",
        )
    return values


def labels_of(context: Context, value: Any, key: str, count: int) -> tuple[str, ...]:
    """The texts of a list or a column, `count` of them; places 1, 2, .. when nothing is named."""
    if value is None:
        return tuple(str(place) for place in range(1, count + 1))
    if is_listed(value):
        names = tuple(value)
    else:
        levels = context.data.column(value).levels()
        codes = levels.codes[context.subset()]
        if (codes < 0).any():
            raise Refused(f"the column of `{key}` has an empty cell", "fill it, or leave the row out by `subset`")
        names = tuple(levels.names[code] for code in codes)
    if len(names) != count:
        raise Refused(f"`{key}` has {len(names)} labels for {count} estimates", "give one for each")
    return names


def same_length(parts: dict[str, Floats]) -> None:
    """Refuse lists that belong together and differ in length."""
    sizes = {name: len(values) for name, values in parts.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"`{name}` has {size}" for name, size in sizes.items())
        raise Refused(f"lists that belong together differ in length: {told}", "give one number for each in every list")
