"""Reading answer columns: which known code stands in each cell, and which cells hold something else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from surveys.instruments.conditions import NONRESPONSE, Condition
from surveys.instruments.rules import tick_column
from surveys.instruments.schema import NUMERIC, Instrument, Item
from trialmgr.core.errors import BadInput, Fault

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]
WIDEST = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer that cannot be right: `row` counts from 0 in the frame given."""

    row: int
    column: str
    value: str
    what: str


@dataclass(frozen=True)
class ChoiceColumn:
    """Finds each cell of a one-answer column among `known` codes.

    Codes that are whole numbers are found by subtraction, any others by name. A cell's place is that of its code in
    `codes`; behind them come places for what is too high, for no answer, and for what is too low.
    """

    known: tuple[str, ...]

    @cached_property
    def low(self) -> int | None:
        try:
            numbers = [int(code) for code in self.known if str(int(code)) == code]
        except ValueError:
            return None
        fits = len(numbers) == len(self.known) and max(numbers) - min(numbers) < WIDEST
        return min(numbers) if fits else None

    @cached_property
    def codes(self) -> tuple[str | None, ...]:
        """The code at each place; None where a place stands for no code."""
        if self.low is None:
            return (*self.known, None, None, None)
        run = range(self.low, max(map(int, self.known)) + 1)
        return (*(str(code) if str(code) in self.known else None for code in run), None, None, None)

    @cached_property
    def _wrong(self) -> Bools:
        wrong = np.array([code is None for code in self.codes])
        wrong[-2] = False
        return wrong

    def table(self, count: Callable[[str], float | None]) -> tuple[Floats, NDArray[np.int8]]:
        """What each place counts for, and whether it counts."""
        numbers = [None if code is None else count(code) for code in self.codes]
        return (
            np.array([0.0 if number is None else number for number in numbers]),
            np.array([number is not None for number in numbers], dtype=np.int8),
        )

    def places(self, column: "pd.Series[Any]") -> tuple[Places, Bools | None]:
        """Place of each cell in `codes`, and the cells that hold no known code (None when there are none)."""
        if self.low is None:
            return self._named(column)
        numbers, odd = as_numbers(column, copy=False)
        near = numbers - self.low
        empty = len(self.codes) - 2
        np.minimum(near, empty - 1, out=near)  # too high; an empty cell stays NaN
        np.fmin(near, empty, out=near)
        np.fmax(near, -1, out=near)  # too low: the last place
        whole = np.trunc(near)
        places = whole.astype(np.intp)
        broken = near != whole
        if not broken.any() and not self._wrong.take(places, mode="wrap").any() and odd is None:
            return places, None
        bad = broken | self._wrong[places]
        bad = bad if odd is None else bad | odd
        places[bad] = -1
        return places, bad if bad.any() else None

    def _named(self, column: "pd.Series[Any]") -> tuple[Places, Bools | None]:
        texts = as_texts(column)
        empty = len(self.codes) - 2
        found: Places = (
            texts.map({code: place for place, code in enumerate(self.known)}).fillna(empty).to_numpy(np.intp)
        )
        bad: Bools = (found == empty) & (texts != "").to_numpy(dtype=bool)
        return found, bad if bad.any() else None


