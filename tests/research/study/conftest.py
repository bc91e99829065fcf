import hashlib
import json
from datetime import UTC, datetime
from itertools import count

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import translation

from analysis.study import services
from analysis.study.models import Result, Run
from trialmgr.core import audit, clock
from trialmgr.core.models import Membership, Role, User
from trialmgr.protocol.reading import load_protocol

NOW = datetime(2019, 3, 5, 9, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(autouse=True)
def now():
    with clock.at(NOW), translation.override("en"):
        yield


@pytest.fixture
def make_user():
    def make(role=None, *, trial="tilburg", second_factor=True):
        name = f"{role or 'nobody'}{next(_numbers)}"
        user = User.objects.create_user(f"{name}@uni.example", "a long password 1", name=name)
        if role:
            Membership.objects.create(user=user, role=role, trial=trial)
        if second_factor:
            TOTP.activate(user, generate_totp_secret())
        return user

    return make


@pytest.fixture
def log_in():
    def logged_in(user):
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    return logged_in


@pytest.fixture
def registered(db):
    return services.register(protocol=load_protocol("tilburg"))


@pytest.fixture
def researcher(registered, make_user):
    return make_user(Role.RESEARCHER)


@pytest.fixture
def principal(registered, make_user):
    return make_user(Role.PRINCIPAL)


@pytest.fixture
def steward(registered, make_user):
    return make_user(Role.STEWARD)


@pytest.fixture
def run(researcher):
    return services.request_run(trial="tilburg", purpose="The planned interim report", by=researcher)


@pytest.fixture
def done(run):
    """The run as the study worker leaves it."""
    document = json.dumps({"analyses": [], "software": {"made-up": "1.0"}})
    Result.objects.create(run=run, document=document, sha256=hashlib.sha256(document.encode()).hexdigest())
    Run.objects.update(status="done")
    run.refresh_from_db()
    return run


@pytest.fixture
def verbs():
    return lambda: [event.verb for event in audit.events()]
