"""The research cluster as each of its roles sees it, and people who answer in it."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
import pytest

QUESTIONS = {"id": "check", "parts": []}
ANSWERS = ("1", "12,5", "1", "a", "2", "1-2-2020", "tekst")
"""One to each question of the questionnaire of the tests, as typed."""


def address(role: str) -> str:
    """The research database's address for another role; the test servers trust the operating system's account."""
    parts = urlsplit(os.environ["RESEARCH_DATABASE_URL"])
    options = [(name, value) for name, value in parse_qsl(parts.query) if name != "options"]
    netloc = f"{role}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(options)))


def connect(role: str) -> psycopg.Connection:
    return psycopg.connect(address(role), autocommit=True)


def ask(role: str, sql: str, *values: object) -> list[tuple]:
    with connect(role) as connection:
        return connection.execute(sql, values).fetchall()


def refused(role: str, sql: str, *values: object) -> str:
    """The reason why the database refuses this to a role; the test fails when it does not."""
    with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        connection.execute(sql, values)
    return str(caught.value)


def pour() -> int:
    with connect("research_scoring") as connection, connection.transaction():
        connection.execute("SET LOCAL ROLE research_pour")
        return connection.execute("SELECT answers.pour()").fetchone()[0]


@dataclass
class Person:
    """Someone with a pseudonym and a device."""

    pseud: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def device(self) -> bytes:
        return hashlib.sha256(self.secret).digest()


@dataclass
class Wave:
    """A wave of a study of its own, so that tests do not meet."""

    study: str = field(default_factory=lambda: f"study-{secrets.token_hex(6)}")
    name: str = "wave1"
    number: int = 0
    questions: dict = field(default_factory=lambda: QUESTIONS)
    questions_json: str = ""

    def __post_init__(self) -> None:
        questions = self.questions_json or json.dumps(self.questions)
        sql = "SELECT answers.open_wave(%s, %s, %s)"
        self.number = ask("research_web", sql, self.study, self.name, questions)[0][0]

    def save(self, person: Person, item: str, value: str | None, *, free: bool = False, upcoming: str = "q") -> bool:
        sql = "SELECT answers.save_answer(%s, %s, %s, %s, %s, %s, %s)"
        return ask("survey_app", sql, person.pseud, self.number, item, value, free, person.device, upcoming)[0][0]

    def submit(self, person: Person) -> bool:
        return ask("survey_app", "SELECT answers.submit(%s, %s)", person.pseud, self.number)[0][0]

    def state(self, person: Person) -> str:
        return ask("survey_app", "SELECT answers.state(%s, %s)", person.pseud, self.number)[0][0]

    def answer_all(self, people: Iterable[Person], items: int = 3) -> None:
        """Each person answers and submits, one after the other, as on an ordinary day."""
        with connect("survey_app") as connection:
            for person in people:
                for item in range(items):
                    connection.execute(
                        "SELECT answers.save_answer(%s, %s, %s, '1', false, %s, 'q')",
                        [person.pseud, self.number, f"q{item}", person.device],
                    )
                connection.execute("SELECT answers.submit(%s, %s)", [person.pseud, self.number])

    def close(self) -> int:
        return ask("research_web", "SELECT answers.close_wave(%s)", self.number)[0][0]

    def rows(self, table: str, columns: str = "count(*)") -> list[tuple]:
        return ask("postgres", f"SELECT {columns} FROM answers.{table} WHERE wave = %s", self.number)
