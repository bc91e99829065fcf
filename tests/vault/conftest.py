import json
import os
import secrets

import pytest
from django.db import connection
from django.test import Client

from surveys.vault import keys, services, state
from tests.answers_store import Person, Wave


@pytest.fixture(autouse=True)
def _real_login(django_db_blocker):
    """The vault's own login on a real cluster; nothing is rolled back, each test uses a study of its own."""
    with django_db_blocker.unblock():
        if connection.settings_dict["USER"] != os.environ["TESTS_LOGIN"]:
            connection.close()
            connection.settings_dict["USER"] = os.environ["TESTS_LOGIN"]
        yield


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    place = tmp_path / "vault"
    place.mkdir()
    monkeypatch.setattr(state, "directory", lambda: place)
    return place


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """Runs for which the study worker was called, in the place of a broker."""
    calls = []
    monkeypatch.setattr(services.current_app, "send_task", lambda name, args, queue: calls.append((name, args, queue)))
    return calls


class Office:
    """The only caller the vault knows."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def post(self, verb: str, body: object) -> tuple[int, dict]:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self.client.post(f"/{verb}", text, content_type="application/json")
        return response.status_code, response.json()


@pytest.fixture
def office(settings):
    return Office(settings.VAULT_TOKEN)


@pytest.fixture
def approve(monkeypatch):
    """Let these runs of a study be approved and wait for outcomes; approving itself is the research side's."""

    def approved(wave, *runs):
        wanted = [{"run": run, "study": wave.study} for run in runs]
        monkeypatch.setattr(services.store, "wanted_runs", lambda: wanted)

    return approved


@pytest.fixture
def make_pids():
    return lambda number: [secrets.token_hex(16) for _ in range(number)]


@pytest.fixture
def wave():
    return Wave()


@pytest.fixture
def answers_as():
    """Let a person of the office answer and submit a wave."""

    def answer(wave, pids):
        from surveys.sealing import pseudonym

        wave.answer_all([Person(pseud=pseudonym(keys.map_key(), wave.study, pid)) for pid in pids], items=1)

    return answer
