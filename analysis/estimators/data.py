"""Data sets: CSV and Parquet read as they stand, by column, with only the columns a plan names."""

import csv
import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.columns import Expression, evaluate, label
from analysis.estimators.refusals import Refused, listed
from trialmgr.core.errors import BadInput, Fault

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.signedinteger[Any]]
BLOCK = 8_000_000
SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".pq"}


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
            self._numbers = _to_numbers(self._texts)
        except ValueError:
            self._fault = self._first_fault()

    def _first_fault(self) -> Refused:
        levels = self.levels()
        bad = [place for place, text in enumerate(levels.names) if not _is_number(text)]
        row = int(np.flatnonzero(np.isin(levels.codes, bad))[0])
        text = levels.names[levels.codes[row]]
        comma = re.fullmatch(r"\s*-?\d+,\d+\s*", text)
        remedy = "write decimals with a point" if comma else "empty cells are missing; make other text a number"
        return Refused(f"the column {self.name!r} has {text!r} in data row {row + 1}, where a number is needed", remedy)


@dataclass
class Table:
    """The rows of a data set; `derived` holds the plan's own columns, made when first asked for."""

    n: int
    raw: dict[str, Column]
    derived: dict[str, Any] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    sha256: str | None = None
    _made: dict[str, Column] = field(default_factory=dict)
    _busy: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return self.n

    def column(self, ref: Any) -> Column:
        """The column of a name or an expression; Refused when there is none."""
        if isinstance(ref, Expression):
            return evaluate(ref, label(ref), self)
        if ref in self.derived and self._busy[-1:] != [ref]:
            return self._derive(ref)
        if ref not in self.raw:
            names = [*self.derived, *(self.header or self.raw)]
            raise Refused(f"there is no column {ref!r}", f"check its spelling; there are {listed(names, 12)}")
        return self.raw[ref]

    def _derive(self, name: str) -> Column:
        if name not in self._made:
            if name in self._busy:
                chain = " -> ".join([*self._busy, name])
                raise Refused(f"the column {name!r} is made of itself ({chain})", "break the circle")
            self._busy.append(name)
            try:
                column = self.column(self.derived[name])
            finally:
                self._busy.pop()
            if column.name != name:
                column = column.renamed(name)
            self._made[name] = column
        return self._made[name]


def same_level(name: str, wanted: str) -> bool:
    """Whether a level of the data is the one a plan means; `true` and `false` match in any case."""
    return name == wanted or (wanted in ("true", "false") and name.lower() == wanted)


def table_of(columns: dict[str, Any], derived: dict[str, Any] | None = None) -> Table:
    """A table from arrays or lists in memory: numbers stay numbers, None and NaN are missing."""
    raw = {name: _column_of(name, values) for name, values in columns.items()}
    n = len(next(iter(raw.values()))) if raw else 0
    return Table(n, raw, dict(derived or {}), tuple(raw))


def _column_of(name: str, values: Any) -> Column:
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return Column(name, numbers=array.astype(np.float64))
    return Column(name, texts=np.array([None if value in (None, "") else str(value) for value in values], dtype=object))


def read_table(path: str | Path, names: Collection[str] | None = None) -> Table:
    """Read the columns `names` (all when None) of a CSV or Parquet file; BadInput when it is not one."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(Fault(path.name, "is not a data file by its name", f"give one of {', '.join(sorted(SUFFIXES))}"))
    try:
        sha256 = _sha256(path)
        read = _read_parquet if path.suffix.lower() in (".parquet", ".pq") else _read_csv
        raw, n, header = read(path, names)
    except OSError as error:
        where = Fault(str(path), f"cannot be read ({error.strerror or error})", "check the name and the rights")
        raise BadInput(where) from None
    return Table(n, raw, header=header, sha256=sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(path: Path) -> tuple[tuple[str, ...], str]:
    """The names in the first line and the character between them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = max(",;\t", key=first.count)
            file.seek(0)
            names = next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise BadInput(Fault(path.name, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8")) from None
    except csv.Error as error:
        raise BadInput(Fault(f"{path.name}:1", f"is not a line of names ({error})", "mend the first line")) from None
    if not names:
        raise BadInput(Fault(path.name, "is empty", "put the names of the columns in the first line"))
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise BadInput(Fault(f"{path.name}:1", f"has the column {twice[0]!r} twice", "give each column its own name"))
    return tuple(names), separator


def _read_csv(path: Path, names: Collection[str] | None) -> tuple[dict[str, Column], int, tuple[str, ...]]:
    """Columns of a CSV file, a piece of the file at a time; numbers are kept as numbers only."""
    header, separator = _header(path)
    wanted = [name for name in header if names is None or name in names] or list(header[:1])
    numbers: dict[str, list[Floats]] = {name: [] for name in wanted}
    texts: set[str] = set()
    n = 0
    for batch in _batches(path, wanted, separator):
        n += len(batch)
        for name in numbers.keys() - texts:
            try:
                numbers[name].append(_to_numbers(batch.column(name)))
            except ValueError:
                texts.add(name)
                numbers[name].clear()
    raw = {}
    for name in wanted:
        reload = partial(_text_of, path, name, separator)
        if name in texts:
            raw[name] = Column(name, texts=reload())
        else:
            raw[name] = Column(name, numbers=_joined(numbers.pop(name)), reload=reload)
    return raw, n, header


def _joined(parts: list[Floats]) -> Floats:
    return parts[0].copy() if len(parts) == 1 else np.concatenate([np.empty(0), *parts])


def _text_of(path: Path, name: str, separator: str) -> Any:
    import pyarrow as pa

    parts = [batch.column(name) for batch in _batches(path, [name], separator)]
    return pa.chunked_array(parts, pa.string())


def _batches(path: Path, names: list[str], separator: str) -> Iterator[Any]:
    """Record batches of some columns as text; BadInput when a row does not fit the header."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        with arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK),
            parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                strings_can_be_null=True,
                null_values=[""],
            ),
        ) as reader:
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise BadInput(Fault(path.name, f"is not a table: {str(error).splitlines()[0]}", "mend this row")) from None


def _read_parquet(path: Path, names: Collection[str] | None) -> tuple[dict[str, Column], int, tuple[str, ...]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            header = tuple(file.schema_arrow.names)
            wanted = [name for name in header if names is None or name in names] or list(header[:1])
            raw = {name: _of_arrow(name, file.read(columns=[name]).column(name)) for name in wanted}
            return raw, file.metadata.num_rows, header
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise BadInput(
            Fault(path.name, f"is not a Parquet file: {str(error).splitlines()[0]}", "write it anew")
        ) from None


def _of_arrow(name: str, values: Any) -> Column:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Column(name, numbers=values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    if not pa.types.is_string(kind):
        values = values.cast(pa.string())
    return Column(name, texts=values)


def _to_numbers(texts: Any) -> Floats:
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
        return bool(np.isfinite(_to_numbers(np.array([text], dtype=object))[0]))
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
