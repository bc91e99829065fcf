"""A case: what is known of one household, as a coach writes it down."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from coaching.money.fields import (
    Day,
    Euros,
    Month,
    Number,
    SignedEuros,
    Strict,
    first_day,
    last_day,
    month_of,
    month_text,
)
from coaching.money.rulebook import RuleBook, Setting, Trait, rulebook
from trialmgr.core.documents import Document, read_document, validate
from trialmgr.core.errors import BadInput, Fault

LONGEST = 600
Name = Annotated[str, Field(min_length=1, max_length=60)]


class Period(Strict):
    """From one day until another, both included; no end means until the end of the case."""

    start: Day = Field(alias="from")
    end: Day | None = Field(None, alias="until")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("ends before it starts -> mend `until`")
        return self


class Held(Period):
    """A trait that a person has in a period."""

    trait: Trait


class Member(Strict):
    """An adult of the household. `used`: months used of a rule before the case begins."""

    name: Name
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="until")
    in_trial: bool | None = None
    used: dict[str, Annotated[int, Field(ge=0, le=LONGEST)]] = Field(default_factory=dict)
    jobs_before: tuple[str, ...] = ()
    traits: tuple[Held, ...] = ()


class Provision(Period):
    """A disregard of a trial, given to the members who take part."""

    regime: str


class Earning(Strict):
    """Pay over a month, or over a period that is spread evenly over its days.

    `recorded`: the day on which the municipality learned of it. A negative amount corrects an earlier entry.
    """

    member: Name | None = None
    month: Month | None = None
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="until")
    amount: SignedEuros
    hours: Number | None = Field(None, le=100)
    job: Name = "job"
    recorded: Day | None = None

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        dated = self.start is not None and self.end is not None
        if (self.month is None) != dated or (self.start is None) != (self.end is None):
            raise ValueError("has no period, or two -> give either month, or from and until")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("ends before it starts -> mend `until`")
        return self

    def days(self) -> tuple[Day, Day]:
        if self.month is not None:
            return first_day(self.month), last_day(self.month)
        assert self.start is not None
        assert self.end is not None
        return self.start, self.end


class OtherDisregard(Strict):
    """An amount that is left out of the means on another ground; rules with netting take it off."""

    month: Month
    amount: Euros
    what: Name


class Payment(Strict):
    """A premium paid to a member. `months`: how many months it is for, where a premium has an amount per month."""

    rule: str
    on: Day
    amount: Euros
    member: Name | None = None
    months: int | None = Field(None, ge=0, le=12)


class Case(Strict):
    """One household's history, from the first month to the last."""

    household: Name
    first: Month = Field(alias="from")
    last: Month = Field(alias="until")
    members: tuple[Member, ...] = Field(min_length=1, max_length=8)
    benefit: tuple[Period, ...] = ()
    provisions: tuple[Provision, ...] = ()
    earnings: tuple[Earning, ...] = ()
    other_disregards: tuple[OtherDisregard, ...] = ()
    bonuses: tuple[Payment, ...] = ()
    regular: str = "participatiewet"
    regular_term_in_trial: Literal["runs", "waits"] = "runs"
    corrected_on: Day | None = None
    settings: tuple[Setting, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _length(self) -> Self:
        if self.last < self.first:
            raise ValueError("ends before it starts -> mend `until`")
        if self.last - self.first >= LONGEST:
            raise ValueError(f"is longer than {LONGEST} months -> split the case")
        return self

    def months(self) -> range:
        return range(self.first, self.last + 1)

    def known_before(self) -> "Case":
        """The case without what was recorded on or after the day of correction."""
        day = self.corrected_on
        assert day is not None
        kept = tuple(entry for entry in self.earnings if entry.recorded is None or entry.recorded < day)
        return self.model_copy(update={"earnings": kept})

    def book(self) -> RuleBook:
        return rulebook().with_settings(self.settings)


def read_case(path: str | Path) -> Case:
    """Read and check a case file. Raises BadInput with the place of every fault."""
    return case_of(read_document(path))


def case_of(document: Document) -> Case:
    case = validate(Case, document)
    faults = list(_setting_faults(case, document))
    if not faults:
        faults = [*_name_faults(case, document), *_rule_faults(case, document), *_earning_faults(case, document)]
    if faults:
        raise BadInput(faults)
    return case


def _setting_faults(case: Case, document: Document) -> Iterator[Fault]:
    book = rulebook()
    for place, setting in enumerate(case.settings):
        try:
            book = book.with_settings([setting])
        except ValueError as error:
            what, _, remedy = str(error).partition(" -> ")
            yield document.fault(("settings", place), what, remedy)


def _name_faults(case: Case, document: Document) -> Iterator[Fault]:
    names = [member.name for member in case.members]
    known = ", ".join(names)
    for place, name in enumerate(names):
        if name in names[:place]:
            yield document.fault(("members", place, "name"), f"is used twice: {name}", "give each member an own name")
    for part in ("earnings", "bonuses"):
        for place, entry in enumerate(getattr(case, part)):
            if entry.member is None and len(names) > 1:
                yield document.fault((part, place), "does not say whose it is", f"add member: one of {known}")
            elif entry.member is not None and entry.member not in names:
                yield document.fault((part, place, "member"), f"is no member: {entry.member}", f"use one of {known}")
    for place, member in enumerate(case.members):
        yield from _member_faults(case, document, place, member)


def _member_faults(case: Case, document: Document, place: int, member: Member) -> Iterator[Fault]:
    key = ("members", place)
    if member.start and member.end and member.end < member.start:
        yield document.fault((*key, "until"), "ends before it starts", "mend `until`")
    joined = member.start is not None and member.start > first_day(case.first)
    if joined and member.in_trial is None and case.provisions:
        yield document.fault(
            key, f"{member.name} joins later and it is not said whether in the trial", "add in_trial: true or false"
        )
    rules = {rule.id for regime in case.book().regimes.values() for rule in regime.rules}
    for name in sorted(set(member.used) - rules):
        yield document.fault((*key, "used", name), "is no rule on file", f"use one of {', '.join(sorted(rules))}")
    for number, held in enumerate(member.traits):
        if held.trait == "lone-parent" and _lives_with_another(case, member, held):
            yield document.fault(
                (*key, "traits", number), "a lone parent lives with another member", "end the trait, or the membership"
            )


def _lives_with_another(case: Case, member: Member, held: Held) -> bool:
    start, end = max(held.start, first_day(case.first)), min(held.end or last_day(case.last), last_day(case.last))
    return any(
        other.name != member.name and max(start, other.start or start) <= min(end, other.end or end, member.end or end)
        for other in case.members
    )


def _rule_faults(case: Case, document: Document) -> Iterator[Fault]:
    book = case.book()
    trials = sorted(name for name, regime in book.regimes.items() if regime.role == "trial")
    ordinary = sorted(name for name, regime in book.regimes.items() if regime.role == "regular")
    if case.regular not in ordinary:
        yield document.fault(("regular",), f"is no ordinary regime: {case.regular}", f"use {', '.join(ordinary)}")
        return
    if missing := [month for month in case.months() if not book.regime(case.regular).known_in(month)]:
        yield document.fault(
            ("from",),
            f"no ordinary rule is on file for {_span(missing)}",
            "choose other months, or give the rule of that time under `settings`",
        )
    for place, provision in enumerate(case.provisions):
        key = ("provisions", place)
        if provision.regime not in trials:
            yield document.fault(
                (*key, "regime"), f"is no trial regime: {provision.regime}", f"use one of {', '.join(trials)}"
            )
            continue
        regime = book.regime(provision.regime)
        last = min(provision.end or last_day(case.last), last_day(case.last))
        months = [month for month in case.months() if provision.start <= last_day(month) and first_day(month) <= last]
        if outside := [month for month in months if not regime.known_in(month)]:
            yield document.fault(key, f"{provision.regime} did not hold in {_span(outside)}", "end the provision")
        for other in case.provisions[:place]:
            if month_of(other.start) <= month_of(last) and month_of(provision.start) <= month_of(other.end or last):
                yield document.fault(key, "shares a month with another provision", "let one begin a month later")
    for place, payment in enumerate(case.bonuses):
        if payment.rule not in book.bonuses:
            yield document.fault(
                ("bonuses", place, "rule"), f"is no premium: {payment.rule}", f"use one of {', '.join(book.bonuses)}"
            )


def _span(months: list[int]) -> str:
    return month_text(months[0]) + (f" to {month_text(months[-1])}" if len(months) > 1 else "")


def _earning_faults(case: Case, document: Document) -> Iterator[Fault]:
    start, end = first_day(case.first), last_day(case.last)
    totals: dict[tuple[str | None, str], Decimal] = {}
    for place, entry in enumerate(case.earnings):
        first, last = entry.days()
        if last < start or first > end:
            yield document.fault(("earnings", place), "lies outside the months of the case", "widen from and until")
        key = (entry.member, f"{first} {last}")
        totals[key] = totals.get(key, Decimal(0)) + entry.amount
    for (member, days), total in totals.items():
        if total < 0:
            who = member or case.members[0].name
            yield document.fault(
                ("earnings",), f"add up to {total} for {who} in {days}", "correct no more than was entered"
            )
