"""The answers store: saving, submitting once, pouring together, closing, erasing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.answers_store import Person, Wave, ask, connect, pour


def test_an_answer_is_saved_and_a_later_one_counts():
    wave, person = Wave(), Person()
    assert wave.save(person, "q1", "1")
    assert wave.save(person, "q1", "2")
    assert wave.rows("draft", "item, value") == [("q1", "2")]


def test_a_question_passed_over_is_done_but_has_no_value():
    wave, person = Wave(), Person()
    wave.save(person, "q1", None, upcoming="q2")
    assert ask("survey_app", "SELECT answers.done_items(%s, %s)", person.pseud, wave.number) == [("q1",)]
    assert ask("survey_app", "SELECT answers.next_item(%s, %s)", person.pseud, wave.number) == [("q2",)]
    assert wave.rows("draft", "value") == [(None,)]


def test_after_submitting_the_questionnaire_is_shut():
    wave, person = Wave(), Person()
    wave.save(person, "q1", "1")
    assert wave.state(person) == "open"
    assert wave.submit(person)
    assert not wave.submit(person)
    assert not wave.save(person, "q1", "2")
    assert wave.state(person) == "submitted"
    assert wave.rows("draft", "value") == [("1",)]


def test_nothing_can_be_submitted_before_the_first_answer():
    wave, person = Wave(), Person()
    assert not wave.submit(person)
    assert wave.state(person) == "open"


def test_fifty_submissions_at_once_have_one_effect():
    wave, person = Wave(), Person()
    wave.save(person, "q1", "1")
    gate = threading.Barrier(10)

    def submit_five_times(_: int) -> list[bool]:
        with connect("survey_app") as connection:
            gate.wait()
            sql = "SELECT answers.submit(%s, %s)"
            return [connection.execute(sql, [person.pseud, wave.number]).fetchone()[0] for _ in range(5)]

    with ThreadPoolExecutor(10) as pool:
        results = [result for five in pool.map(submit_five_times, range(10)) for result in five]
    assert sorted(results) == [False] * 49 + [True]
    assert wave.rows("submitted") == [(1,)]


def test_four_wait_and_the_fifth_pours_them_all():
    wave, people = Wave(), [Person() for _ in range(5)]
    wave.answer_all(people[:4])
    pour()
    assert wave.rows("poured") == [(0,)]
    wave.answer_all(people[4:])
    pour()
    assert wave.rows("poured") == [(15,)]
    assert wave.rows("complete") == [(5,)]
    assert [wave.rows(table)[0][0] for table in ("draft", "progress", "submitted")] == [0, 0, 0]
    assert {wave.state(person) for person in people} == {"submitted"}


def test_few_are_poured_after_a_week():
    wave, person = Wave(), Person()
    wave.answer_all([person])
    for day in range(7):
        pour()
        assert wave.rows("poured") == [(0,)], day
        with connect("research_scoring") as connection, connection.transaction():
            connection.execute("SET LOCAL ROLE research_pour")
            connection.execute("SELECT answers.wait_a_day()")
    pour()
    assert wave.rows("poured") == [(3,)]


def test_unfinished_questionnaires_stay_out_and_go_when_the_wave_closes():
    wave, people, unfinished = Wave(), [Person() for _ in range(6)], Person()
    wave.answer_all(people)
    wave.save(unfinished, "q1", "unfinished")
    pour()
    assert wave.rows("draft", "value") == [("unfinished",)]
    wave.close()
    assert wave.rows("draft") == [(0,)]
    assert wave.rows("complete") == [(6,)]
    assert wave.state(unfinished) == "closed"
    assert not wave.save(unfinished, "q1", "1")


def test_closing_pours_what_waits_and_can_be_repeated():
    wave = Wave()
    wave.answer_all([Person(), Person()])
    assert wave.close() == 2
    assert wave.close() == 0
    assert wave.rows("complete") == [(2,)]


def test_free_text_is_kept_apart():
    wave, people = Wave(), [Person() for _ in range(5)]
    for person in people:
        wave.save(person, "open", "words", free=True)
    wave.answer_all(people)
    pour()
    assert wave.rows("poured_text", "DISTINCT item, value") == [("open", "words")]
    assert wave.rows("poured", "DISTINCT value") == [("1",)]


def test_erasing_leaves_nothing_and_keeps_the_link_shut():
    wave, people = Wave(), [Person() for _ in range(6)]
    wave.answer_all(people[:5])
    pour()
    wave.save(people[5], "q1", "1")
    for person in (people[0], people[5], people[5]):
        ask("research_vault", "SELECT answers.erase(%s)", person.pseud)
    assert wave.rows("poured", "count(DISTINCT pseud)") == [(4,)]
    assert wave.rows("complete") == [(4,)]
    assert wave.rows("draft") == [(0,)]
    assert {wave.state(people[0]), wave.state(people[5])} == {"closed"}
    assert not wave.save(people[0], "q1", "again")


def test_questions_are_fixed_once_somebody_answered():
    wave = Wave()
    assert Wave(study=wave.study).number == wave.number
    assert Wave(study=wave.study, questions={"id": "corrected"}).number == wave.number
    wave.save(Person(), "q1", "1")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="are fixed"):
        Wave(study=wave.study, questions={"id": "other"})


def test_waves_get_their_own_numbers():
    wave = Wave()
    assert Wave(study=wave.study, name="wave2").number != wave.number


def test_counts_go_in_tens():
    wave = Wave()
    wave.answer_all([Person() for _ in range(19)], items=1)
    assert ask("research_web", "SELECT * FROM answers.response_counts(%s)", wave.study) == [("wave1", 10)]
    wave.answer_all([Person()], items=1)
    assert ask("research_web", "SELECT * FROM answers.response_counts(%s)", wave.study) == [("wave1", 20)]


@pytest.mark.parametrize(
    ("item", "value", "device"),
    [("", "1", b"d" * 32), ("i" * 121, "1", b"d" * 32), ("q", "v" * 4001, b"d" * 32), ("q", "1", b"short")],
)
def test_answers_out_of_form_break_a_constraint(item, value, device):
    with pytest.raises(psycopg.errors.CheckViolation):
        ask(
            "survey_app",
            "SELECT answers.save_answer(%s, %s, %s, %s, false, %s, 'q')",
            Person().pseud,
            Wave().number,
            item,
            value,
            device,
        )
