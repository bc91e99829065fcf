"""Numbers and days as people write them in their language, and as they are kept: 12.5 and 2026-12-31 in every one."""

import re
from datetime import date
from decimal import Decimal

GROUP_AND_POINT = {"nl": (".", ",")}
OTHERWISE = (",", ".")
PLAIN = re.compile(r"[-+]?(?=[.,]?\d)\d{0,12}(?:[.,]\d{1,9})?")
DAY_FIRST = re.compile(r"(\d{1,2})[-/. ]+(\d{1,2})[-/. ]+(\d{4})")
YEAR_FIRST = re.compile(r"(\d{4})[-/. ]+(\d{1,2})[-/. ]+(\d{1,2})")


def read_number(text: str, language: str, unit: str = "") -> Decimal | None:
    """The number somebody wrote, alone or with its unit behind it; None when it is none.

    The language decides whether 1.000 is a thousand; where it cannot be, comma and point both stand before decimals.
    """
    text = _without_unit(" ".join(text.split()), unit)
    group, point = _signs(language)
    if re.fullmatch(rf"[-+]?\d{{1,3}}([{group} ]\d{{3}})+(\{point}\d{{1,9}})?", text):
        text = text.replace(group, "").replace(" ", "")
    return Decimal(text.replace(",", ".")) + 0 if PLAIN.fullmatch(text) else None


def is_whole(number: Decimal) -> bool:
    """Whether a number was written as a whole one: 12 and 12,00 are, but 1,000 may as well be a thousand."""
    return number == number.to_integral_value() and len(str(number).partition(".")[2]) < 3


def kept_number(number: Decimal | float) -> str:
    return format(Decimal(str(number)).normalize(), "f")


def shown_number(kept: str, language: str) -> str:
    return kept.replace(".", _signs(language)[1])


def read_day(text: str) -> date | None:
    """The day somebody wrote, with the day or the year in front; None when there is no such day."""
    text = text.strip()
    if found := DAY_FIRST.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, found.groups())
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def shown_day(kept: str) -> str:
    year, month, day = kept.split("-")
    return f"{int(day)}-{int(month)}-{year}"


def _signs(language: str) -> tuple[str, str]:
    """What stands between thousands, and what before decimals."""
    return GROUP_AND_POINT.get(language.split("-")[0], OTHERWISE)


def _without_unit(text: str, unit: str) -> str:
    found = re.fullmatch(r"(.*\d) ?(\D*)", text)
    return found[1] if found and unit.casefold().startswith(found[2].casefold()) else text
