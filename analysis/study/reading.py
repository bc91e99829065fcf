"""A stored result made ready for a page: every number with its outcome, comparator and count. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.report.dutch import dutch
from trialmgr.protocol.schema import Protocol

EMPTY = re.compile(r"the arm '(?P<arm>[^']+)' has no row with the outcome '[^']+' observed")
NOT_YET = {
    "nl": "in de groep {arm} is deze uitkomst nog bij niemand bekend.",
    "en": "nobody in the group {arm} has this outcome yet.",
}
# Where a text of the estimators names an arm or an outcome by its code.
BEFORE_CODE = r"(?:in groep |in arm |vergeleken met |compared with |Uitkomst: |Outcome: )"


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
    refused_in: str
    """The language of the reason: the page's own, or English, in which the estimators speak."""

    @property
    def adjusted(self) -> bool:
        return any(effect.p_adjusted is not None for effect in self.effects)


def analyses(document: Mapping[str, Any], protocol: Protocol, language: str) -> list[Analysis]:
    """The analyses of a results document, in plan order, with the names of the protocol."""
    arms = {arm.code: arm.name.text(language) for arm in protocol.arms}
    outcomes = {outcome.code: outcome for outcome in protocol.outcomes}
    asked = {item.id: getattr(item, "outcome", item.id) for item in protocol.analysis.plan.analyses}
    found = []
    for one in document["analyses"]:
        outcome = outcomes.get(asked.get(one["id"], ""))
        refused, refused_in = _refusal(one["refused"], arms, language)
        names = arms | ({outcome.code: outcome.name.text(language)} if outcome else {})
        found.append(
            Analysis(
                name=outcome.name.text(language) if outcome else one["id"],
                definition=outcome.definition.text(language) if outcome else "",
                comparator=arms[protocol.analysis.comparator],
                planned=one["planned"],
                primary=bool(outcome and outcome.code in protocol.analysis.primary),
                method=_named(one["method_text"].get(language, ""), names),
                n_used=one["n_used"],
                n_rows=one["n_rows"],
                means=_means(one, arms),
                effects=tuple(_effect(row, arms) for row in one["rows"] if row["term"] in arms),
                refused=refused,
                refused_in=refused_in,
            )
        )
    return found


def _refusal(reason: str | None, arms: Mapping[str, str], language: str) -> tuple[str | None, str]:
    """The reason in the language of the page where it is known in that language, and its language."""
    empty = EMPTY.search(reason or "")
    if empty and language in NOT_YET:
        return NOT_YET[language].format(arm=arms.get(empty["arm"], empty["arm"])), language
    translated = dutch(reason) if reason and language == "nl" else None
    return (translated, "nl") if translated else (reason, "en")


def _named(text: str, names: Mapping[str, str]) -> str:
    """The text with names for codes. Longer codes first: one may be the beginning of another."""
    codes = "|".join(re.escape(code) for code in sorted(names, key=len, reverse=True))
    return re.sub(rf"({BEFORE_CODE})({codes})(?![\w-])", lambda found: found[1] + names[found[2]], text)


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
