"""The few questions the vault may ask the research cluster, each one function there."""

from collections.abc import Collection
from datetime import date

from django.db import connection

from trialmgr.core.errors import DomainError


class UnknownWave(DomainError):
    """The research side has not announced this wave."""


def wave_number(study: str, wave: str) -> int:
    """The number under which links name a wave. Raises UnknownWave."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers.wave_number(%s, %s)", [study, wave])
        number: int | None = cursor.fetchone()[0]
    if number is None:
        raise UnknownWave(f"wave {wave} of {study} is not announced: open it on the research side first")
    return number


def submitted(wave: int, pseudonyms: Collection[bytes]) -> set[bytes]:
    """Which of these have submitted the wave."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers.status(%s, %s)", [wave, sorted(pseudonyms)])
        return {bytes(row[0]) for row in cursor.fetchall()}


def response_counts(study: str) -> dict[str, int]:
    """Submitted questionnaires per wave, rounded down to tens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT wave, at_least FROM answers.response_counts(%s)", [study])
        return dict(cursor.fetchall())


def erase(pseudonym: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers.erase(%s)", [pseudonym])


def erase_listed(marks: Collection[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers.erase_listed(%s)", [sorted(marks)])


def wanted_runs() -> list[dict[str, str]]:
    """Approved runs that wait for the office's outcomes: code and study."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT run, trial FROM study.wanted_runs()")
        return [{"run": run, "study": study} for run, study in cursor.fetchall()]


def released_results(on_day: date, *, known: Collection[str]) -> list[dict[str, str]]:
    """Results that may be seen on a day, without those known already, as stored, and how they were opened early."""
    names = ("run", "study", "document", "sha256", "opened_early")
    query = "SELECT run, trial, document, sha256, opened_early FROM study.released_results(%s) WHERE run <> ALL (%s)"
    with connection.cursor() as cursor:
        cursor.execute(query, [on_day, list(known)])
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
