"""The few kinds of value that rules and cases are written in: whole months, dates, euros."""

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel

MONTH = re.compile(r"(19\d\d|2[01]\d\d)-(0[1-9]|1[0-2])")
FIRST_YEAR, LAST_YEAR = 1900, 2199
CENT = Decimal("0.01")
MOST = Decimal(1_000_000)


class Strict(BaseModel):
    """A part of a document: unknown keys are faults, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Words(Strict):
    """One text in Dutch and in English."""

    nl: str
    en: str

    def __getitem__(self, language: str) -> str:
        return str(getattr(self, language))


class Texts(RootModel[dict[str, Words]]):
    """Texts by their name."""


def month_index(year: int, month: int) -> int:
    """Months since the year 0: the number in which months are counted everywhere here."""
    return year * 12 + month - 1


def month_of(day: date) -> int:
    return month_index(day.year, day.month)


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def days_in(month: int) -> int:
    return monthrange(month // 12, month % 12 + 1)[1]


def last_day(month: int) -> date:
    return first_day(month).replace(day=days_in(month))


def month_text(index: int) -> str:
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def _month(value: Any) -> int:
    found = MONTH.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("is not a month -> write it as 2018-03")
    return month_index(int(found[1]), int(found[2]))


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        if not isinstance(value, str) or len(value) != 10:
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("is not a date -> write it as 2018-03-15") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError("is not a date between 1900 and 2199 -> mend the year")
    return day


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("is not an amount -> write it as 300.00")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("is not an amount -> write it as 300.00") from None
    if not number.is_finite() or abs(number) > MOST:
        raise ValueError("is not an amount below one million -> write it as 300.00")
    return number


def _euros(value: Any) -> Decimal:
    number = _decimal(value)
    if number != number.quantize(CENT):
        raise ValueError("has more than two decimals -> round it to cents")
    return number.quantize(CENT)


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("is below zero -> give an amount of zero or more")
    return value


Month = Annotated[int, BeforeValidator(_month)]
Day = Annotated[date, BeforeValidator(_day)]
Number = Annotated[Decimal, BeforeValidator(lambda value: _not_negative(_decimal(value)))]
SignedEuros = Annotated[Decimal, BeforeValidator(_euros)]
Euros = Annotated[Decimal, BeforeValidator(lambda value: _not_negative(_euros(value)))]
