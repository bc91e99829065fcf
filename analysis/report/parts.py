"""What a page is made of: sections with tables and charts, and how rows of results are read for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.estimators.expressions import Expression, label
from analysis.estimators.plan import AnalysisKeys, Plan
from analysis.estimators.results import Result, Results, Row
from analysis.report.words import Voice

LEVELS = {"mean", "sd", "risk", "incidence", "survival", "quantile", "rmst", "rmtl", "smd", "prediction", "tau2"}
TIMES = {"rmst", "rmtl"}
FLOW, BALANCE = "consort_flow", "balance_table"


@dataclass(frozen=True)
class Table:
    """Texts by row; the first cell of a row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A chart as a Vega-Lite specification, with the table that holds its numbers."""

    title: str
    spec: Mapping[str, Any]
    table: Table


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    parts: tuple[Table | Figure, ...]
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A plan with its results, the language, and the least number of persons behind what is shown (0: all)."""

    plan: Plan
    results: Results
    voice: Voice
    threshold: int = 0
    by_id: dict[str, AnalysisKeys] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id.update({keys.id: keys for keys in self.plan.analyses})

    @property
    def done(self) -> list[Result]:
        return [result for result in self.results.analyses if result.refused is None]

    def control(self, result: Result) -> str | None:
        keys = self.by_id[result.id]
        named = keys.control if "control" in keys.model_fields_set else self.plan.data.control
        arms = list(result.details.get("arms", {}))
        return named if named is not None else (arms[0] if arms else None)

    def outcome(self, result: Result, row: Row | None = None) -> str:
        """The name of the outcome of a row."""
        if row is not None and row.outcome is not None:
            return row.outcome
        keys = self.by_id[result.id]
        if keys.outcome is not None:
            return label(keys.outcome)
        timed = keys.event if keys.event is not None else keys.status if keys.status is not None else keys.time
        return label(timed) if timed is not None else "–"

    def definition(self, result: Result) -> str:
        """What the outcome is, in the terms of the data."""
        keys = self.by_id[result.id]
        refs = [ref for ref in (keys.outcome, keys.event, keys.status, keys.time) if ref is not None]
        if isinstance(keys.outcomes, tuple):
            refs += list(keys.outcomes)
        elif keys.outcomes is not None:
            refs.append(keys.outcomes)
        return "; ".join(dict.fromkeys(defined(ref, self.plan) for ref in refs)) or "–"

    def hides(self, n: int | None) -> bool:
        """Whether a number of persons is too small to be shown."""
        return n is not None and 0 < n < self.threshold

    def control_mean(self, result: Result, binary: bool) -> str:
        """The mean of the outcome in the control arm, or its share, as observed."""
        arm = result.details.get("arms", {}).get(self.control(result), {})
        n, events = arm.get("n"), arm.get("events")
        shares = binary and n and events is not None
        if self.hides(n) or (shares and (self.hides(events) or self.hides(n - events))):
            return self.voice("hidden")
        return self.voice.number(arm.get("mean"), percent=binary)

    def comparison(self, result: Result, row: Row) -> str:
        control = self.control(result)
        return row.term if control is None or row.term == control else f"{row.term} {self.voice('versus')} {control}"

    def binary(self, result: Result) -> bool:
        """Whether effects are differences of shares, to be shown in percentage points."""
        arms = result.details.get("arms", {})
        return result.method not in TIMES and bool(arms) and all("events" in part for part in arms.values())

    def effects(self) -> Iterator[tuple[Result, Row]]:
        """Rows that compare an arm with the control, or pool sites, with an interval."""
        for result in self.done:
            for row in result.rows:
                whole = row.estimate is not None and (row.conf_low is not None or row.conf_high is not None)
                if whole and row.measure not in LEVELS and self._compares(result, row) and not self.small(result, row):
                    yield result, row

    def small(self, result: Result, row: Row) -> bool:
        """Whether a row rests on too few persons: its own, those of its arm, or those who make up its share."""
        arm = result.details.get("arms", {}).get(row.term, {}).get("n")
        behind = None
        if row.n is not None and row.estimate is not None and row.measure == "risk":
            behind = round(row.n * row.estimate)
        return any(self.hides(n) for n in (row.n, arm, behind))

    def counted(self, result: Result, row: Row) -> tuple[str, str]:
        """The persons behind a row, and how many of them were still followed at its time, where it has one."""
        arms = result.details.get("arms", {})
        arm, control = arms.get(row.term, {}).get("n"), arms.get(self.control(result) or "", {}).get("n")
        n = "–" if row.n is None else str(row.n)
        if row.at is None or row.measure == "quantile" or arm is None:
            return n, "–"
        compared = row.measure not in LEVELS and row.term != self.control(result) and control is not None
        return str(arm + control if compared else arm), n

    def _compares(self, result: Result, row: Row) -> bool:
        arms = result.details.get("arms", {})
        return (row.term in arms and row.term != self.control(result)) or row.term == "pooled"


def defined(ref: str | Expression, plan: Plan) -> str:
    """A column in words: its name, and how it is made when the plan makes it."""
    if isinstance(ref, str):
        made = plan.columns.get(ref)
        return f"{ref}: {_made(made)}" if isinstance(made, Expression) else ref
    return _made(ref)


def _made(ref: Expression) -> str:
    if ref.model_fields_set == {"column", "equals"}:
        return f"{_said(ref.column)} = {ref.equals}"
    given = ref.model_dump(exclude_defaults=True, by_alias=True, mode="json")
    return ", ".join(f"{key} {_said(value)}" for key, value in given.items())


def _said(value: Any) -> str:
    if isinstance(value, Expression):
        return _made(value)
    if isinstance(value, list):
        return "[" + ", ".join(_said(item) for item in value) + "]"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_said(item)}" for key, item in value.items()) + ")"
    return str(value)


def place(row: Row, voice: Voice) -> str:
    """What sets a row apart within its analysis: measure, event, time, wave, site, subgroup."""
    return voice.row({name: getattr(row, name) for name in ("measure", "event", "at", "wave", "site", "subgroup")})
