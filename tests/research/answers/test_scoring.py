"""Announcing waves, pouring and scoring, each under the login that does it in production."""

import inspect

import pytest
from django.core.management import call_command
from django.db.utils import ProgrammingError

from surveys.answers import selectors, services, tasks
from surveys.instruments.loading import load_questionnaire
from surveys.questions import pack, unpack
from tests.answers_store import Person, Wave, ask, connect, pour
from trialmgr.core.errors import BadInput

# By hand from the published rule: "constantly" to "never" count 5 to 0, negative items turned; the sum times 4.
WELL = {"mhi5_nervous": "6", "mhi5_down_in_dumps": "6", "mhi5_calm": "1", "mhi5_downhearted": "6", "mhi5_happy": "1"}
UNWELL = {"mhi5_nervous": "1", "mhi5_down_in_dumps": "1", "mhi5_calm": "6", "mhi5_downhearted": "1", "mhi5_happy": "6"}
MIDDLING = {
    "mhi5_nervous": "4",
    "mhi5_down_in_dumps": "5",
    "mhi5_calm": "3",
    "mhi5_downhearted": "4",
    "mhi5_happy": "3",
}
SHEETS = [
    (WELL, 100.0),
    (UNWELL, 0.0),
    (MIDDLING, (3 + 4 + 3 + 3 + 3) * 4.0),
    (WELL | {"mhi5_calm": None}, 100.0),  # four answers, their mean in place of the fifth
    ({"mhi5_calm": "1", "mhi5_happy": "1", "mhi5_nervous": "-9"}, None),  # too few
]


@pytest.fixture
def wave():
    return Wave(name="baseline", questions_json=pack("tilburg", "baseline"))


def fill(wave, person, answers):
    for item, value in answers.items():
        wave.save(person, item, value)
    wave.submit(person)


def score_of(wave, person, scale):
    sql = "SELECT value FROM answers.score WHERE pseud = %s AND wave = %s AND scale = %s"
    return ask("postgres", sql, person.pseud, wave.number, scale)


def test_poured_sets_are_scored_once_by_the_published_rule(wave, login):
    people = [Person() for _ in SHEETS]
    for person, (answers, _) in zip(people, SHEETS, strict=True):
        fill(wave, person, answers)
    pour()
    with login("research_scoring"):
        assert wave.number in services.waves_to_score()
        assert services.score_wave(wave.number) == 5
        assert services.score_wave(wave.number) == 0
        assert wave.number not in services.waves_to_score()
    for person, (_, expected) in zip(people, SHEETS, strict=True):
        assert score_of(wave, person, "mhi5") == [(expected,)]
    versions = wave.rows("score", "DISTINCT rule_version")
    assert any(version.startswith("mhi5@1.0/mhi5+") for (version,) in versions)


def test_an_answer_to_a_question_that_no_longer_applies_does_not_count(wave, login):
    people = [Person() for _ in range(5)]
    for person in people:
        fill(wave, person, {"work_hours_week": "40", "work_paid": "0"})
    pour()
    with login("research_scoring"):
        services.score_wave(wave.number)
    assert {score_of(wave, person, "work_hours")[0][0] for person in people} == {0.0}


def test_later_sets_are_scored_when_they_are_poured(wave, login):
    for _ in range(2):
        for _ in range(5):
            fill(wave, Person(), WELL)
        pour()
        with login("research_scoring"):
            services.score_wave(wave.number)
    assert wave.rows("scored") == [(10,)]


def test_erasing_takes_the_scores_along(wave, login):
    people = [Person() for _ in range(5)]
    for person in people:
        fill(wave, person, WELL)
    pour()
    with login("research_scoring"):
        services.score_wave(wave.number)
    ask("research_vault", "SELECT answers.erase(%s)", people[0].pseud)
    assert score_of(wave, people[0], "mhi5") == []
    assert wave.rows("scored") == [(4,)]
    with login("research_scoring"):
        assert services.score_wave(wave.number) == 0


