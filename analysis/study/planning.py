"""A registered plan made ready for a page: what approvers of a run say yes to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.estimators.registry import methods
from analysis.study.reading import PROCEDURES
from trialmgr.protocol.schema import Outcome, PlannedAnalysis, Protocol

OWN_COLUMNS = {"id", "method", "outcome"}


@dataclass(frozen=True, slots=True)
class Item:
    """One analysis: what it is about, what is done, and its other keys as they stand in the plan."""

    id: str
    about: str
    method: str
    done: str
    keys: str


@dataclass(frozen=True, slots=True)
class Look:
    day: Any
    outcomes: str
    agreed_on: Any
    agreed_with: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What was registered, in the words of the protocol."""

    name: str
    summary: str
    comparator: str
    arms: Sequence[str]
    as_assigned: bool
    primary: Sequence[tuple[str, str]]
    secondary: Sequence[tuple[str, str]]
    exploratory: Sequence[tuple[str, str]]
    items: Sequence[Item]
    families: Sequence[tuple[str, str, str]]
    until: Any
    ground: str
    looks: Sequence[Look]
    minimum_cell: int


def planned(protocol: Protocol, language: str) -> Planned:
    plan = protocol.analysis
    outcomes = {outcome.code: outcome for outcome in protocol.outcomes}
    names = {code: outcome.name.text(language) for code, outcome in outcomes.items()}
    arms = {arm.code: arm.name.text(language) for arm in protocol.arms}
    rest = [code for code in outcomes if code not in (*plan.primary, *plan.secondary)]

    def listed(codes: Sequence[str]) -> list[tuple[str, str]]:
        return [_in_words(outcomes[code], language) for code in codes]

    return Planned(
        name=protocol.name.text(language),
        summary=protocol.summary.text(language),
        comparator=arms[plan.comparator],
        arms=list(arms.values()),
        as_assigned=plan.analysis_set == "as_assigned",
        primary=listed(plan.primary),
        secondary=listed(plan.secondary),
        exploratory=listed(rest),
        items=[_item(item, names, language) for item in plan.plan.analyses],
        families=[
            (
                family.name,
                ", ".join(names[code] for code in family.outcomes),
                PROCEDURES.get(family.adjust, family.adjust),
            )
            for family in plan.families
        ],
        until=protocol.embargo.until,
        ground=protocol.embargo.ground.text(language),
        looks=[
            Look(
                look.day,
                ", ".join(names[code] for code in look.outcomes),
                look.agreed_on,
                look.agreed_with.text(language),
            )
            for look in protocol.embargo.interim_looks
        ],
        minimum_cell=protocol.privacy.minimum_cell,
    )


def _in_words(outcome: Outcome, language: str) -> tuple[str, str]:
    return outcome.name.text(language), outcome.definition.text(language)


def _item(item: PlannedAnalysis, names: dict[str, str], language: str) -> Item:
    keys = item.model_dump(mode="json", exclude_unset=True)
    outcome = str(keys.get("outcome", ""))
    method = methods()[item.method]
    rest = (f"{key}: {_plain(value)}" for key, value in keys.items() if key not in OWN_COLUMNS)
    return Item(
        id=item.id,
        about=names.get(outcome, outcome or item.id),
        method=item.method,
        done=method.nl if language == "nl" else method.en,
        keys="; ".join(rest),
    )


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
