"""Rules on what may be kept: data, versioned by date and legal regime, each with its article and source.

A rule book is the files of `rules/` plus what a municipality has set itself, with its reason.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from coaching.money.fields import CENT, Day, Euros, Number, Strict, Texts, Words, first_day, last_day, month_of
from trialmgr.core.documents import read_document, validate
from trialmgr.core.errors import BadInput, Fault

FOLDER = Path(__file__).with_name("rules")
REGIMES = ("participatiewet", "decree-2017", "new-trial", "experiment-2009")

Trait = Literal[
    "pension-age", "under-27", "lone-parent", "medical-hours", "wage-subsidy", "more-hours-impossible"
]  # fmt: skip
TRAITS: tuple[Trait, ...] = (
    "pension-age", "under-27", "lone-parent", "medical-hours", "wage-subsidy", "more-hours-impossible",
)  # fmt: skip


@cache
def doubts() -> dict[str, Words]:
    """What is not verified in the rules, by key."""
    return validate(Texts, read_document(FOLDER / "unverified.yaml")).root


class Dated(Strict):
    """Something that holds from one day until another, both included; with its ground.

    `unverified` names what in it was not checked against the law: keys of `rules/unverified.yaml`.
    """

    start: Day = Field(alias="from")
    end: Day | None = Field(None, alias="until")
    article: str
    source: str
    unverified: tuple[str, ...] = ()
    reason: str = ""

    @model_validator(mode="after")
    def _whole_months(self) -> Self:
        if unknown := sorted(set(self.unverified) - set(doubts())):
            raise ValueError(f"names an unknown doubt {unknown[0]} -> use one of {', '.join(doubts())}")
        if self.start.day != 1:
            raise ValueError("does not start on the first day of a month -> let a version start on day 1")
        if self.end is not None and self.end < self.start:
            raise ValueError("ends before it starts -> mend `until`")
        return self

    def holds_in(self, month: int) -> bool:
        return month_of(self.start) <= month and (self.end is None or month <= month_of(self.end))


class Version(Dated):
    """One version of a rule.

    `share` of the earnings, or `base` euros at `base_hours` a week with `per_hour` euros for each hour more or less
    (parts of an hour count, unless `whole_hours`); never above `cap` a month nor above the earnings. `unit` says whose
    earnings, cap and months are taken together. `months`: how many months the rule can be used. Count `used` counts the
    months in which something was kept; count `consecutive` runs on from the first of these, with or without earnings.
    """

    share: Number | None = Field(None, le=1)
    base: Euros | None = None
    base_hours: Number | None = None
    per_hour: Euros | None = None
    whole_hours: bool = False
    cap: Euros | None = None
    months: int | None = Field(None, ge=0, le=600)
    count: Literal["used", "consecutive"] = "used"
    restart: Literal["never", "new-job"] = "never"
    unit: Literal["household", "person"] = "household"
    netting: bool = False
    part_month_cap: Literal["whole", "days"] = "whole"
    rounding: Literal["half-up", "up", "down"] = "half-up"

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        hourly = (self.base, self.base_hours, self.per_hour)
        if (self.share is None) == all(part is None for part in hourly):
            raise ValueError("has no shape, or two -> give either share, or base, base_hours and per_hour")
        if self.share is None and any(part is None for part in hourly):
            raise ValueError("is half a rule per hour -> give base, base_hours and per_hour")
        if self.share is not None and self.share.normalize().as_tuple().exponent < -6:  # type: ignore[operator]
            raise ValueError("has a share with more than six decimals -> round it")
        if self.base_hours is not None and self.base_hours != self.base_hours.quantize(CENT):
            raise ValueError("has base_hours with more than two decimals -> round it")
        if self.netting and self.unit == "person":
            raise ValueError("nets per person -> netting is done for the household: use unit household")
        return self


class Rule(Strict):
    """A rule and its versions; who it is for is told by traits that a person must or may not have."""

    id: str
    name: Words
    needs: tuple[Trait, ...] = ()
    excludes: tuple[Trait, ...] = ()
    after: str | None = None
    versions: tuple[Version, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _refuse_overlap(self.id, self.versions)
        return self

    def at(self, month: int) -> Version | None:
        return next((version for version in self.versions if version.holds_in(month)), None)

    def fits(self, traits: Iterable[str]) -> bool:
        held = set(traits)
        return held.issuperset(self.needs) and held.isdisjoint(self.excludes)


class Regime(Strict):
    """A law or order: its rules in the order in which they are tried."""

    regime: str
    role: Literal["regular", "trial"]
    title: Words
    rules: tuple[Rule, ...]

    def known_in(self, month: int) -> bool:
        return any(rule.at(month) for rule in self.rules)


class BonusVersion(Dated):
    """A premium that is not counted as means: its ceiling and number of payments in a calendar year."""

    ceiling: Euros
    payments: int = Field(ge=1)
    per_month: Euros | None = None
    unit: Literal["household", "person"] = "household"


class BonusRule(Strict):
    id: str
    name: Words
    excludes: tuple[Trait, ...] = ()
    unless: tuple[Trait, ...] = ()
    versions: tuple[BonusVersion, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _refuse_overlap(self.id, self.versions)
        return self

    def at(self, month: int) -> BonusVersion | None:
        return next((version for version in self.versions if version.holds_in(month)), None)


class Bonuses(Strict):
    bonuses: tuple[BonusRule, ...]


class Setting(Strict):
    """What a municipality has set in place of a number on file, and why."""

    rule: str
    start: Day = Field(alias="from")
    end: Day | None = Field(None, alias="until")
    change: dict[str, Any] = Field(alias="set")
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole_months(self) -> Self:
        if self.start.day != 1 or (self.end is not None and self.end != last_day(month_of(self.end))):
            raise ValueError("does not hold for whole months -> start on the first day, end on the last of a month")
        if self.end is not None and self.end < self.start:
            raise ValueError("ends before it starts -> mend `until`")
        if "from" in self.change or "until" in self.change:
            raise ValueError("sets dates -> give from and until beside `set`")
        return self


Kind = TypeVar("Kind", Rule, BonusRule)
OPEN = 12 * 10_000


@dataclass(frozen=True)
class RuleBook:
    """Every regime and premium by its id."""

    regimes: dict[str, Regime]
    bonuses: dict[str, BonusRule]
    settings: tuple[Setting, ...] = field(default=())

    def regime(self, name: str) -> Regime:
        return self.regimes[name]

    def rule(self, name: str) -> Rule:
        return next(rule for regime in self.regimes.values() for rule in regime.rules if rule.id == name)

    def with_settings(self, settings: Sequence[Setting]) -> "RuleBook":
        """The same book with these settings in force. Raises ValueError, `what -> remedy`, for one that cannot be."""
        regimes, bonuses = dict(self.regimes), dict(self.bonuses)
        for setting in settings:
            if setting.rule in bonuses:
                bonuses[setting.rule] = _set(bonuses[setting.rule], setting)
                continue
            name = next((n for n, regime in regimes.items() if _position(regime, setting.rule) is not None), None)
            if name is None:
                known = ", ".join(sorted([r.id for x in regimes.values() for r in x.rules] + list(bonuses)))
                raise ValueError(f"names a rule that is not on file -> use one of {known}")
            rules = list(regimes[name].rules)
            place = _position(regimes[name], setting.rule) or 0
            rules[place] = _set(rules[place], setting)
            regimes[name] = regimes[name].model_copy(update={"rules": tuple(rules)})
        return RuleBook(regimes, bonuses, (*self.settings, *settings))


@cache
def rulebook() -> RuleBook:
    """The rules as shipped."""
    regimes = [validate(Regime, read_document(FOLDER / f"{name}.yaml")) for name in REGIMES]
    bonuses = validate(Bonuses, read_document(FOLDER / "bonuses.yaml")).bonuses
    _refuse_unknown_after(regimes)
    return RuleBook({regime.regime: regime for regime in regimes}, {bonus.id: bonus for bonus in bonuses})


def _refuse_unknown_after(regimes: Sequence[Regime]) -> None:
    for regime in regimes:
        seen: set[str] = set()
        for rule in regime.rules:
            if rule.after is not None and rule.after not in seen:
                raise BadInput(Fault(f"{regime.regime}.yaml: {rule.id}", "comes after a rule not above it", "reorder"))
            seen.add(rule.id)


def _refuse_overlap(name: str, versions: Sequence[Dated]) -> None:
    for earlier, later in itertools.pairwise(versions):
        if earlier.end is None or earlier.end >= later.start:
            raise ValueError(f"has versions of {name} that overlap or stand out of order -> end one before the next")


def _position(regime: Regime, name: str) -> int | None:
    return next((place for place, rule in enumerate(regime.rules) if rule.id == name), None)


def _set(rule: Kind, setting: Setting) -> Kind:
    """The rule with the setting laid over its versions; where none holds, over the latest before it."""
    first = month_of(setting.start)
    last = month_of(setting.end) if setting.end else OPEN
    edges = {first, last + 1}
    for version in rule.versions:
        edges |= {month_of(version.start), (month_of(version.end) if version.end else OPEN) + 1}
    marks = sorted(edges)
    versions: list[Any] = []
    for start, stop in itertools.pairwise(marks):
        base = rule.at(start)
        if first <= start <= last:
            earlier = [version for version in rule.versions if month_of(version.start) <= start]
            base = _changed(base or (earlier or rule.versions)[-1 if earlier else 0], setting)
        if base is not None:
            end = None if stop > OPEN else last_day(stop - 1)
            versions.append(base.model_copy(update={"start": first_day(start), "end": end}))
    return rule.model_copy(update={"versions": tuple(versions)})


def _changed(version: Any, setting: Setting) -> Any:
    given = {**version.model_dump(by_alias=True), **setting.change, "reason": setting.reason}
    try:
        return type(version).model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = ".".join(map(str, detail["loc"])) or "this"
        what = detail["msg"].removeprefix("Value error, ")
        raise ValueError(f"cannot set {name}: {what}" + ("" if "->" in what else " -> mend `set`")) from None
