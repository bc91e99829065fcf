"""A stored result made ready for a page: every number with its outcome, comparator and counts. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analysis.report.dutch import dutch
from analysis.report.words import Language, Voice
from trialmgr.protocol.schema import Protocol

EMPTY = re.compile(r"the arm '(?P<arm>[^']+)' has no row with the outcome '[^']+' observed")
NOT_YET = {
    "nl": "in de groep {arm} is deze uitkomst nog bij niemand bekend.",
    "en": "nobody in the group {arm} has this outcome yet.",
}
# Where a text of the estimators names an arm or an outcome by its code.
BEFORE_CODE = r"(?:in groep |in arm |vergeleken met |compared with |Uitkomst: |Outcome: )"
CONTROL = {"in de controlegroep": "in groep {}", "in the control arm": "in arm {}"}
NOT_SHARES = ("score", "months_to_exit", "ladder")
PROCEDURES = {
    "dunnett": "Dunnett",
    "dunnett_stepdown": "Dunnett, step-down",
    "romano_wolf": "Romano-Wolf",
    "BH": "Benjamini-Hochberg",
    "BY": "Benjamini-Yekutieli",
}
PLOT = 1000
"""Width of a drawn interval in its own units; the page makes it as wide as it likes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A result that was opened before the embargo ended: when, by whom, and on what ground."""

    on: date
    by: Sequence[str]
    ground: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Where an interval, its estimate and no effect lie between 0 and PLOT, as text for an SVG."""

    low: str
    point: str
    high: str
    none: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the effects table, with its numbers as text."""

    arm: str
    what: str
    n: int | None
    estimate: str
    std_error: str
    df: str
    interval: str
    p_value: str
    p_adjusted: str
    note: str
    plot: Plot | None


@dataclass(frozen=True, slots=True)
class Group:
    """One group of an analysis: persons drawn, with and without the outcome, and its mean or share."""

    name: str
    drawn: int | None
    observed: int | None
    missing: int | None
    mean: str
    spread: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of the plan with its effects, or the reason why there are none."""

    name: str
    definition: str
    comparator: str
    planned: bool
    primary: bool
    secondary: bool
    share: bool
    """Whether the outcome is yes or no, so that means are percentages and effects percentage points."""
    family: str
    procedure: str
    """By which the p-values of the family are adjusted; empty when they are not."""
    method: str
    n_used: int | None
    n_rows: int | None
    groups: tuple[Group, ...]
    effects: tuple[Effect, ...]
    refused: str | None
    refused_in: str
    """The language of the reason: the page's own, or English, in which the estimators speak."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A result as a page shows it: what has numbers, and what has not (yet)."""

    found: list[Analysis]
    without: list[Analysis]
    comparator: str
    as_assigned: bool
    data_on: date | None
    software: Mapping[str, str]


def shown(document: Mapping[str, Any], protocol: Protocol, language: str) -> Shown:
    every = analyses(document, protocol, language)
    day = document.get("data_on")
    return Shown(
        found=[one for one in every if not one.refused],
        without=[one for one in every if one.refused],
        comparator=next(arm.name.text(language) for arm in protocol.arms if arm.code == protocol.analysis.comparator),
        as_assigned=protocol.analysis.analysis_set == "as_assigned",
        data_on=date.fromisoformat(day) if day else None,
        software=document["software"],
    )


def analyses(document: Mapping[str, Any], protocol: Protocol, language: str) -> list[Analysis]:
    """The analyses of a results document, in plan order, with the names of the protocol."""
    asked = {item.id: getattr(item, "outcome", item.id) for item in protocol.analysis.plan.analyses}
    reader = _Reader(protocol, language)
    return [reader.analysis(one, asked.get(one["id"], "")) for one in document["analyses"]]


