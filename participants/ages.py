"""Which days of birth, and which first days of a benefit, can be right: one rule for the form and for a file."""

from datetime import date

ADULT = 18
OLDEST = 110


def age_on(day: date, born_on: date) -> int:
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def may_join(born_on: date, day: date) -> bool:
    """Whether somebody of that day of birth may sign up, or be invited, on a day."""
    return ADULT <= age_on(day, born_on) <= OLDEST


def may_have_begun(since: date, born_on: date, today: date) -> bool:
    """Whether a benefit of somebody of that day of birth can have begun on a day."""
    return born_on < since <= today
