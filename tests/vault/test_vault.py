"""The vault's verbs, asked over HTTP as the office asks them."""

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from surveys.sealing import BadLink, open_link, pseudonym
from surveys.vault import keys, services, state
from tests.answers_store import ask, pour
from trialmgr.core import clock

SOON = clock.today() + timedelta(days=60)
NIGHT = datetime(2027, 3, 1, 1, 30, tzinfo=UTC)
VERBS = ("seal", "status", "load", "erase")


def test_links_open_to_the_person_wave_and_last_day(office, wave, make_pids):
    pids = make_pids(3)
    code, body = office.post(
        "seal", {"study": wave.study, "wave": wave.name, "last_day": SOON.isoformat(), "pids": [*pids, pids[0]]}
    )
    seats = [open_link(keys.link_key(), link) for link in body["links"]]
    assert code == 200
    assert [seat.pseudonym for seat in seats] == [
        pseudonym(keys.map_key(), wave.study, pid) for pid in [*pids, pids[0]]
    ]
    assert {(seat.wave, seat.last_day) for seat in seats} == {(wave.number, SOON)}
    assert len(set(body["links"])) == 4


def test_a_wave_that_research_has_not_announced_gets_no_links(office, wave, make_pids):
    request = {"study": wave.study, "wave": "wave9", "last_day": SOON.isoformat(), "pids": make_pids(1)}
    code, body = office.post("seal", request)
    assert code == 404
    assert "not announced" in body["refused"]


def test_status_tells_who_submitted_and_nothing_of_others(office, wave, make_pids, answers_as):
    pids = make_pids(30)
    answers_as(wave, pids[:9])
    pour()
    answers_as(wave, [*pids[9:12], *make_pids(3)])
    code, body = office.post("status", {"study": wave.study, "wave": wave.name, "pids": pids})
    assert (code, body) == (200, {"submitted": sorted(pids[:12])})


@pytest.mark.parametrize("number", [0, 1, 19])
def test_status_of_a_few_is_refused_and_logged(office, wave, make_pids, number, caplog):
    pids = make_pids(number)
    code, body = office.post("status", {"study": wave.study, "wave": wave.name, "pids": pids * 2})
    assert code == 422
    assert "20 persons or more" in body["refused"]
    assert "refused status" in caplog.text
    assert not any(pid in caplog.text for pid in pids)


def test_status_is_given_once_in_twenty_hours_for_each_wave(office, wave, make_pids, caplog):
    request = {"study": wave.study, "wave": wave.name, "pids": make_pids(20)}
    results = []
    for hours in (0, 0.01, 19.9, 20, 39.9, 40.1):
        with clock.at(NIGHT + timedelta(hours=hours)):
            results.append(office.post("status", request)[0])
    assert results == [200, 429, 429, 200, 429, 200]
    assert caplog.text.count("too soon") == 3
    other = type(wave)(study=wave.study, name="wave2")
    with clock.at(NIGHT):
        assert office.post("status", request | {"wave": other.name})[0] == 200


def test_a_status_that_failed_does_not_use_up_the_night(office, wave, make_pids, monkeypatch):
    request = {"study": wave.study, "wave": wave.name, "pids": make_pids(20)}
    monkeypatch.setattr(services.store, "submitted", lambda *_: 1 / 0)
    with clock.at(NIGHT), pytest.raises(ZeroDivisionError):
        office.post("status", request)
    monkeypatch.undo()
    with clock.at(NIGHT):
        services.submitted_of(study=wave.study, wave=wave.name, pids=request["pids"])


def test_a_run_is_kept_encrypted_under_pseudonyms_and_the_worker_is_called(
    office, wave, make_pids, approve, rung, own_state
):
    pids = make_pids(4)
    approve(wave, "run-7")
    rows = [{"pid": pid, "arm": "B", "exit_month": "2027-05"} for pid in pids]
    code, body = office.post(
        "load", {"run": "run-7", "study": wave.study, "rows": rows, "extra": {"strata": ["young"]}}
    )
    assert (code, body) == (202, {"loaded": 4})
    assert rung == [("analysis.study.run", ["run-7"], "study")]
    kept = state.read_workspace("run-7")
    expected = sorted(pseudonym(keys.map_key(), wave.study, pid).hex() for pid in pids)
    assert [row["pseud"] for row in kept["rows"]] == expected
    assert all(row.keys() == {"pseud", "arm", "exit_month"} for row in kept["rows"])
    assert (kept["study"], kept["extra"]) == (wave.study, {"strata": ["young"]})
    [file] = own_state.glob("*.run")
    assert file.stat().st_mode & 0o077 == 0
    on_disk = file.read_bytes()
    assert not any(word.encode() in on_disk for word in [*pids, *expected, "arm", "exit_month", wave.study])
    state.destroy_workspace("run-7")
    assert state.workspaces() == []
    with pytest.raises(FileNotFoundError):
        state.read_workspace("run-7")