class _Reader:
    """Reads the analyses of one document in one language."""

    def __init__(self, protocol: Protocol, language: str) -> None:
        self.protocol, self.language = protocol, language
        self.voice = Voice(_language(language))
        self.arms = {arm.code: arm.name.text(language) for arm in protocol.arms}
        self.comparator = self.arms[protocol.analysis.comparator]
        self.outcomes = {outcome.code: outcome for outcome in protocol.outcomes}
        self.adjust = {str(family.get("name")): str(family.get("adjust")) for family in protocol.analysis.plan.families}

    def analysis(self, one: Mapping[str, Any], code: str) -> Analysis:
        outcome = self.outcomes.get(code)
        share = outcome is not None and outcome.measure.kind not in NOT_SHARES
        refused, refused_in = self._refusal(one["refused"])
        name = outcome.name.text(self.language) if outcome else one["id"]
        effects = self._effects(one["rows"], share=share)
        adjusted = any(row.get("p_adjusted") is not None for row in one["rows"])
        procedure = self.adjust.get(one.get("family") or "", "") if adjusted else ""
        return Analysis(
            name=name,
            definition=outcome.definition.text(self.language) if outcome else "",
            comparator=self.comparator,
            planned=one["planned"],
            primary=code in self.protocol.analysis.primary,
            secondary=code in self.protocol.analysis.secondary,
            share=share,
            family=one.get("family") or "",
            procedure=PROCEDURES.get(procedure, procedure.capitalize()),
            method=self._named(one["method_text"].get(self.language, ""), {code: name} if outcome else {}),
            n_used=one["n_used"],
            n_rows=one["n_rows"],
            groups=self._groups(one["details"].get("arms", {}), share=share),
            effects=effects,
            refused=refused,
            refused_in=refused_in,
        )

    def _refusal(self, reason: str | None) -> tuple[str | None, str]:
        """The reason in the language of the page where it is known in that language, and its language."""
        empty = EMPTY.search(reason or "")
        if empty and self.language in NOT_YET:
            return NOT_YET[self.language].format(arm=self.arms.get(empty["arm"], empty["arm"])), self.language
        translated = dutch(reason) if reason and self.language == "nl" else None
        return (translated, "nl") if translated else (reason, "en")

    def _named(self, text: str, outcome: Mapping[str, str]) -> str:
        """The text with names for codes. Longer codes first: one may be the beginning of another."""
        names = self.arms | outcome
        codes = "|".join(re.escape(code) for code in sorted(names, key=len, reverse=True))
        text = re.sub(rf"({BEFORE_CODE})({codes})(?![\w-])", lambda found: found[1] + names[found[2]], text)
        for general, by_name in CONTROL.items():
            text = text.replace(general, by_name.format(self.comparator))
        return text

    def _groups(self, counts: Mapping[str, Any], *, share: bool) -> tuple[Group, ...]:
        return tuple(self._group(name, counts[code], share) for code, name in self.arms.items() if code in counts)

    def _group(self, name: str, count: Mapping[str, Any], share: bool) -> Group:
        drawn, used = count.get("randomised"), count.get("n")
        mean = self._number(count.get("mean"), percent=share)
        return Group(
            name=name,
            drawn=drawn,
            observed=used,
            missing=drawn - used if drawn is not None and used is not None else None,
            mean=f"{mean}%" if share and count.get("mean") is not None else mean,
            spread="" if share else self._number(count.get("sd")),
        )

    def _number(self, value: float | None, *, percent: bool = False) -> str:
        """One form for a whole table: a decimal of a percentage (point), three of any other number."""
        if value is None:
            return "–"
        return self.voice.decimal(f"{100 * value:.1f}" if percent else f"{value:.3f}")

    def _interval(self, low: float | None, high: float | None, *, percent: bool) -> str:
        if low is None and high is None:
            return "–"
        to = "tot" if self.language == "nl" else "to"
        return f"{self._number(low, percent=percent)} {to} {self._number(high, percent=percent)}"

    def _effects(self, rows: Sequence[Mapping[str, Any]], *, share: bool) -> tuple[Effect, ...]:
        order = list(self.arms)
        known = sorted((row for row in rows if row["term"] in self.arms), key=lambda row: order.index(row["term"]))
        plots = _plots([_limits(row) for row in known])
        return tuple(self._effect(row, share, plot) for row, plot in zip(known, plots, strict=True))

    def _effect(self, row: Mapping[str, Any], share: bool, plot: Plot | None) -> Effect:
        estimate, low, high, none = _limits(row)
        percent = share and none == 0
        return Effect(
            arm=self.arms[row["term"]],
            what=self.voice.row(row),
            n=row.get("n"),
            estimate=self._number(estimate, percent=percent),
            std_error=self._number(row.get("std_error"), percent=percent),
            df=self.voice.decimal(f"{df:.4g}") if (df := row.get("df")) is not None else "–",
            interval=self._interval(low, high, percent=percent),
            p_value=self.voice.p_value(row.get("p_value")),
            p_adjusted=self.voice.p_value(row.get("p_adjusted")),
            note=self.voice.said(row.get("note") or ""),
            plot=plot,
        )


def _language(language: str) -> Language:
    return "nl" if language == "nl" else "en"


Limits = tuple[float | None, float | None, float | None, int]


def _limits(row: Mapping[str, Any]) -> Limits:
    """The estimate, its limits, and the value that means no effect: 1 for a ratio, which stands on its own scale."""
    if row.get("ratio") is not None:
        return row["ratio"], row.get("ratio_low"), row.get("ratio_high"), 1
    return row.get("estimate"), row.get("conf_low"), row.get("conf_high"), 0


def _plots(rows: Sequence[Limits]) -> list[Plot | None]:
    """The intervals of one analysis on one scale, which holds no effect too."""
    whole = [value for row in rows if None not in row for value in row if value is not None]
    least, most = min(whole, default=0.0), max(whole, default=0.0)
    if most == least:
        return [None] * len(rows)

    def place(value: float | None) -> str:
        return str(round(20 + (PLOT - 40) * ((value or 0.0) - least) / (most - least)))

    return [
        None if None in row else Plot(point=place(row[0]), low=place(row[1]), high=place(row[2]), none=place(row[3]))
        for row in rows
    ]
