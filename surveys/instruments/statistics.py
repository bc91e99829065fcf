"""What to look at before trusting a scale: item statistics, reliability, floor and ceiling, missing answers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from surveys.instruments.columns import Answers, Floats
from surveys.instruments.conditions import DONT_KNOW, WONT_SAY
from surveys.instruments.reliability import Reliability, reliability
from surveys.instruments.rules import bounds_of, item_bounds
from surveys.instruments.schema import Instrument, Item, Score
from surveys.instruments.scoring import SLICE, Plan

COUNTS = ("persons", "n", "missing", "complete", "empty", "dont_know", "wont_say", "not_asked", "wrong")
Limits = tuple[float, float] | None
MOST_AT_AN_END = 0.15  # Terwee et al. (2007), Journal of Clinical Epidemiology 60(1)
ROUNDING = 1e-9
AGAINST = -0.05  # nearer to nothing it is chance rather than a forgotten reversal
GRADED = 4  # a score with fewer steps always has many persons at its ends


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of one number: cases, mean, standard deviation, and the shares at its lowest and highest value."""

    n: int
    mean: float
    sd: float
    floor: float
    ceiling: float


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """One item as it counts in a score (reversed, recoded); the kinds of missing answers are counts."""

    code: str
    values: Spread
    empty: int
    dont_know: int
    wont_say: int
    not_asked: int
    wrong: int
    item_rest: float
    alpha_if_deleted: float


@dataclass(frozen=True, slots=True)
class ScoreStatistics:
    """One score over all persons. `reliability` is None for a score of a single item."""

    score: str
    rule: str
    persons: int
    values: Spread
    missing: int
    items: tuple[ItemStatistics, ...]
    reliability: Reliability | None
    limits: Limits

    def warnings(self) -> Iterator[str]:
        """What looks wrong, in words."""
        for item in self.items:
            if item.item_rest <= AGAINST:
                yield (
                    f"{self.score}: {item.code} goes against the other items (item-rest correlation "
                    f"{item.item_rest:.2f}): check whether its reversal was forgotten or its codes are turned"
                )
        graded = self.limits is not None and self.limits[1] - self.limits[0] >= GRADED
        for label, share in (("lowest", self.values.floor), ("highest", self.values.ceiling)):
            if graded and self.values.n and share > MOST_AT_AN_END:
                yield f"{self.score}: {share:.0%} of persons have the {label} possible score"


class Describer:
    """Gathers statistics slice by slice; memory does not grow with the number of persons."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._gathered = [_Gathered(instrument, one) for one in instrument.scores]

    def add(self, answers: Answers) -> None:
        """Count in one slice of answers."""
        for gathered in self._gathered:
            gathered.add(answers)

    def results(self) -> list[ScoreStatistics]:
        """The statistics of every score so far."""
        return [gathered.result() for gathered in self._gathered]


def describe(instrument: Instrument, frame: pd.DataFrame) -> list[ScoreStatistics]:
    """Statistics of every score of an instrument over a frame of answers (columns as for `score`)."""
    describer = Describer(instrument)
    for start in range(0, len(frame), SLICE):
        describer.add(Answers(instrument, frame.iloc[start : start + SLICE], start))
    return describer.results()


class _Moments:
    """Count, sum and sum of squares of a number, and how often it is at either end."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.n = self.low = self.high = 0
        self.total = self.squares = 0.0

    def add(self, numbers: Floats) -> None:
        there = numbers[~np.isnan(numbers)]
        self.n += len(there)
        self.total += float(there.sum())
        self.squares += float(there @ there)
        if self.limits is not None:
            self.low += int((there < self.limits[0] + ROUNDING).sum())
            self.high += int((there > self.limits[1] - ROUNDING).sum())

    def spread(self) -> Spread:
        if not self.n:
            return Spread(0, np.nan, np.nan, np.nan, np.nan)
        mean = self.total / self.n
        variance = max(self.squares - self.n * mean**2, 0.0) / (self.n - 1) if self.n > 1 else np.nan
        floor, ceiling = (self.low / self.n, self.high / self.n) if self.limits is not None else (np.nan, np.nan)
        return Spread(self.n, mean, float(np.sqrt(variance)), floor, ceiling)


