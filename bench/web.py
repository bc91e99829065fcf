"""What staff and participants wait for, among 800 persons and among 100,000, measured in one run.

The reference is the same work among 800 persons, so the ratio says what a trial 125 times as large costs. A coach
guides 70 persons in both; the draw takes everybody who was not drawn before. Whole requests with middleware and page,
without the network, on private clusters that do not wait for the disk, with the rights of the process's real login.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import util
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SIZES = (800, 100_000)
TURNS = {"coach page": 60, "save a contact": 60, "the draw": 3, "200 mails": 5, "a night": 3}
OTHERS = 20
OTHER_PAGES = {
    "leader page": "/t/tilburg/progress/",
    "people, found by name": "/t/tilburg/people/?q=Bakker51&stage=",
    "people, by last step": "/t/tilburg/people/?q=&stage=consented",
    "coaches page": "/t/tilburg/coaches/",
    "custodian page": "/t/tilburg/waves/",
    "public draw, a code": "/lots/tilburg/1/?code=H-00000051",
}
CASELOAD = 70
Times = dict[str, list[float]]


def main() -> None:
    if "TRIALMGR_PROCESS" in os.environ:
        import django

        django.setup()
        measures = {"office": office, "survey": survey}[os.environ["TRIALMGR_PROCESS"]]()
        sys.stdout.write(json.dumps(list(measures)))
        return
    run_tests = of_tests("run.py")
    with run_tests.servers(["office", "survey"]) as place:
        small: Times = {}
        large: Times = {}
        for process in ("office", "survey"):
            done = subprocess.run(
                [sys.executable, __file__], env=as_process(process, place), cwd=ROOT, check=True, stdout=subprocess.PIPE
            )
            for whole, part in zip((small, large), json.loads(done.stdout), strict=True):
                whole.update(part)
    sys.stdout.write("\n".join(table(small, large)) + "\n")


def of_tests(name: str) -> Any:
    """A module under tests/, which is no package."""
    if name not in sys.modules:
        spec = util.spec_from_file_location(name, ROOT / "tests" / name)
        sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def as_process(name: str, place: Any) -> dict[str, str]:
    """The environment of a process of this kind, in a migrated database of its own."""
    run_tests = of_tests("run.py")
    found: dict[str, str] = run_tests.variables(run_tests.Unit("bench", name, []), place)
    return found


def table(small: Times, large: Times) -> Iterator[str]:
    yield f"name | {SIZES[1]:,} persons, ms | {SIZES[0]:,} persons, ms | ratio"
    for name, reference in small.items():
        for label, share in (("p50", 0.50), ("p95", 0.95)):
            ours, theirs = at(large[name], share), at(reference, share)
            yield f"{name}, {label} of {len(large[name])} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f}"


def at(taken: list[float], share: float) -> float:
    """The smallest time, in ms, that this share of the turns did not exceed."""
    return 1000 * sorted(taken)[math.ceil(share * len(taken)) - 1]


def timed(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def survey() -> Iterator[Times]:
    """Saving an answer, by the questionnaire's own pages."""
    import psycopg
    from django.db import connection
    from django.test.utils import setup_test_environment

    from bench import survey as pages

    setup_test_environment()
    connection.settings_dict["USER"] = os.environ["TESTS_LOGIN"]
    with psycopg.connect(pages.admin(), autocommit=True) as superuser:
        for people in SIZES:
            yield {"save an answer": pages.pages(pages.prepare(superuser, people))["save an answer"]}


def office() -> Iterator[Times]:
    """A trial that grows; every turn of a draw but the last is undone."""
    from django.test.utils import setup_test_environment

    from trialmgr.core import clock
    from trialmgr.core.models import Role

    setup_test_environment()
    factories = of_tests("office/factories.py")
    with clock.at(factories.NOW):
        factories.make_trial()
        leader, statistician = factories.make_user(Role.LEADER), factories.make_user(Role.STATISTICIAN)
        factories.give(leader, Role.CUSTODIAN)
        for people in SIZES:
            with filling():
                fill(people)
            drawing = [draw(statistician, leader, keep=turn == 1) for turn in range(TURNS["the draw"], 0, -1)]
            with filling():
                coach = make_caseloads()
                run(TALKS)
                run(MAILS)
                run("ANALYZE")
            others = {name: pages(factories.log_in(leader), url, OTHERS) for name, url in OTHER_PAGES.items()}
            yield {**coach_pages(factories.log_in(coach)), **others, "the draw": drawing, **mailing()}


