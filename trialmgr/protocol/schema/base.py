"""The small types that the parts of a protocol are written in."""

import re
from collections.abc import Sized
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

Items = TypeVar("Items", bound=Sized)


class Part(BaseModel):
    """A part of the protocol: cannot be changed, knows no other keys than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(Part):
    """One text in both languages of the interface."""

    nl: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _two_languages(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError("is one text -> write it in both languages, under nl: and en:")
        return value

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.nl


def _code(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", value):
        raise ValueError(
            f"{value!r} is not a code -> use at most 40 small letters, digits, - and _, beginning with a letter"
        )
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else _no_day(value)
    except ValueError:
        return _no_day(value)


def _no_day(value: Any) -> Any:
    raise ValueError(f"{str(value)!r} is not a date -> write it as year-month-day, like 2018-01-31")


def at_least(count: int) -> AfterValidator:
    """So many items or more. Pydantic's own limit counts the readable items only, and then blames the list as well."""

    def enough(items: Items) -> Items:
        if len(items) < count:
            raise ValueError(f"has {len(items)} items -> give at least {count}")
        return items

    return AfterValidator(enough)


Code = Annotated[str, AfterValidator(_code)]
Day = Annotated[date, BeforeValidator(_day)]
Euro = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=2)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
Whole = Annotated[int, Strict()]  # else true would count as 1
Days = Annotated[Whole, Field(ge=0, le=3660)]
