"""Scores from answers, by item code and by a rule with a version. Flat in memory: answers are read slice by slice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from surveys.instruments.columns import Answers, Cell, ChoiceColumn, Floats, reader_of, require_columns
from surveys.instruments.rules import counting_options, counts_for, rule_version, tick_column
from surveys.instruments.schema import Cutoff, Instrument, Item, Score
from trialmgr.core.errors import BadInput, Fault

SLICE = 32_768
MOST_FAULTS = 1_000


@dataclass(frozen=True)
class Scored:
    """Scores of a frame of answers.

    `values` has the frame's index and, per score, its number, a class per cut-off (`<score>_<cutoff>`) and the version
    of the rule (`<score>_rule`). `wrong` lists the cells that counted as missing because they cannot be right (the
    first 1,000 of `wrong_count`).
    """

    values: pd.DataFrame
    wrong: tuple[Cell, ...]
    wrong_count: int


def score(
    instrument: Instrument, frame: pd.DataFrame, *, wrong: Literal["refuse", "missing"] = "refuse", first_row: int = 1
) -> Scored:
    """Score answers: a column per item (`item___code` of 0 and 1 for items with several answers), a row per person.

    Unknown and out-of-range codes raise BadInput with a line per cell, rows counted from `first_row`; with
    `wrong="missing"` they count as missing and are listed. Answers themselves are never changed.
    """
    plans = [Plan(instrument, one) for one in instrument.scores]
    columns_read(instrument, list(frame.columns), "answers")
    results = {plan.score.id: np.empty(len(frame)) for plan in plans}
    cells: list[Cell] = []
    count = 0
    for start in range(0, len(frame), SLICE):
        answers = Answers(instrument, frame.iloc[start : start + SLICE], start)
        for plan in plans:
            results[plan.score.id][start : start + SLICE] = plan.scores(answers)
        answers.check()
        count += len(answers.wrong)
        cells += answers.wrong[: MOST_FAULTS - len(cells)]
    if wrong == "refuse" and cells:
        raise BadInput(cell_faults(cells, count, first_row))
    columns: dict[str, Any] = {}
    for plan in plans:
        columns |= plan.columns(results[plan.score.id])
    return Scored(pd.DataFrame(columns, index=frame.index), tuple(cells), count)


def cell_faults(cells: Sequence[Cell], count: int, first_row: int = 1, where: str = "") -> list[Fault]:
    """A fault per wrong cell, and one that says how many more there are."""
    remedy = "mend the cell or empty it"
    faults = [
        Fault(f"{where}row {cell.row + first_row}: {cell.column}", f"{cell.value!r} {cell.what}", remedy)
        for cell in sorted(cells, key=lambda cell: cell.row)
    ]
    if count > len(cells):
        faults.append(Fault(f"{where}rows", f"{count - len(cells)} more wrong cells are not listed", remedy))
    return faults


def answers_frame(instruments: Iterable[Instrument], records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Stored answers, one mapping per person, as the frame that `score` reads: every item has its columns."""
    records = list(records)
    columns: dict[str, list[Any]] = {}
    for instrument in instruments:
        for item in instrument.items:
            given = [record.get(item.code) for record in records]
            if instrument.scale_of(item).kind == "multiple":
                ticked = [{answer} if isinstance(answer, str | int) else set(answer or ()) for answer in given]
                for option in instrument.options_of(item):
                    columns[tick_column(item, option.code)] = [
                        int(str(option.code) in set(map(str, codes))) if codes else None for codes in ticked
                    ]
            else:
                columns[item.code] = given
    return pd.DataFrame(columns, dtype=object)


def columns_read(instrument: Instrument, columns: Sequence[object], where: str) -> None:
    """Raise BadInput unless every item that scoring reads is there: those in scores and their conditions."""
    names = dict.fromkeys(name for one in instrument.scores for name in one.items)
    waiting = list(names)
    while waiting:
        item = instrument.item_by_code[waiting.pop()]
        condition = instrument.condition_of(item)
        for name in condition.items() if condition else ():
            if name not in names:
                names[name] = None
                waiting.append(name)
    require_columns(instrument, [item for item in instrument.items if item.code in names], columns, where)


