"""Scoring a file of answers of any length: read, scored, described and written slice by slice."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from surveys.instruments.columns import Answers, Cell
from surveys.instruments.schema import Instrument
from surveys.instruments.scoring import MOST_FAULTS, SLICE, Plan, cell_faults, columns_read
from surveys.instruments.statistics import Describer, ScoreStatistics
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.output import written_whole

HEADER_ROWS = 1


@dataclass(frozen=True)
class Batch:
    """What scoring a file found: persons, statistics per score, and the cells that counted as missing (first 1,000)."""

    persons: int
    statistics: list[ScoreStatistics]
    wrong: tuple[Cell, ...]
    wrong_count: int


def score_file(
    instrument: Instrument, source: Path, target: Path, *, wrong_as_missing: bool = False, empty: str = ""
) -> Batch:
    """Score the answers in a CSV file; `target` gets every column of it and the scores, classes and rule versions.

    The file is comma, semicolon or tab separated, UTF-8, with a header; scores use the same separator, and a decimal
    comma when that is a semicolon. A cell that holds just the text `empty` counts as empty. Raises BadInput with a line
    per fault and leaves `target` alone.
    """
    if not instrument.scores:
        raise BadInput(Fault(instrument.id, "has no scores", "add a score to the instrument"))
    with written_whole(target) as out:
        return _score(instrument, source, out, wrong_as_missing=wrong_as_missing, empty=empty)


def _score(instrument: Instrument, source: Path, out: TextIO, *, wrong_as_missing: bool, empty: str) -> Batch:
    describer = Describer(instrument)
    cells: list[Cell] = []
    persons = count = 0
    plans = [Plan(instrument, one) for one in instrument.scores]
    with open_table(source) as table:
        columns_read(instrument, table.header, source.name)
        added = [name for plan in plans for name in plan.columns(np.empty(0))]
        if both := sorted(set(added) & set(table.header)):
            raise BadInput(
                Fault(source.name, f"has a column {both[0]} already", "remove it: the score takes this name")
            )
        writer = csv.writer(out, delimiter=table.separator, lineterminator="\n")
        writer.writerow([*table.header, *added])
        once = Once(source.name)
        for frame in table.slices():
            once.check(frame, persons + HEADER_ROWS + 1)
            answers = Answers(instrument, frame.where(frame != empty, "") if empty else frame, persons)
            scores = {name: column for plan in plans for name, column in plan.columns(plan.scores(answers)).items()}
            answers.check()
            describer.add(answers)
            persons, count = persons + len(frame), count + len(answers.wrong)
            cells += answers.wrong[: MOST_FAULTS - len(cells)]
            texts = [as_cells(scores[name], comma=table.separator == ";") for name in added]
            writer.writerows([*raw, *new] for raw, new in zip(frame.to_numpy(), zip(*texts, strict=True), strict=True))
    if cells and not wrong_as_missing:
        raise BadInput(cell_faults(cells, count, HEADER_ROWS + 1, f"{source.name}: "))
    return Batch(persons, describer.results(), tuple(cells), count)


class Once:
    """Refuses a file in which a person has two rows for one wave, as its columns `person` and `wave` say."""

    KEYS = ("person", "wave")

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[tuple[str, ...], int] = {}

    def check(self, frame: pd.DataFrame, first_row: int) -> None:
        if not set(self.KEYS) <= set(frame):
            return
        faults = []
        for row, key in enumerate(frame[list(self.KEYS)].itertuples(index=False, name=None), first_row):
            earlier = self.rows.setdefault(key, row)
            if earlier != row:
                what = f"has person {key[0]!r} in wave {key[1]!r}, as row {earlier} has"
                faults.append(Fault(f"{self.name}: row {row}", what, "keep one"))
        if faults:
            raise BadInput(faults[:MOST_FAULTS])


def as_cells(column: Any, *, comma: bool) -> list[str]:
    """Scores as text: whole numbers without a fraction, nothing where missing."""
    if isinstance(column, pd.Categorical):
        return ["" if pd.isna(value) else str(value) for value in column]
    cells = ["" if np.isnan(value) else f"{value:.15g}" for value in column]
    return [cell.replace(".", ",") for cell in cells] if comma else cells


@dataclass
class Table:
    """An open file of answers: its header, its separator and its rows."""

    name: str
    header: list[str]
    separator: str
    reader: Any

    def slices(self) -> Iterator[pd.DataFrame]:
        """Frames of text cells; raises BadInput when a row has more or fewer cells than the header."""
        rows: list[list[str]] = []
        faults: list[Fault] = []
        for row, cells in enumerate(self.rows(), HEADER_ROWS + 1):
            if len(cells) != len(self.header):
                what = f"has {len(cells)} cells, the header has {len(self.header)}"
                faults.append(Fault(f"{self.name}: row {row}", what, "mend the row"))
            rows.append(cells)
            if len(rows) == SLICE and not faults:
                yield pd.DataFrame(rows, columns=self.header, dtype=object)
                rows = []
            if len(faults) >= MOST_FAULTS:
                break
        if faults:
            raise BadInput(faults)
        if rows:
            yield pd.DataFrame(rows, columns=self.header, dtype=object)

    def rows(self) -> Iterator[list[str]]:
        """Rows that are not blank. Raises BadInput."""
        try:
            yield from (cells for cells in self.reader if cells)
        except csv.Error as error:
            raise BadInput(Fault(f"{self.name}: line {self.reader.line_num}", str(error), "mend this line")) from None
        except UnicodeDecodeError as error:
            raise BadInput(Fault(self.name, f"is not UTF-8 text ({error.reason})", "save it as UTF-8")) from None


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a CSV file and read its header. Raises BadInput."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = max((",", ";", "\t"), key=first.count)
            file.seek(0)
            table = Table(path.name, [], separator, csv.reader(file, delimiter=separator, strict=True))
            table.header = _header(path.name, next(table.rows(), []))
            yield table
    except OSError as error:
        raise BadInput(
            Fault(str(path), f"cannot be read ({error.strerror})", "check the name and the rights")
        ) from None
    except UnicodeDecodeError as error:
        raise BadInput(Fault(path.name, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8")) from None


def _header(name: str, cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise BadInput(Fault(name, "is empty", "give a header row and a row per person"))
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise BadInput([Fault(f"{name}: row 1", f"has the column {cell!r} twice", "keep one") for cell in twice])
    return header