@dataclass
class Answers:
    """The cells of a slice of answers, read once per item; wrong cells are noted and count as missing."""

    instrument: Instrument
    frame: pd.DataFrame
    first_row: int = 0
    wrong: list[Cell] = field(default_factory=list)
    _places: dict[str, Places] = field(default_factory=dict)
    _numbers: dict[str, Floats] = field(default_factory=dict)
    _ticks: dict[str, tuple[dict[str, Bools], Bools]] = field(default_factory=dict)
    _bad: dict[str, Bools] = field(default_factory=dict)

    def places(self, item: Item, reader: ChoiceColumn) -> Places:
        """Places of a choice item's cells in `reader.codes`."""
        if item.code not in self._places:
            self._places[item.code], bad = reader.places(self.frame[item.code])
            self._note(item.code, item.code, bad, "is not an answer of this item")
        return self._places[item.code]

    def numbers(self, item: Item) -> Floats:
        """Values of a number item; NaN where missing, wrong, or "don't know"."""
        if item.code not in self._numbers:
            scale = self.instrument.scale_of(item)
            numbers, odd = as_numbers(self.frame[item.code])
            numbers[np.isin(numbers, [float(code) for code in NONRESPONSE])] = np.nan
            outside = np.zeros(len(numbers), dtype=bool)
            if scale.min is not None:
                outside |= numbers < scale.min
            if scale.max is not None:
                outside |= numbers > scale.max
            if scale.kind == "integer":
                outside |= np.isfinite(numbers) & (numbers != np.floor(numbers))
            outside |= np.isinf(numbers)
            numbers[outside] = np.nan
            self._note(
                item.code, item.code, outside if odd is None else outside | odd, "is out of range or not a number"
            )
            self._numbers[item.code] = numbers
        return self._numbers[item.code]

    def ticks(self, item: Item) -> tuple[dict[str, Bools], Bools]:
        """Where each answer of a multiple-choice item is ticked, and where the question has a counting answer at all.

        Reads a column of 0 and 1 per answer, or else one column with the codes ticked, separated by spaces.
        """
        if item.code not in self._ticks:
            options = self.instrument.options_of(item)
            names = {str(option.code): tick_column(item, option.code) for option in options}
            apart = any(name in self.frame for name in names.values())
            ticked, given = self._apart(item, names) if apart else self._together(item, list(names))
            for option in options:
                if option.missing:
                    given &= ~ticked[str(option.code)]
            self._ticks[item.code] = ticked, given
        return self._ticks[item.code]

    def _apart(self, item: Item, names: dict[str, str]) -> tuple[dict[str, Bools], Bools]:
        given = np.zeros(len(self.frame), dtype=bool)
        ticked = {code: given.copy() for code in names}
        for code, name in names.items():
            if name in self.frame:
                numbers, odd = as_numbers(self.frame[name])
                fits = np.isin(numbers, [0.0, 1.0])
                self._note(
                    item.code, name, ~fits & ~np.isnan(numbers) | (False if odd is None else odd), "is neither 0 nor 1"
                )
                ticked[code], given = numbers == 1, given | fits
        return ticked, given

    def _together(self, item: Item, codes: list[str]) -> tuple[dict[str, Bools], Bools]:
        lists = as_texts(self.frame[item.code]).str.split()
        unknown = lists.map(lambda given: not set(given) <= set(codes)).to_numpy(dtype=bool)
        self._note(item.code, item.code, unknown, "holds a code that is not an answer of this item")
        ticked = {
            code: lists.map(lambda given, code=code: code in given).to_numpy(dtype=bool) & ~unknown for code in codes
        }
        return ticked, lists.map(bool).to_numpy(dtype=bool) & ~unknown

    def check(self) -> None:
        """Note the wrong cells of every item that has a column, whether a score reads it or not."""
        for item in self.instrument.items:
            kind = self.instrument.scale_of(item).kind
            if kind == "multiple":
                if item.code in self.frame or tick_names(self.instrument, item) & set(self.frame.columns):
                    self.ticks(item)
            elif item.code in self.frame and kind == "choice":
                self.places(item, reader_of(self.instrument, item))
            elif item.code in self.frame and kind in NUMERIC:
                self.numbers(item)

    def said(self, item: Item, code: int) -> Bools:
        """Where the answer is "don't know" or "won't say", whichever `code` stands for."""
        scale = self.instrument.scale_of(item)
        if scale.kind == "choice":
            reader = reader_of(self.instrument, item)
            there: Bools = self.places(item, reader) == reader.codes.index(str(code))
            return there
        if scale.kind == "multiple":
            return self.ticks(item)[0].get(str(code), np.zeros(len(self.frame), dtype=bool))
        spoken: Bools = as_numbers(self.frame[item.code])[0] == code
        return spoken

    def bad(self, item: Item) -> Bools:
        """Where the answer cannot be right."""
        return self._bad.get(item.code, np.zeros(len(self.frame), dtype=bool))

    def answered(self, item: Item) -> Bools:
        """Where a counting answer stands: not empty, not wrong, not "don't know"."""
        kind = self.instrument.scale_of(item).kind
        if kind in NUMERIC:
            return ~np.isnan(self.numbers(item))
        if kind == "multiple":
            return self.ticks(item)[1]
        if kind == "choice":
            reader = reader_of(self.instrument, item)
            missing = {str(option.code) for option in self.instrument.options_of(item) if option.missing} | NONRESPONSE
            counting = np.array([code is not None and code not in missing for code in reader.codes], dtype=bool)
            there: Bools = counting[self.places(item, reader)]
            return there
        return _filled(self.frame[item.code])

    def holds(self, condition: Condition) -> Bools:
        """Rows that meet a condition."""
        if condition.item is None:
            parts = [self.holds(part) for part in condition.parts()]
            if condition.not_ is not None:
                return ~parts[0]
            joined: Bools = np.logical_and.reduce(parts) if condition.all else np.logical_or.reduce(parts)
            return joined
        return self._leaf_holds(condition, self.instrument.item_by_code[condition.item])

    def _leaf_holds(self, condition: Condition, item: Item) -> Bools:
        kind = self.instrument.scale_of(item).kind
        if kind == "choice":
            reader = reader_of(self.instrument, item)
            meets = np.array([condition.holds({item.code: code}) for code in reader.codes], dtype=bool)
            there: Bools = meets[self.places(item, reader)]
            return there
        if condition.answered is not None:
            return self.answered(item) if condition.answered else ~self.answered(item)
        if kind == "multiple":
            ticked = self.ticks(item)[0]
            some: Bools = np.logical_or.reduce([ticked[str(code)] for code in condition.codes()])
            return some
        if condition.codes():
            named: Bools = as_texts(self.frame[item.code]).isin(list(map(str, condition.codes()))).to_numpy(dtype=bool)
            return named
        compared: Bools = np.array([condition.compares(number) for number in self.numbers(item)], dtype=bool)
        return compared

    def skipped(self, item: Item) -> Bools:
        """Rows where the rules pass the item by: its condition fails; all it looks at is answered or skipped."""
        condition = self.instrument.condition_of(item)
        if condition is None:
            return np.zeros(len(self.frame), dtype=bool)
        skipped = ~self.holds(condition)
        for code in condition.items():
            gate = self.instrument.item_by_code[code]
            skipped &= self.answered(gate) | self.skipped(gate)
        return skipped

    def _note(self, item: str, column: str, bad: Bools | None, what: str) -> None:
        if bad is None or not bad.any():
            return
        self._bad[item] = self._bad.get(item, np.zeros(len(self.frame), dtype=bool)) | bad
        values = self.frame[column]
        for row in np.flatnonzero(bad):
            value = values.iloc[int(row)]
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            self.wrong.append(Cell(self.first_row + int(row), column, shown, what))


