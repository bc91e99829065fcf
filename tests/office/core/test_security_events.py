"""What the audit log tells of who came in, who could not, and who looked where they may not."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.db import connection

from tests.office import factories as make
from tests.office.core.test_sessions import log_in_by_form
from trialmgr.core import audit
from trialmgr.core.models import Role

pytestmark = pytest.mark.django_db
NEW = "een heel ander wachtwoord"


@pytest.fixture
def leader(tilburg):
    return make.make_user(Role.LEADER)


@pytest.fixture
def told(leader):
    """The events since the test began: verb, on what, by whom, in which trial."""
    begun = audit.head()

    def events():
        return [(one.verb, one.object, one.actor, one.trial) for one in audit.events(after=begun[0] if begun else 0)]

    return events


def everything_said():
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(l::text || d::text, '') FROM audit.log l JOIN audit.detail d USING (seq)")
        return cursor.fetchone()[0]


def code_of(user):
    secret = decrypt(Authenticator.objects.get(user=user, type="totp").data["secret"])
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def mine(user, verb, *, by=None):
    return (verb, f"user:{user.pk}", f"job:{by}" if by else f"user:{user.pk}", "")


def test_a_login_is_told_when_the_second_factor_was_right(leader, told):
    client = make.visitor()
    log_in_by_form(client, leader)
    assert told() == []
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    client.post("/account/2fa/authenticate/", {"code": code_of(leader)})
    assert told() == [mine(leader, "login.code_refused", by="login"), mine(leader, "login.succeeded")]


def test_a_code_that_worked_already_is_told_as_a_wrong_one(leader, told):
    code = code_of(leader)
    for client in (make.visitor(), make.visitor()):
        log_in_by_form(client, leader)
        client.post("/account/2fa/authenticate/", {"code": code})
    assert told() == [mine(leader, "login.succeeded"), mine(leader, "login.code_refused", by="login")]


def test_wrong_passwords_are_told_once_an_hour_and_then_that_the_account_must_wait(leader, told):
    for _ in range(8):
        log_in_by_form(make.visitor(), leader, password="not this one")
    assert told() == [mine(leader, "login.failed", by="login"), mine(leader, "login.slowed_down", by="login")]
    assert "not this one" not in everything_said()


def test_addresses_without_an_account_are_told_together_and_not_by_name(leader, told):
    for number in range(4):
        make.visitor().post("/account/login/", {"login": f"stranger{number}@evil.example", "password": "guess"})
    assert told() == [("login.failed", "user:unknown", "job:login", "")]
    assert "evil" not in everything_said()


def test_too_many_wrong_codes_are_told(leader, told):
    client = make.visitor()
    log_in_by_form(client, leader)
    for _ in range(8):
        client.post("/account/2fa/authenticate/", {"code": "000000"})
    verbs = [verb for verb, *_ in told()]
    assert verbs == ["login.code_refused"] * 5 + ["login.code_slowed_down"]


def test_a_changed_password_is_told(leader, told):
    client = make.log_in(leader)
    client.post("/account/reauthenticate/", {"password": make.SECRET})
    before = told()
    client.post("/account/password/change/", {"oldpassword": make.SECRET, "password1": NEW, "password2": NEW})
    assert told() == [*before, mine(leader, "account.password_changed")]
    assert NEW not in everything_said()


def test_a_second_factor_that_is_added_renewed_or_removed_by_its_own_page_is_told(
    told, django_capture_on_commit_callbacks
):
    user = make.make_user(Role.LEADER, second_factor=False)
    client = make.log_in(user)
    client.post("/account/reauthenticate/", {"password": make.SECRET})
    client.get("/account/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/2fa/totp/activate/", {"code": code})
        client.post("/account/2fa/recovery-codes/generate/")
        client.post("/account/2fa/totp/deactivate/")
    verbs = [verb for verb, who, *_ in told() if who == f"user:{user.pk}"]
    assert sorted(verbs) == [
        "account.second_factor_added",
        "account.second_factor_added",
        "account.second_factor_removed",
        "account.second_factor_removed",
        "account.second_factor_renewed",
    ]
    assert secret not in everything_said()


def test_a_page_that_ones_role_does_not_include_is_told_once_an_hour_to_the_trial(leader, told):
    client = make.log_in(leader)
    for _ in range(3):
        assert client.get("/t/tilburg/audit/").status_code == 403
    assert told() == [("access.denied", "permission:view_audit", f"user:{leader.pk}", "tilburg")]


def test_looking_into_another_trial_is_told_without_the_name_that_was_typed(leader, told):
    assert make.log_in(leader).get("/t/anything-at-all/people/").status_code == 404
    assert told() == [("access.denied", "permission:view_people", f"user:{leader.pk}", "")]


def test_a_visitor_who_has_not_logged_in_writes_nothing(leader, told):
    for path in ("/t/tilburg/people/", "/t/tilburg/audit/", "/audit/"):
        make.visitor().get(path)
    assert told() == []
