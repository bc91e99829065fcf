"""When things happen in the invented trial: the dates of Tilburg, and the present day of the demo."""

from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from trialmgr.core import clock

TRIAL = "tilburg"
SEED = 20171002
INVITED = date(2017, 10, 2)
FIRST_SIGN_UP, LAST_SIGN_UP = date(2017, 10, 17), date(2017, 11, 25)
BASELINE_MAILED = date(2017, 11, 27)
BASELINE_COUNTED = date(2017, 12, 1)
LISTED = date(2017, 12, 1)
DRAWN = date(2017, 12, 4)
MID_MAILED = date(2018, 12, 6)
MID_COUNTED = date(2018, 12, 8)
PRESENT = date(2018, 12, 10)


def morning(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=timezone.get_default_timezone())


def set_present(day: date, hour: int = 9) -> None:
    """Put the clock of every process of the demo at this day."""
    clock.set_offset(timedelta(seconds=round((morning(day, hour) - datetime.now(UTC)).total_seconds())))