class _Gathered:
    """Everything counted for one score."""

    def __init__(self, instrument: Instrument, one: Score) -> None:
        self.instrument, self.one, self.plan = instrument, one, Plan(instrument, one)
        k = len(one.items)
        self.persons = self.complete = 0
        self.sums, self.products = np.zeros(k), np.zeros((k, k))
        self.scores = _Moments(bounds_of(instrument, one))
        self.items = [_Moments(item_bounds(instrument, one, item)) for item in self.plan.items]
        self.absent: list[Counter[str]] = [Counter() for _ in self.plan.items]

    def add(self, answers: Answers) -> None:
        self.persons += len(answers.frame)
        self.scores.add(self.plan.scores(answers))
        columns = []
        for item, moments, absent in zip(self.plan.items, self.items, self.absent, strict=True):
            numbers = self.plan.values(item, answers)
            moments.add(numbers)
            absent.update(_absent(item, answers, numbers))
            columns.append(numbers)
        values = np.column_stack(columns)
        whole = values[~np.isnan(values).any(axis=1)]
        self.complete += len(whole)
        self.sums += whole.sum(axis=0)
        self.products += whole.T @ whole

    def result(self) -> ScoreStatistics:
        covariance = (self.products - np.outer(self.sums, self.sums) / max(self.complete, 1)) / max(
            self.complete - 1, 1
        )
        found = reliability(covariance, self.complete) if len(self.items) > 1 else None
        items = []
        for place, (item, moments, absent) in enumerate(zip(self.plan.items, self.items, self.absent, strict=True)):
            items.append(
                ItemStatistics(
                    item.code, moments.spread(), absent["empty"], absent["dont_know"], absent["wont_say"],
                    absent["not_asked"], absent["wrong"],
                    found.item_rest[place] if found else np.nan, found.alpha_if_deleted[place] if found else np.nan,
                )
            )  # fmt: skip
        values = self.scores.spread()
        missing = self.persons - values.n
        return ScoreStatistics(
            self.one.id, self.plan.rule, self.persons, values, missing, tuple(items), found, self.scores.limits
        )


def _absent(item: Item, answers: Answers, numbers: Floats) -> dict[str, int]:
    """Why answers of an item do not count; who was not asked is counted here even when that gives a value."""
    skipped = answers.skipped(item)
    wrong, dont_know, wont_say = answers.bad(item), answers.said(item, DONT_KNOW), answers.said(item, WONT_SAY)
    empty = np.isnan(numbers) & ~(skipped | wrong | dont_know | wont_say)
    marks = {"empty": empty, "dont_know": dont_know, "wont_say": wont_say, "not_asked": skipped, "wrong": wrong}
    return {name: int(mark.sum()) for name, mark in marks.items()}


def as_table(results: Iterable[ScoreStatistics]) -> pd.DataFrame:
    """Statistics as one flat table: a row per score, and below it a row per item of a scale."""
    rows: list[dict[str, object]] = []
    for one in results:
        head = {"score": one.score, "item": "", "persons": one.persons}
        rows.append({**head, **_spread(one.values), "missing": one.missing})
        if one.reliability is not None:
            rows[-1] |= {
                "complete": one.reliability.n,
                "alpha": one.reliability.alpha, "alpha_low": one.reliability.alpha_low,
                "alpha_high": one.reliability.alpha_high, "alpha_standardised": one.reliability.alpha_standardised,
                "omega": one.reliability.omega, "average_r": one.reliability.average_r,
            }  # fmt: skip
            rows += [_item_row(one, item) for item in one.items]
    table = pd.DataFrame(rows)
    counts = [name for name in COUNTS if name in table]
    return table.astype(dict.fromkeys(counts, "Int64"))


def _item_row(one: ScoreStatistics, item: ItemStatistics) -> dict[str, object]:
    return {
        "score": one.score, "item": item.code, "persons": one.persons, **_spread(item.values),
        "missing": one.persons - item.values.n, "empty": item.empty, "dont_know": item.dont_know,
        "wont_say": item.wont_say, "not_asked": item.not_asked, "wrong": item.wrong,
        "item_rest": item.item_rest, "alpha_if_deleted": item.alpha_if_deleted,
    }  # fmt: skip


def _spread(values: Spread) -> dict[str, object]:
    return {"n": values.n, "mean": values.mean, "sd": values.sd, "floor": values.floor, "ceiling": values.ceiling}
