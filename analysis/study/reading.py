"""A stored result made ready for a page: every number with its outcome, comparator and count. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialmgr.protocol.schema import Protocol


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of the effects table."""

    arm: str
    n: int | None
    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of the plan with its effects, or the reason why there are none."""

    name: str
    definition: str
    comparator: str
    planned: bool
    primary: bool
    method: str
    n_used: int | None
    n_rows: int | None
    means: tuple[tuple[str, int, float | None], ...]
    effects: tuple[Effect, ...]
    refused: str | None


def analyses(document: Mapping[str, Any], protocol: Protocol, language: str) -> list[Analysis]:
    """The analyses of a results document, in plan order, with the names of the protocol."""
    arms = {arm.code: arm.name.text(language) for arm in protocol.arms}
    outcomes = {outcome.code: outcome for outcome in protocol.outcomes}
    asked = {item.id: getattr(item, "outcome", item.id) for item in protocol.analysis.plan.analyses}
    found = []
    for one in document["analyses"]:
        outcome = outcomes.get(asked.get(one["id"], ""))
        found.append(
            Analysis(
                name=outcome.name.text(language) if outcome else one["id"],
                definition=outcome.definition.text(language) if outcome else "",
                comparator=arms[protocol.analysis.comparator],
                planned=one["planned"],
                primary=bool(outcome and outcome.code in protocol.analysis.primary),
                method=one["method_text"].get(language, ""),
                n_used=one["n_used"],
                n_rows=one["n_rows"],
                means=_means(one, arms),
                effects=tuple(_effect(row, arms) for row in one["rows"] if row["term"] in arms),
                refused=one["refused"],
            )
        )
    return found


def _means(one: Mapping[str, Any], arms: Mapping[str, str]) -> tuple[tuple[str, int, float | None], ...]:
    counts = one["details"].get("arms", {})
    return tuple(
        (name, counts[code].get("n", 0), counts[code].get("mean")) for code, name in arms.items() if code in counts
    )


def _effect(row: Mapping[str, Any], arms: Mapping[str, str]) -> Effect:
    return Effect(
        arm=arms[row["term"]],
        n=row.get("n"),
        estimate=row.get("estimate"),
        low=row.get("conf_low"),
        high=row.get("conf_high"),
        p_value=row.get("p_value"),
        p_adjusted=row.get("p_adjusted"),
        note=row.get("note") or "",
    )