def test_outcomes_are_taken_for_approved_runs_of_that_study_only(office, wave, make_pids, approve, rung, caplog):
    rows = [{"pid": pid} for pid in make_pids(2)]
    assert office.post("load", {"run": "run-1", "study": wave.study, "rows": rows})[0] == 422
    approve(wave, "run-2")
    for run, study in (("run-1", wave.study), ("run-2", "another")):
        assert office.post("load", {"run": run, "study": study, "rows": rows})[0] == 422
    assert state.workspaces() == rung == []
    assert caplog.text.count("not approved") == 3


def test_rows_of_one_run_cannot_be_passed_off_as_another(office, wave, make_pids, approve, own_state):
    approve(wave, "run-1")
    rows = [{"pid": pid} for pid in make_pids(2)]
    office.post("load", {"run": "run-1", "study": wave.study, "rows": rows})
    (own_state / "run-1.run").rename(own_state / "run-2.run")
    with pytest.raises(BadLink):
        state.read_workspace("run-2")


def test_a_dead_broker_does_not_lose_a_run(office, wave, make_pids, approve, monkeypatch, caplog):
    approve(wave, "run-1")

    def dead(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(services.current_app, "send_task", dead)
    rows = [{"pid": pid} for pid in make_pids(2)]
    assert office.post("load", {"run": "run-1", "study": wave.study, "rows": rows})[0] == 202
    assert state.workspaces() == ["run-1"]
    assert "broker does not answer" in caplog.text


def test_erasing_removes_the_answers_and_survives_a_restore(office, wave, make_pids, answers_as):
    pids = make_pids(6)
    answers_as(wave, pids)
    pour()
    for _ in range(2):
        assert office.post("erase", {"study": wave.study, "pid": pids[0]}) == (200, {"done": True})
    assert wave.rows("complete") == [(5,)]
    mark = pseudonym(keys.map_key(), wave.study, pids[0])
    restored = "INSERT INTO answers.poured VALUES (%s, %s, 'q0', 'back from the backup') RETURNING 1"
    ask("postgres", "DELETE FROM answers.erased WHERE mark = answers.mark_of(%s) RETURNING 1", mark)
    ask("postgres", restored, mark, wave.number)
    assert services.replay_erasures() == 1
    assert ask("postgres", "SELECT count(*) FROM answers.poured WHERE pseud = %s", mark) == [(0,)]
    assert wave.rows("complete") == [(5,)]


def test_an_erasure_that_breaks_off_stands_on_the_list_and_is_done_by_the_next_replay(
    office, wave, make_pids, answers_as, monkeypatch
):
    pids = make_pids(5)
    answers_as(wave, pids)
    pour()
    monkeypatch.setattr(services.store, "erase", lambda mark: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        office.post("erase", {"study": wave.study, "pid": pids[0]})
    mark = pseudonym(keys.map_key(), wave.study, pids[0])
    assert state.erasures() == [hashlib.sha256(b"erased|" + mark).digest()]
    assert wave.rows("complete") == [(5,)]
    services.replay_erasures()
    assert wave.rows("complete") == [(4,)]


def test_the_list_of_erasures_holds_neither_person_nor_pseudonym(office, wave, make_pids, own_state):
    [pid] = make_pids(1)
    office.post("erase", {"study": wave.study, "pid": pid})
    ledger = (own_state / "erased").read_text()
    assert len(ledger.strip()) == 64
    assert pid not in ledger
    assert pseudonym(keys.map_key(), wave.study, pid).hex() not in ledger


def test_counts_go_in_tens(office, wave, make_pids, answers_as):
    answers_as(wave, make_pids(29))
    response = office.client.get("/counts", {"study": wave.study})
    assert response.json() == {"submitted_at_least": {"wave1": 20}}


@pytest.mark.parametrize("study", ["", "\0", "a|b", "x" * 65])
def test_counts_of_what_is_no_study_are_refused(office, study, caplog):
    response = office.client.get("/counts", {"study": study})
    assert response.status_code == 400
    assert response.json() == {"refused": "not a request of this form: see study"}
    assert caplog.text == ""


@pytest.mark.parametrize("last_day", ["1999-01-01", "2027-02-27", "2029-06-01", "2300-01-01", "9999-12-31"])
def test_no_link_is_made_that_is_over_or_lasts_for_years(office, wave, make_pids, last_day):
    request = {"study": wave.study, "wave": wave.name, "last_day": last_day, "pids": make_pids(1)}
    with clock.at(NIGHT):
        assert office.post("seal", request) == (400, {"refused": "not a request of this form: see last_day"})
        assert office.post("seal", request | {"last_day": "2027-02-28"})[0] == 200, "sent just before midnight"


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz"])
@pytest.mark.parametrize("verb", [*VERBS, "counts"])
def test_nobody_enters_without_the_token(verb, token):
    client = Client(headers={"Authorization": token})
    response = client.get("/counts") if verb == "counts" else client.post(f"/{verb}", b"{}", "application/json")
    assert response.status_code == 401


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"null", b"\xff", b'{"study": "s"}', b'{"pids": ["x"], "study": "a|b"}', b"1" * 10_000,
        b"[" * 200_000, b'{"study":' * 100_000,
    ],
)  # fmt: skip
def test_requests_out_of_form_are_refused_without_repeating_them(office, verb, body, caplog):
    code, answer = office.post(verb, body)
    assert code == 400
    assert "a|b" not in json.dumps(answer)
    assert caplog.text == ""