class Plan:
    """How one score is computed: tables per choice item, made once."""

    def __init__(self, instrument: Instrument, one: Score) -> None:
        self.instrument, self.score = instrument, one
        self.items = [instrument.item_by_code[name] for name in one.items]
        self.readers: dict[str, tuple[ChoiceColumn, Floats, Floats, Any]] = {}
        for item in self.items:
            if instrument.scale_of(item).kind == "choice":
                reader = reader_of(instrument, item)
                weight, counts = one.weights.get(item.code, 1.0), counts_for(instrument, one, item)
                values, valid = reader.table(counts.get)
                self.readers[item.code] = (reader, values, values * weight, valid)

    @cached_property
    def rule(self) -> str:
        return rule_version(self.instrument, self.score)

    def scores(self, answers: Answers) -> Floats:
        """The score of each row of a slice; NaN where too much is missing."""
        total = np.zeros(len(answers.frame))
        counted = np.zeros(len(answers.frame), dtype=np.int16)
        for item in self.items:
            self._add(item, answers, total, counted)
        short = counted < len(self.items) - self.score.missing.at_most
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.score.method == "mean":
                total /= counted
            elif self.score.missing.treat == "prorate" and (counted < len(self.items)).any():
                total = np.where(counted < len(self.items), total / counted * len(self.items), total)
        if (self.score.multiply, self.score.add) != (1, 0):
            total = total * self.score.multiply + self.score.add
        total[short] = np.nan
        return total

    def values(self, item: Item, answers: Answers) -> Floats:
        """What each answer of one item counts for (unweighted); NaN where it does not count."""
        if item.code in self.readers:
            reader, values, _, valid = self.readers[item.code]
            places = answers.places(item, reader)
            numbers = np.where(valid[places] > 0, values[places], np.nan)
        elif self.instrument.scale_of(item).kind == "multiple":
            ticked, given = answers.ticks(item)
            counting = [ticked[str(option.code)] for option in counting_options(self.instrument, item)]
            numbers = np.where(given, np.sum(counting, axis=0, dtype=float), np.nan)
        else:
            numbers = answers.numbers(item)
            if item.reverse and (bounds := self.instrument.scale_of(item).bounds):
                numbers = sum(bounds) - numbers
        if item.not_asked is not None:
            numbers = np.where(np.isnan(numbers) & answers.skipped(item), item.not_asked, numbers)
        return numbers

    def _add(self, item: Item, answers: Answers, total: Floats, counted: Any) -> None:
        if item.code in self.readers and item.not_asked is None:  # two look-ups a cell: this path carries the load
            reader, _, weighted, valid = self.readers[item.code]
            places = answers.places(item, reader)
            total += weighted.take(places, mode="wrap")
            counted += valid.take(places, mode="wrap")
        else:
            numbers = self.values(item, answers)
            there = ~np.isnan(numbers)
            total += np.where(there, numbers * self._weight(item), 0.0)
            counted += there

    def _weight(self, item: Item) -> float:
        return self.score.weights.get(item.code, 1.0)

    def columns(self, values: Floats) -> dict[str, Any]:
        """The columns of this score in the result."""
        columns: dict[str, Any] = {self.score.id: values}
        for cutoff in self.score.cutoffs:
            columns[f"{self.score.id}_{cutoff.id}"] = classed(values, cutoff)
        constant = pd.Categorical.from_codes(np.zeros(len(values), dtype=np.int8), categories=pd.Index([self.rule]))
        columns[f"{self.score.id}_rule"] = constant
        return columns


def classed(values: Floats, cutoff: Cutoff) -> pd.Categorical:
    """The band of each score; missing where the score is."""
    codes = np.full(len(values), len(cutoff.bands) - 1, dtype=np.int8)
    rounded = np.round(values, 9)  # a prorated score may miss a limit by the last bit
    for place in range(len(cutoff.bands) - 2, -1, -1):
        edge, inclusive = cutoff.bands[place].edge or (np.inf, True)
        codes[rounded <= edge if inclusive else rounded < edge] = place
    codes[np.isnan(values)] = -1
    return pd.Categorical.from_codes(codes, categories=pd.Index([band.code for band in cutoff.bands]), ordered=True)
