"""Data sets read from CSV and Parquet files."""

import csv
import hashlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from analysis.estimators.columns import Column, Floats, to_numbers
from analysis.estimators.tables import Table
from trialmgr.core.errors import BadInput, Fault

BLOCK = 8_000_000
SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".pq"}


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
                numbers[name].append(to_numbers(batch.column(name)))
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
        raise BadInput(_misfit(path, separator, str(error).splitlines()[0])) from None


def _misfit(path: Path, separator: str, said: str) -> Fault:
    """The first row that has other cells than the header; the library counts none when it reads in pieces."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file, suppress(csv.Error):
        rows = csv.reader(file, delimiter=separator)
        wanted = len(next(rows, []))
        for cells in rows:
            if cells and len(cells) != wanted:
                where = f"{path.name}:{rows.line_num}"
                return Fault(where, f"has {len(cells)} cells, the first line has {wanted}", "mend this row")
    return Fault(path.name, f"is not a table: {said}", "mend this row")


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
