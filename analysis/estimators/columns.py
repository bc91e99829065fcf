"""One column of a data set: texts, numbers, levels."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.refusals import Refused, WrongInput

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Levels:
    """A column as levels: `codes` (n, -1 where missing) into `names`, which are in order of text."""

    codes: Codes
    names: tuple[str, ...]


class Column:
    """One column: text as in the file, numbers, or both once asked for. Empty cells are missing.

    `reload` reads the text of a column that was kept as numbers only, should its levels be asked for.
    """

    def __init__(
        self, name: str, *, texts: Any = None, numbers: Floats | None = None, reload: Callable[[], Any] | None = None
    ) -> None:
        self.name = name
        self._texts = texts
        self._numbers = numbers
        self._reload = reload
        self._levels: Levels | None = None
        self._fault: Refused | None = None

    def renamed(self, name: str) -> "Column":
        return Column(name, texts=self._texts, numbers=self._numbers, reload=self._reload)

    def __len__(self) -> int:
        return len(self._texts) if self._numbers is None else len(self._numbers)

    @property
    def missing(self) -> Bools:
        if self._numbers is not None:
            return np.isnan(self._numbers)
        return self.levels().codes < 0

    @property
    def is_number(self) -> bool:
        """Whether every value reads as a number."""
        if self._numbers is None and self._fault is None:
            self._read_numbers()
        return self._numbers is not None

    def numbers(self) -> Floats:
        """float64, NaN where missing; Refused when a value is not a number."""
        if not self.is_number or self._numbers is None:
            assert self._fault is not None
            raise self._fault
        return self._numbers

    def levels(self) -> Levels:
        """The text of each row as a level."""
        if self._levels is None:
            if self._texts is None and self._reload is None:
                assert self._numbers is not None
                self._levels = _levels_of_numbers(self._numbers)
            else:
                self._levels = _levels_of_texts(self._texts if self._reload is None else self._reload())
        return self._levels

    def among(self, wanted: Collection[str]) -> Bools:
        """Where the text is one of `wanted`; `true` and `false` match in any case."""
        levels = self.levels()
        hit = np.array([any(same_level(name, text) for text in wanted) for name in levels.names] + [False])
        return np.asarray(hit[levels.codes])

    def _read_numbers(self) -> None:
        try:
            self._numbers = to_numbers(self._texts)
        except ValueError:
            self._fault = self._first_fault()

    def _first_fault(self) -> Refused:
        levels = self.levels()
        bad = [place for place, text in enumerate(levels.names) if not _is_number(text)]
        row = int(np.flatnonzero(np.isin(levels.codes, bad))[0])
        text = levels.names[levels.codes[row]]
        comma = re.fullmatch(r"\s*-?\d+,\d+\s*", text)
        remedy = "write decimals with a point" if comma else "empty cells are missing; make other text a number"
        what = f"the column {self.name!r} has {text!r} in data row {row + 1}, where a number is needed"
        return WrongInput(what, remedy)


def same_level(name: str, wanted: str) -> bool:
    """Whether a level of the data is the one a plan means; `true` and `false` match in any case."""
    return name == wanted or (wanted in ("true", "false") and name.lower() == wanted)


def column_of(name: str, values: Any) -> Column:
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return Column(name, numbers=array.astype(np.float64))
    return Column(name, texts=np.array([None if value in (None, "") else str(value) for value in values], dtype=object))


def to_numbers(texts: Any) -> Floats:
    """float64 of arrow strings or an object array; ValueError when one is not a finite number."""
    import pyarrow as pa
    from pyarrow import compute

    if isinstance(texts, np.ndarray):
        texts = pa.array(texts, pa.string())
    try:
        values = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        values = compute.utf8_trim_whitespace(texts).cast(pa.float64())
    numbers = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.ChunkedArray) else values.to_numpy(False)
    if np.isinf(numbers).any() or np.isnan(numbers).sum() != texts.null_count:
        raise ValueError("a number that is not finite")
    return np.asarray(numbers, np.float64)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(to_numbers(np.array([text], dtype=object))[0]))
    except ValueError:
        return False


def _levels_of_texts(texts: Any) -> Levels:
    import pyarrow as pa

    array = pa.chunked_array([pa.array(texts, pa.string())]) if isinstance(texts, np.ndarray) else texts
    coded = array.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    names = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return _ordered(codes, names)


def _levels_of_numbers(numbers: Floats) -> Levels:
    values, codes = np.unique(numbers, return_inverse=True, equal_nan=True)
    codes = np.where(np.isnan(numbers), -1, codes).astype(np.int32)
    return _ordered(codes, [f"{value:.15g}" for value in values if not np.isnan(value)])


def _ordered(codes: Codes, names: Iterable[str]) -> Levels:
    names = list(names)
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.full(len(names) + 1, -1, np.int32)
    place[order] = np.arange(len(names), dtype=np.int32)
    return Levels(place[codes], tuple(names[index] for index in order))