@pytest.mark.parametrize("row", [{}, {"pid": None}, {"pid": "z" * 32}, {"pid": "a" * 32, "pseud": "b"}])
def test_rows_that_are_no_persons_are_refused(office, wave, row):
    assert office.post("load", {"run": "r", "study": wave.study, "rows": [row]})[0] == 400
    assert state.workspaces() == []


@pytest.mark.parametrize("run", ["../keys", "a/b", "", "r" * 65, "r\n"])
def test_a_run_id_cannot_lead_out_of_the_directory(office, wave, make_pids, run):
    rows = [{"pid": pid} for pid in make_pids(1)]
    assert office.post("load", {"run": run, "study": wave.study, "rows": rows})[0] == 400


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_never_a_get(office, verb):
    assert office.client.get(f"/{verb}").status_code == 405


def test_the_log_holds_counts_only(office, wave, make_pids, approve, caplog, answers_as):
    approve(wave, "r1")
    caplog.set_level(logging.INFO)
    pids = make_pids(20)
    answers_as(wave, pids[:7])
    common = {"study": wave.study, "wave": wave.name}
    links = office.post("seal", {**common, "last_day": SOON.isoformat(), "pids": pids})[1]["links"]
    office.post("status", {**common, "pids": pids})
    office.post("load", {"run": "r1", "study": wave.study, "rows": [{"pid": pid, "arm": "C"} for pid in pids]})
    office.post("erase", {"study": wave.study, "pid": pids[0]})
    lines = [record.getMessage() for record in caplog.records if record.name == "trialmgr.vault"]
    assert [line.split(" study=")[0] for line in lines] == ["sealed", "status", "loaded run=r1", "erased"]
    marks = [pseudonym(keys.map_key(), wave.study, pid).hex() for pid in pids]
    assert not any(secret in caplog.text for secret in [*pids, *links, *marks])
    assert "submitted" not in caplog.text, "a count of new answers each night would be a trace too"


def test_health_needs_no_token(settings):
    response = Client().get("/healthz")
    assert response.json()["process"] == "vault"
    assert response.json()["checks"]["database"] is True


def test_results_are_asked_for_without_those_that_the_office_has(office):
    assert office.post("results", {"known": ["a1"]}) == (200, {"released": []})
    assert office.post("results", {"known": ["no code"]})[0] == 400


def test_a_run_that_takes_too_long_fails_before_it_is_killed_and_before_its_login_is_shut(settings):
    waits = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    limits = [600, settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT, waits, 3600]
    assert limits == sorted(set(limits))