def reader_of(instrument: Instrument, item: Item) -> ChoiceColumn:
    """Reader of a choice item: its codes, and "don't know" and "won't say", which paper entry may add anywhere."""
    codes = [str(option.code) for option in instrument.options_of(item)]
    return ChoiceColumn(tuple(dict.fromkeys([*codes, *sorted(NONRESPONSE)])))


def _filled(column: "pd.Series[Any]") -> Bools:
    filled: Bools = (as_texts(column) != "").to_numpy(dtype=bool)
    return filled


def tick_names(instrument: Instrument, item: Item) -> set[str]:
    """The columns of a multiple-choice item, one per answer."""
    return {tick_column(item, option.code) for option in instrument.scale_of(item).choices}


def as_numbers(column: "pd.Series[Any]", *, copy: bool = True) -> tuple[Floats, Bools | None]:
    """A column as numbers, NaN where empty; and the cells that are neither empty nor a number, if any."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan, copy=copy), None
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if not (unread := np.isnan(numbers)).any():
        return numbers, None
    texts = as_texts(column)
    comma = pd.to_numeric(texts[unread].str.replace(",", ".", regex=False), errors="coerce")
    numbers[unread] = comma.to_numpy(dtype=np.float64, na_value=np.nan)
    odd: Bools = np.isnan(numbers) & (texts != "").to_numpy(dtype=bool)
    return numbers, odd if odd.any() else None


def as_texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column as trimmed texts; empty where missing, whole numbers without a fraction."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.map(lambda number: "" if pd.isna(number) else f"{number:g}").astype(object)
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


def require_columns(instrument: Instrument, items: Sequence[Item], columns: Sequence[object], where: str) -> None:
    """Raise BadInput for each item that has no column."""
    present = set(map(str, columns))
    faults = []
    for item in items:
        if instrument.scale_of(item).kind == "multiple":
            ticks = tick_names(instrument, item)
            if item.code not in present and not ticks <= present:
                lacking = ", ".join(sorted(ticks - present)[:3])
                faults.append(Fault(where, f"has no column {lacking}", "add it (0 or 1)"))
        elif item.code not in present:
            near = next((name for name in present if name.lower() == item.code.lower()), None)
            faults.append(Fault(where, f"has no column {item.code}", f"rename {near}" if near else "add it"))
    if faults:
        raise BadInput(faults)
