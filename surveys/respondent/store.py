"""All that the survey process can do in the research cluster: one call per function it may execute."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

SAVE = "SELECT answers.save_answer(%s, %s, %s, %s, %s, %s, %s)"
SUBMIT = "SELECT answers.submit(%s, %s)"
SAVE_SHEET = """
    SELECT coalesce(bool_and(answers.save_answer(%s, %s, item, value, free, %s, upcoming)), true)
      FROM unnest(%s::text[], %s::text[], %s::boolean[], %s::text[]) AS sheet (item, value, free, upcoming)
"""


def state(person: bytes, wave: int) -> str:
    """open, submitted or closed."""
    return str(_one("SELECT answers.state(%s, %s)", person, wave))


def questionnaire(wave: int) -> str | None:
    """What a wave asks, as JSON; None for a wave that does not exist."""
    text: str | None = _one("SELECT answers.questionnaire(%s)", wave)
    return text


def save_answer(
    person: bytes, wave: int, *, item: str, value: str | None, free: bool, device: bytes, upcoming: str
) -> bool:
    """Save one answer; False when the questionnaire is no longer open."""
    return bool(_one(SAVE, person, wave, item, value, free, device, upcoming))


def save_sheet(person: bytes, wave: int, device: bytes, sheet: Sequence[tuple[str, str | None, bool, str]]) -> bool:
    """Save item, value, free and upcoming of many answers of one person at once; False when no longer open."""
    columns = [list(column) for column in zip(*sheet, strict=True)] or [[], [], [], []]
    return bool(_one(SAVE_SHEET, person, wave, device, *columns))


def submit(person: bytes, wave: int) -> bool:
    """True for the first submission only."""
    return bool(_one(SUBMIT, person, wave))


def done_items(person: bytes, wave: int) -> frozenset[str]:
    return frozenset(row[0] for row in _all("SELECT answers.done_items(%s, %s)", person, wave))


def next_item(person: bytes, wave: int) -> str | None:
    """Code of the question that came up next at the last save, '' at the end, None before the first answer."""
    code: str | None = _one("SELECT answers.next_item(%s, %s)", person, wave)
    return code


def own_answers(person: bytes, wave: int, secret: bytes) -> dict[str, str | None]:
    """The answers that this very device gave."""
    return dict(_all("SELECT item, value FROM answers.own_device_read(%s, %s, %s)", person, wave, secret))


def _one(sql: str, *values: Any) -> Any:
    rows = _all(sql, *values)
    return rows[0][0] if rows else None


def _all(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
