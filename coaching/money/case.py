"""A case: what is known of one household, as a coach writes it down."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from coaching.money.fields import (
    Day,
    Euros,
    Month,
    Number,
    SignedEuros,
    Strict,
    first_day,
    last_day,
)
from coaching.money.rulebook import RuleBook, Setting, Trait, rulebook

LONGEST = 600
LONGEST_PAY = 366
MOST_MEMBERS = 8
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
        if dated and (self.end - self.start).days > LONGEST_PAY:  # type: ignore[operator]
            raise ValueError("is longer than a year -> give the pay of each month or period of payment")
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
    members: tuple[Member, ...]
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

    @field_validator("members")
    @classmethod
    def _someone(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
        if not 1 <= len(members) <= MOST_MEMBERS:
            raise ValueError(f"are {len(members)} -> give 1 to {MOST_MEMBERS} adults")
        return members

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
        return self.model_copy(update={"earnings": kept, "corrected_on": None})

    def book(self) -> RuleBook:
        return rulebook().with_settings(self.settings)
