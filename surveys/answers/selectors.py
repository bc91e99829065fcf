"""What the research side may look up about waves. The scoring worker reads answers; nobody else does."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from surveys.instruments.forms import Form
from surveys.questions import unpack


@dataclass(frozen=True, slots=True)
class Wave:
    """An announced wave; links name it by its number."""

    number: int
    study: str
    name: str
    closed: bool


def waves(study: str | None = None) -> list[Wave]:
    """All waves, or those of one study, in the order in which they were announced."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, study, name, closed FROM answers.wave WHERE %s::text IS NULL OR study = %s ORDER BY number",
            [study, study],
        )
        return [Wave(*row) for row in cursor.fetchall()]


def questions_of(wave: int) -> Form:
    """What a wave asks; the words are Dutch, the codes are the same in each language."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT questionnaire::text FROM answers.wave WHERE number = %s", [wave])
        return unpack(cursor.fetchone()[0], "nl")


def response_counts(study: str) -> dict[str, int]:
    """Submitted questionnaires per wave, rounded down to tens: two counts never differ by one person."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT wave, at_least FROM answers.response_counts(%s)", [study])
        return dict(cursor.fetchall())


def waves_with_answers() -> list[int]:
    """Numbers of the waves of which answers were poured."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT wave FROM answers.complete ORDER BY wave")
        return [row[0] for row in cursor.fetchall()]


def unscored(wave: int, rules: str, *, at_most: int) -> list[bytes]:
    """Pseudonyms of poured sets that have no scores under these rules yet, in their own order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pseud FROM answers.complete c
                WHERE wave = %s AND NOT EXISTS (
                    SELECT FROM answers.scored s
                     WHERE s.pseud = c.pseud AND s.wave = c.wave AND s.rule_version = %s)
                ORDER BY pseud LIMIT %s""",
            [wave, rules, at_most],
        )
        return [bytes(row[0]) for row in cursor.fetchall()]


def answers_of(wave: int, pseudonyms: list[bytes]) -> list[dict[str, str | None]]:
    """The poured answers of these sets, one mapping each, in the order given; free text is not among them."""
    found: dict[bytes, dict[str, str | None]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pseud, item, value FROM answers.poured WHERE wave = %s AND pseud = ANY(%s)", [wave, pseudonyms]
        )
        for pseud, item, value in cursor.fetchall():
            found[bytes(pseud)][item] = value
    return [found[pseud] for pseud in pseudonyms]
