"""How long a participant waits: a question shown, an answer saved, among 800 and among 100,000 earlier participants.

The reference is one bare row inserted and committed on the same cluster in the same run; answering many questionnaires
at once is compared with as many bare rows in one statement each.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TURNS = 300


def main() -> None:
    if "TRIALMGR_PROCESS" in os.environ:
        measure()
        return
    from bench.web import as_process, of_tests

    with of_tests("run.py").servers(["survey"]) as place:
        subprocess.run([sys.executable, __file__], env=as_process("survey", place), cwd=ROOT, check=True)


def measure() -> None:
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    from django.db import connection

    connection.settings_dict["USER"] = os.environ["TESTS_LOGIN"]
    sys.stdout.write("name | ours | reference | ratio\n")
    with psycopg.connect(admin(), autocommit=True) as bare:
        bare.execute("CREATE TABLE public.bare (id bytea PRIMARY KEY, value text)")
        for people in (800, 100_000):
            number = prepare(bare, people)
            reference = [timed(lambda: bare_row(bare)) for _ in range(TURNS)]
            for name, taken in pages(number).items():
                for label, place in (("p50", 0.5), ("p95", 0.95)):
                    row(f"{name}, {people} persons, {label} ms", at(taken, place), at(reference, place))
        in_bulk(bare, number)


def prepare(superuser: psycopg.Connection, people: int) -> int:
    """A wave of 800 or 100,000 submitted sets, and half as many answers in the making; gives its number."""
    from surveys.questions import pack

    sql = "SELECT answers.open_wave(%s, 'baseline', %s)"
    number = superuser.execute(sql, [f"bench-{people}", pack("tilburg", "baseline")]).fetchone()[0]
    person = "sha256(convert_to(%s || g::text, 'UTF8'))"
    done = f"INSERT INTO answers.complete SELECT {person}, %s FROM generate_series(1, %s) g"
    superuser.execute(done, ["done", number, people])
    busy = f"INSERT INTO answers.draft SELECT {person}, %s, 'q', '1', false, {person} FROM generate_series(1, %s) g"
    superuser.execute(busy, ["busy", number, "device", people // 2])
    superuser.execute("ANALYZE")
    return number


def admin() -> str:
    return f"postgresql://postgres@/{os.environ['TESTS_DATABASE']}?host={os.environ['TESTS_SOCKETS']}"


def bare_row(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO public.bare VALUES (%s, '1')", [os.urandom(32)])


def link_to(number: int) -> str:
    from surveys.respondent import services
    from surveys.sealing import Seat, seal

    return seal(services.link_key(), Seat(os.urandom(32), number, date(2099, 1, 1)))


def pages(number: int) -> dict[str, list[float]]:
    """Whole requests, middleware and page included, without the network."""
    from django.test import Client

    shown: list[float] = []
    saved: list[float] = []
    while len(saved) < TURNS:
        client = Client()
        at_question = client.post(f"/s/{link_to(number)}", {"begin": "1"})["Location"]
        for _ in range(10):
            shown.append(timed(lambda: client.get(at_question)))  # noqa: B023 -- called at once
            page = client.get(at_question)
            value = page.context["question"].options[0].code
            fields = {"antwoord": value, "bewijs": page.context["visit"].form_token}
            answer: list[str] = []
            saved.append(timed(lambda: answer.append(client.post(at_question, fields)["Location"])))  # noqa: B023
            at_question = answer[0]
    return {"show a question": shown, "save an answer": saved}


def in_bulk(bare: psycopg.Connection, number: int) -> None:
    """The simulator's way: whole questionnaires through the same functions."""
    from surveys.respondent import services

    form = services.form_of(number, "nl")
    sheet = {one.code: one.options[0].code for one in form.questions if one.options}
    links = [link_to(number) for _ in range(100)]
    ours = timed(lambda: services.answer_questionnaires((link, sheet) for link in links))
    rows = 100 * len(form.questions)
    with bare.pipeline():
        reference = timed(lambda: [bare_row(bare) for _ in range(rows)])
    row(f"100 questionnaires of {len(form.questions)} questions, ms", 1000 * ours, 1000 * reference)


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def at(taken: list[float], place: float) -> float:
    return 1000 * statistics.quantiles(taken, n=100)[round(place * 100) - 1]


def row(name: str, ours: float, reference: float) -> None:
    sys.stdout.write(f"{name} | {ours:.2f} | {reference:.2f} | {ours / reference:.1f}\n")


if __name__ == "__main__":
    main()
