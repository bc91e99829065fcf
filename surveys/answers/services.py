"""Research-side work on answers: announce and close waves, pour what was submitted, score what was poured."""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.utils import OperationalError

from surveys.answers import selectors
from surveys.instruments.forms import Form
from surveys.instruments.rules import rule_version
from surveys.questions import pack
from trialmgr.core import audit
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User

BATCH = 2_000  # sets scored in one transaction
ScoreRow = tuple[bytes, int, str, str, str, float | None]


class QuestionsFixed(DomainError):
    """A wave that has answers keeps its questions."""


@transaction.atomic
def open_wave(*, study: str, wave: str, questionnaire: str | Path, by: User | str) -> int:
    """Announce a wave and what it asks; gives its number. Safe to repeat.

    `questionnaire` is the id of one that ships with the program, or a file. Raises BadInput for an unsound one,
    QuestionsFixed when the wave has answers to other questions.
    """
    questions = pack(questionnaire, wave)
    try:
        with transaction.atomic():
            number = int(_call("SELECT answers.open_wave(%s, %s, %s)", study, wave, questions))
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.ObjectNotInPrerequisiteState):
            raise QuestionsFixed(f"wave {wave} of {study} has answers: its questions are fixed") from None
        raise
    digest = hashlib.sha256(questions.encode()).hexdigest()
    audit.record("wave.opened", f"wave:{study}/{wave}", by=by, trial=study, questions_sha256=digest)
    return number


@transaction.atomic
def close_wave(*, study: str, wave: str, by: User | str, reason: str) -> int:
    """Close a wave for good and write all answers anew; gives how many sets were poured at the end."""
    found = [one for one in selectors.waves(study) if one.name == wave]
    if not found:
        raise DomainError(f"there is no wave {wave} of {study}")
    sets = int(_call("SELECT answers.close_wave(%s)", found[0].number))
    audit.record("wave.closed", f"wave:{study}/{wave}", by=by, trial=study, reason=reason)
    return sets


@transaction.atomic
def pour() -> int:
    """Move submitted sets, five or more together, to where they can be scored; gives how many."""
    _as_pourer()
    return int(_call("SELECT answers.pour()"))


@transaction.atomic
def wait_a_day() -> None:
    """Let sets that are too few to be poured grow a day older; after seven they go."""
    _as_pourer()
    _call("SELECT answers.wait_a_day()")


def waves_to_score() -> list[int]:
    """Numbers of waves with poured sets that have no scores under the present rules."""
    return [
        number
        for number in selectors.waves_with_answers()
        if selectors.unscored(number, rules_of(selectors.questions_of(number)), at_most=1)
    ]


def score_wave(number: int) -> int:
    """Score every set of a wave that has no scores yet; gives how many. A second worker finds nothing left to do."""
    form = selectors.questions_of(number)
    done = 0
    while batch := _score_batch(number, form):
        done += batch
    return done


def rules_of(form: Form) -> str:
    """One name for all scoring rules of a questionnaire; changes when any of them does."""
    rules = [rule_version(instrument, one) for instrument in form.instruments for one in instrument.scores]
    return hashlib.sha256("\n".join(sorted(rules)).encode()).hexdigest()[:16]


@transaction.atomic
def _score_batch(number: int, form: Form) -> int:
    # Erasing takes the same lock: nobody who was erased meanwhile can get scores.
    _call("SELECT pg_advisory_xact_lock(hashtextextended('answers store', 0))")
    rules = rules_of(form)
    pseudonyms = selectors.unscored(number, rules, at_most=BATCH)
    if not pseudonyms:
        return 0
    rows = list(_scores(number, form, pseudonyms))
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO answers.score VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", rows)
        cursor.executemany(
            "INSERT INTO answers.scored VALUES (%s, %s, %s)", [(pseud, number, rules) for pseud in pseudonyms]
        )
    return len(pseudonyms)


def _scores(number: int, form: Form, pseudonyms: list[bytes]) -> Iterator[ScoreRow]:
    """Rows of scores in the order of the pseudonyms; answers to questions that do not apply are left out."""
    from surveys.instruments.scoring import answers_frame, score  # pandas is for the worker only

    records = [form.kept(_decoded(form, answers)) for answers in selectors.answers_of(number, pseudonyms)]
    frame = answers_frame(form.instruments, records)
    scored = [(instrument, score(instrument, frame, wrong="missing").values) for instrument in form.instruments]
    for place, pseud in enumerate(pseudonyms):
        for instrument, values in scored:
            for one in instrument.scores:
                value = float(values[one.id].iloc[place])
                version = rule_version(instrument, one)
                yield pseud, number, instrument.id, one.id, version, None if math.isnan(value) else value


def _decoded(form: Form, answers: dict[str, str | None]) -> dict[str, str | tuple[str, ...] | None]:
    several = {question.code for question in form.questions if question.kind == "multiple"}
    return {code: tuple(value.split(" ")) if value and code in several else value for code, value in answers.items()}


def _as_pourer() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE research_pour")


def _call(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]
