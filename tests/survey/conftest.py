import os
import secrets
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from surveys.questions import pack
from surveys.respondent import services
from surveys.sealing import Seat, seal
from tests.answers_store import Person, Wave

LAST_DAY = date(2099, 12, 31)


@pytest.fixture(autouse=True)
def _real_login(django_db_blocker):
    """The survey's own login on a real cluster; nothing is rolled back, each test uses a study of its own."""
    with django_db_blocker.unblock():
        if connection.settings_dict["USER"] != os.environ["TESTS_LOGIN"]:
            connection.close()
            connection.settings_dict["USER"] = os.environ["TESTS_LOGIN"]
        yield


@pytest.fixture(autouse=True)
def _plain_http(settings):
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def questionnaire():
    """A questionnaire with one question of each kind, a gate and two parts."""
    return Path(__file__).parent / "data" / "check.yaml"


@pytest.fixture
def wave(questionnaire):
    return Wave(questions_json=pack(questionnaire, "wave1"))


@pytest.fixture
def person():
    return Person()


def link_of(wave: Wave, person: Person, last_day: date = LAST_DAY) -> str:
    return seal(services.link_key(), Seat(person.pseud, wave.number, last_day))


@pytest.fixture
def link(wave, person):
    return link_of(wave, person)


@pytest.fixture
def make_link(wave):
    return lambda person=None, last_day=LAST_DAY: link_of(wave, person or Person(), last_day)


class Device:
    """A browser that fills in the pages as a person does: from what the page shows."""

    def __init__(self) -> None:
        self.client = Client()
        self.page = None

    def open(self, path: str):
        self.page = self.client.get(path, follow=True)
        return self.page

    def begin(self, link: str):
        self.open(f"/s/{link}")
        return self.send({"begin": "1"}, f"/s/{link}")

    @property
    def where(self) -> str:
        """The address without its query."""
        return (
            urlsplit(self.page.redirect_chain[-1][0]).path
            if self.page.redirect_chain
            else self.page.request["PATH_INFO"]
        )

    @property
    def text(self) -> str:
        return self.page.content.decode()

    def send(self, fields: dict, path: str | None = None):
        token = self.page.context["visit"] if self.page and self.page.context else None
        bare = {"bewijs": token.form_token} if token else {}
        self.page = self.client.post(path or self.where, bare | fields, follow=True)
        return self.page

    def answer(self, *values: str):
        return self.send({"antwoord": list(values)})


@pytest.fixture
def make_device():
    return Device


@pytest.fixture
def device(link):
    one = Device()
    one.begin(link)
    return one


@pytest.fixture
def marker():
    return f"marker{secrets.token_hex(8)}"