def fill(people: int) -> None:
    """Households that may be drawn, up to so many persons: of each four, one is a couple."""
    run(HOUSEHOLDS, people * 4 // 5)
    run(PERSONS)
    run(CONTACTS)
    for kind in ("signed_up", "eligible", "consented"):
        run(STEPS, kind, kind)
    run(BASELINES)
    run("ANALYZE")


HOUSEHOLDS = """
INSERT INTO participants_household (trial, site, round, code, household_type, benefit_since, created_at)
SELECT 'tilburg', 'tilburg', 'first', 'H-' || lpad(g::text, 8, '0'),
       CASE WHEN g %% 4 = 0 THEN 'couple' ELSE 'single' END, date '2017-06-01' - g %% 2000, now()
FROM generate_series((SELECT count(*)::int + 1 FROM participants_household), %s::int) g"""
PERSONS = """
INSERT INTO participants_person (pid, trial, household_id, client_number)
SELECT md5(h.id || '/' || m), 'tilburg', h.id, h.id || '/' || m
FROM participants_household h, generate_series(1, CASE household_type WHEN 'couple' THEN 2 ELSE 1 END) m
ON CONFLICT DO NOTHING"""
CONTACTS = """
INSERT INTO participants_contact (person_id, trial, first_name, infix, surname, born_on, email, phone, street, postcode,
                                  city, language, likeness, words)
SELECT p.id, 'tilburg', 'Noor' || p.id, '', 'Bakker' || p.id, '1980-05-17', p.id || '@post.example', '', '', '', '',
       'nl', pid, array_to_tsvector(ARRAY['noor' || p.id, 'bakker' || p.id, 'h', split_part(code, '-', 2),
                                          replace(client_number, '/', '')])
FROM participants_person p JOIN participants_household h ON h.id = household_id ON CONFLICT DO NOTHING"""
STEPS = """
INSERT INTO participants_step (person_id, kind, day, reason, recorded_at)
SELECT p.id, %s, '2018-02-01', '', now() FROM participants_person p
WHERE NOT EXISTS (SELECT FROM participants_step s WHERE s.person_id = p.id AND s.kind = %s)"""

BASELINES = """
INSERT INTO participants_baseline (person_id)
SELECT id FROM participants_person ON CONFLICT DO NOTHING"""
TALKS = """
INSERT INTO coaching_contact (person_id, coach_id, day, channel, attended, by_participant, minutes, topics, note, key,
                              version, recorded_at)
SELECT p.id, a.coach_id, date '2018-03-05' - 14 * t, 'office', t % 5 <> 0, false, 30, '["work"]',
       'Zoekt werk in de zorg', gen_random_uuid(), 1, now()
FROM coaching_assignment a JOIN participants_person p USING (household_id), generate_series(1, 4) t
WHERE NOT EXISTS (SELECT FROM coaching_contact c WHERE c.person_id = p.id)"""
MAILS = """
INSERT INTO mailing_invitation (person_id, trial, wave, reminder, last_day, status, queued_on, sent_on, attempts, fault)
SELECT id, trial, 'baseline', n, date '2018-03-30', CASE WHEN id % 500 = 0 THEN 'letter' ELSE 'sent' END,
       date '2018-03-01', date '2018-03-01', 1, CASE WHEN id % 500 = 0 THEN 'refused' ELSE '' END
FROM participants_person, generate_series(0, 1) n
ON CONFLICT DO NOTHING"""


QUEUED = """
INSERT INTO mailing_invitation (person_id, trial, wave, reminder, last_day, status, queued_on, attempts, fault)
SELECT id, trial, 'mid', %s, date '2018-03-30', 'queued', date '2018-03-05', 0, ''
FROM participants_person ORDER BY id LIMIT 200"""


def mailing() -> Times:
    """A batch of 200 mails, without vault and mail server; and the night's look for what is due, when nothing is."""
    from surveys.mailing import services, vault_client

    vault_client.ask = lambda address, body: {"links": ["A" * 87 for _ in body["pids"]]}
    sending = []
    for turn in range(TURNS["200 mails"]):
        run("DELETE FROM mailing_invitation WHERE wave = 'mid'")
        run(QUEUED, turn)
        with acting_as("office_worker"):
            sending.append(timed(services.send_due))
    with acting_as("office_worker"):
        nights = [timed(lambda: services.queue_due(trial="tilburg")) for _ in range(TURNS["a night"])]
    return {"200 mails": sending, "a night": nights}


def run(sql: str, *values: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


@contextmanager
def filling() -> Iterator[None]:
    """Statements that make the trial may take longer than those of a page, which have the limit of production."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '120s'")
        yield
        cursor.execute("RESET statement_timeout")


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """With the rights of a login of the office, and no more."""
    run(f"SET ROLE {role}")
    yield
    run("RESET ROLE")


def draw(first: Any, second: Any, *, keep: bool) -> float:
    """Close the list, publish, enter the public number, confirm and draw: what a worker and two persons' clicks do."""
    from django.db import transaction

    from randomization import drawing, freezing, services
    from trialmgr.core import clock

    make = of_tests("office/factories.py")
    with transaction.atomic():
        with clock.at(make.NOW - timedelta(days=1)):
            row = make.make_request(by=first)
            begin = time.perf_counter()
            with acting_as("office_worker"):
                freezing.freeze_list(draw_id=row.pk)
        beacon = f"{row.event}:{make.DIGITS}"
        with acting_as("office_web"):
            services.enter_beacon(draw_id=row.pk, beacon=beacon, by=first)
            services.confirm_beacon(draw_id=row.pk, beacon=beacon, by=second)
        with acting_as("office_worker"):
            assert drawing.draw_lots(draw_id=row.pk)
        taken = time.perf_counter() - begin
        transaction.set_rollback(not keep)
    return taken


def make_caseloads() -> Any:
    """Give all households that wait for a coach to new coaches; give one of these."""
    from coaching.models import Assignment
    from coaching.selectors import unassigned
    from trialmgr.core.models import Membership, Role, User

    factories = of_tests("office/factories.py")
    waiting, load, made = unassigned("tilburg"), 0, []
    coach = first = factories.make_user(Role.COACH)
    for number, (household, _site, persons) in enumerate(waiting):
        if load + persons > CASELOAD:
            load = 0
            coach = User.objects.create(email=f"coach-{first.pk}-{number}@stad.example", name="Coach")
            Membership.objects.create(user=coach, role=Role.COACH, trial="tilburg", site="")
        load += persons
        made.append(Assignment(household_id=household, coach=coach, from_day=factories.TODAY, assigned_by=first))
    Assignment.objects.bulk_create(made)
    return first


def coach_pages(client: Any) -> Times:
    """The coach's day, and a contact saved with each household of the caseload in turn."""
    from coaching.models import Assignment

    user = int(client.session["_auth_user_id"])
    homes = [one.household for one in Assignment.objects.filter(coach=user).select_related("household")]
    saving = []
    day = pages(client, "/t/tilburg/today/", TURNS["coach page"])
    for turn in range(TURNS["save a contact"]):
        home = homes[turn % len(homes)]
        url, person = f"/t/tilburg/caseload/{home.code}/", home.persons.first().pk
        note = f"Zoekt werk in de zorg, gesprek {turn}"
        saving.append(timed(lambda: save(client, url, person, note)))  # noqa: B023 -- called at once
    return {"coach page": day, "save a contact": saving}


def save(client: Any, url: str, person: int, note: str) -> None:
    form = {"key": str(uuid4()), "person": str(person), "day": "2018-03-05", "channel": "phone", "attended": "yes"}
    form |= {"minutes": "15", "topics": ["work", "money"], "note": note, "next_on": ""}
    with acting_as("office_web"):
        assert client.post(url, form).status_code == 302


def pages(client: Any, url: str, turns: int) -> list[float]:
    def show() -> None:
        assert client.get(url).status_code == 200

    with acting_as("office_web"):
        show()
        return [timed(show) for _ in range(turns)]


if __name__ == "__main__":
    main()
