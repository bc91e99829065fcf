"""How numbers and days stand on a page."""

import math
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html

register = template.Library()
EVERY_DIGIT = Context(prec=400)  # more than any float has


@register.filter
def day(value: date | datetime | None) -> str:
    """3-4-2018, in the trial's time zone; a dash where there is none."""
    if value is None:
        return "–"
    local = timezone.localdate(value) if isinstance(value, datetime) else value
    return _element(local, date_format(local, "SHORT_DATE_FORMAT"))


@register.filter
def moment(value: datetime | None) -> str:
    """3-4-2018 14:05, in the trial's time zone."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return _element(local, date_format(local, "SHORT_DATETIME_FORMAT"))


def _element(value: date | datetime, text: str) -> str:
    """A `time` element: it is not broken over two lines."""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


@register.filter
def decimals(value: float | Decimal | None, places: int = 2) -> str:
    """A number rounded to so many decimals, by the language of the page; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    # Rounded here: Django's own formatting cuts the rest off.
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EVERY_DIGIT)
    return number_format(rounded or abs(rounded), decimal_pos=places, use_l10n=True, force_grouping=True)
