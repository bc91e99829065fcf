"""What the office's log tells of an error: where, which kind and which constraint; never the row with its name."""

import io
import logging
import logging.config

import pytest
from celery import shared_task
from django.conf import settings
from django.db import IntegrityError, transaction

from participants.models import Household, Person
from tests.office import factories as make
from trialmgr.core.logs import LineFormatter

pytestmark = pytest.mark.django_db


@pytest.fixture
def log():
    """What a handler of the office writes, of every logger."""
    written = logging.StreamHandler(io.StringIO())
    written.setFormatter(LineFormatter())
    logging.getLogger().addHandler(written)
    yield written.stream
    logging.getLogger().removeHandler(written)


@pytest.fixture
def person(tilburg):
    return Person.objects.get(household=make.make_household(members=[make.make_member(client_number="41200005")]))


def enter_again(number):
    home = Household.objects.get(persons__client_number=number)
    with transaction.atomic():
        Person.objects.create(household=home, trial_id="tilburg", client_number=number)


def test_an_error_of_the_database_is_told_without_the_row(person, log):
    try:
        enter_again("41200005")
    except IntegrityError:
        logging.getLogger("django.request").exception("Internal Server Error: %s", "/t/tilburg/people/")
    line = log.getvalue()
    assert "41200005" not in line
    assert "person_client_number" in line
    assert "in enter_again" in line
    assert "Internal Server Error: /t/tilburg/people/" in line


def test_a_job_that_fails_is_told_without_the_row(person, log):
    job = shared_task(name="enter_again", ignore_result=True)(enter_again)
    job.apply(args=("41200005",))
    line = log.getvalue()
    assert "Task enter_again[" in line
    assert "raised unexpected: IntegrityError" in line
    assert "41200005" not in line


def test_the_web_server_writes_as_the_rest_does():
    kept = settings.LOGGING
    assert kept["loggers"]["gunicorn.error"]["handlers"] == ["stderr"]
    assert kept["handlers"]["stderr"]["formatter"] == "line"