def test_the_worker_pours_under_the_pouring_role_only(wave, login):
    for _ in range(5):
        fill(wave, Person(), WELL)
    with login("research_scoring"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            services._call("SELECT answers.pour()")
        tasks.pour()
    assert wave.rows("complete") == [(5,)]


def test_a_day_of_waiting_is_counted_for_waves_with_few(wave, login):
    fill(wave, Person(), WELL)
    empty = Wave()
    with login("research_scoring"):
        tasks.wait_a_day()
    sql = "SELECT days_waited FROM answers.wave WHERE number = %s"
    assert ask("postgres", sql, wave.number) == [(1,)]
    assert ask("postgres", sql, empty.number) == [(0,)]


def test_the_web_login_announces_and_closes_waves_with_evidence(login):
    study = Wave().study
    with login("research_web"):
        number = services.open_wave(study=study, wave="mid", questionnaire="tilburg", by="test")
        assert services.open_wave(study=study, wave="mid", questionnaire="tilburg", by="test") == number
        assert [(one.name, one.closed) for one in selectors.waves(study)] == [("wave1", False), ("mid", False)]
        services.close_wave(study=study, wave="mid", by="test", reason="the window has passed")
        assert selectors.waves(study)[1].closed
        assert selectors.response_counts(study) == {"wave1": 0, "mid": 0}
    sql = "SELECT verb, count(*) FROM audit.log WHERE object = %s GROUP BY verb ORDER BY verb"
    assert ask("postgres", sql, f"wave:{study}/mid") == [("wave.closed", 1), ("wave.opened", 2)]


def test_other_questions_are_refused_once_there_are_answers(login):
    wave = Wave(name="mid", questions_json=pack("tilburg", "mid"))
    wave.save(Person(), "q", "1")
    changed = pack("tilburg", "mid").replace('"1.0"', '"1.1"', 1)
    with connect("research_web") as connection, pytest.raises(Exception, match="are fixed"):
        connection.execute("SELECT answers.open_wave(%s, 'mid', %s)", [wave.study, changed])
    with login("research_web"):
        assert services.open_wave(study=wave.study, wave="mid", questionnaire="tilburg", by="test") == wave.number


def test_a_wave_that_the_questionnaire_lacks_is_refused(login):
    with login("research_web"), pytest.raises(BadInput, match="has no wave wave9: use one of"):
        services.open_wave(study="s", wave="wave9", questionnaire="tilburg", by="test")


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("wave", ["baseline", "mid", "end"])
def test_the_questions_arrive_as_they_were_sent(wave, language):
    arrived, sent = unpack(pack("tilburg", wave), language), load_questionnaire("tilburg", wave, language)
    assert arrived.parts == sent.parts
    assert (arrived.title, arrived.intro, arrived.wave) == (sent.title, sent.intro, sent.wave)
    for mine, theirs in zip(arrived.instruments, sent.instruments, strict=True):
        assert mine.model_dump(mode="json") == theirs.model_dump(mode="json")
    assert services.rules_of(arrived) == services.rules_of(sent)


def test_no_task_takes_more_than_the_number_of_a_wave():
    for task in (tasks.pour, tasks.wait_a_day, tasks.score_due, tasks.score_wave):
        assert list(inspect.signature(task.run).parameters) in ([], ["number"])
        assert task.ignore_result


def test_the_beat_enqueues_a_task_for_each_wave_to_score(wave, login, monkeypatch):
    for _ in range(5):
        fill(wave, Person(), WELL)
    pour()
    sent = []
    monkeypatch.setattr(tasks.score_wave, "delay", sent.append)
    with login("research_scoring"):
        tasks.score_due()
    assert wave.number in sent


def test_waves_are_opened_and_closed_from_the_command_line(login, capsys):
    study = Wave().study
    with login("research_web"):
        call_command("open_wave", study, "baseline", "tilburg")
        call_command("close_wave", study, "baseline", reason="the window has passed")
        with pytest.raises(SystemExit) as stopped:
            call_command("open_wave", study, "wave9", "tilburg")
    said = capsys.readouterr()
    assert said.out.startswith(f"wave baseline of {study} is open as number ")
    assert said.out.endswith(f"wave baseline of {study} is closed\n")
    assert stopped.value.code == 2
    assert said.err == "tilburg: has no wave wave9: use one of baseline, mid, end\n"
