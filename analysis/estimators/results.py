"""The result of a plan: rows, analyses, and their JSON and CSV forms."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

DIGITS = 15


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate, test or interval. What does not exist is None, and `note` says why.

    `statistic` has `df` degrees of freedom (an F test has `df2` for its denominator); `df` is None where the
    normal distribution was used. Ratios stand on the log scale, with `ratio` and its limits back-transformed.
    """

    term: str
    measure: str | None = None
    at: float | None = None
    event: str | None = None
    wave: int | str | None = None
    site: str | None = None
    subgroup: str | None = None
    outcome: str | None = None
    n: int | None = None
    estimate: float | None = None
    std_error: float | None = None
    df: float | None = None
    statistic: float | None = None
    df2: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    p_adjusted: float | None = None
    conf_low_adjusted: float | None = None
    conf_high_adjusted: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    note: str | None = None


ROW_FIELDS = tuple(item.name for item in fields(Row))


@dataclass(frozen=True)
class Joint:
    """What a family needs of an analysis: its arm estimates together.

    `rows` are places in `Report.rows` (K), `estimates` (K), `covariance` (K x K), `df` None for the normal;
    `scores` (K x rows of the file), where known, sum over clusters to `covariance` = scores scores'.
    """

    rows: tuple[int, ...]
    estimates: np.ndarray
    covariance: np.ndarray
    df: float | None
    scores: np.ndarray | None = None


@dataclass(frozen=True)
class Report:
    """What a method hands back; the context adds counts, `run` adds text and adjusts families."""

    rows: tuple[Row, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    joint: Joint | None = None


@dataclass(frozen=True)
class Dropped:
    reason: str
    column: str | None
    n: int


@dataclass(frozen=True)
class Result:
    """One analysis of the plan, done or refused."""

    id: str
    method: str
    family: str | None
    planned: bool
    n_rows: int | None
    n_used: int | None
    dropped: tuple[Dropped, ...]
    rows: tuple[Row, ...]
    details: Mapping[str, Any]
    method_text: Mapping[str, str]
    messages: tuple[str, ...]
    refused: str | None


@dataclass(frozen=True)
class Results:
    """All analyses of a plan, in plan order."""

    version: int
    plan_sha256: str
    data_sha256: str | None
    software: Mapping[str, str]
    analyses: tuple[Result, ...]


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: 15 significant digits, no NaN or infinity, arrays as lists."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") + 0.0 if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Row | Result | Results | Dropped):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise TypeError(f"no JSON form for {type(value).__name__}")


def to_json(results: Results) -> str:
    return json.dumps(plain(results), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def to_csv(results: Results) -> str:
    """The rows table: one line a row, led by the analysis and its method; a refused one has its reason as note."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("analysis", "method", "planned", *ROW_FIELDS))
    writer.writerows(_lines(results))
    return out.getvalue()


def _lines(results: Results) -> Iterator[list[Any]]:
    for analysis in results.analyses:
        rows = (Row("", measure="refused", note=analysis.refused),) if analysis.refused else analysis.rows
        for row in rows:
            yield [analysis.id, analysis.method, str(analysis.planned).lower(), *plain(row).values()]


def finite(row: Row) -> Row:
    """The row with every number that is not finite taken out and a note that says so."""
    bad: dict[str, Any] = {
        name: None
        for name in ROW_FIELDS
        if isinstance(getattr(row, name), float | np.floating) and not math.isfinite(getattr(row, name))
    }
    if not bad:
        return row
    return replace(row, **bad, note=row.note or f"not computable: {', '.join(bad)}")
