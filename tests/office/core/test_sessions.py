"""Getting in, staying in, getting out: second factor, limits, safe redirects, health."""

import re
import socket
import time
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as live
from django.core.cache.backends import db as cache_table
from django.db import connection
from django.test import Client

from tests.office import factories as make
from trialmgr.core import health
from trialmgr.core.models import Role, User

pytestmark = pytest.mark.django_db
PEOPLE = "/t/tilburg/people/"


@pytest.fixture
def leader(tilburg):
    return make.make_user(Role.LEADER)


def aged(client, **seconds):
    """The same session, so many seconds older."""
    session = client.session
    for name, value in seconds.items():
        session[name] = int(time.time()) - value
    session.save()
    return client


def test_after_half_an_hour_without_use_one_logs_in_again(leader):
    client = aged(make.log_in(leader), began=1900, seen=1801)
    assert client.get(PEOPLE)["Location"] == f"/account/login/?next={PEOPLE}"
    assert client.get("/account/").status_code == 302


def test_who_keeps_working_stays_in(leader):
    client = aged(make.log_in(leader), began=7200, seen=1700)
    assert client.get(PEOPLE).status_code == 200
    assert client.session["seen"] >= int(time.time()) - 5


def test_after_twelve_hours_one_logs_in_again(leader):
    client = aged(make.log_in(leader), began=12 * 3600 + 1, seen=10)
    assert client.get(PEOPLE).status_code == 302


def test_an_account_that_was_closed_is_out_at_once(leader):
    client = make.log_in(leader)
    User.objects.filter(pk=leader.pk).update(is_active=False)
    assert client.get(PEOPLE).status_code == 302


def test_another_password_ends_every_session(leader):
    client = make.log_in(leader)
    user = User.objects.get(pk=leader.pk)
    user.set_password("another long password")
    user.save()
    assert client.get(PEOPLE).status_code == 302


def test_logging_out_takes_a_post_and_ends_the_session(leader):
    client = make.log_in(leader)
    client.get("/account/logout/")
    assert client.get(PEOPLE).status_code == 200
    key = client.session.session_key
    client.post("/account/logout/")
    again = make.visitor()
    again.cookies[live.SESSION_COOKIE_NAME] = key
    assert again.get(PEOPLE).status_code == 302


def log_in_by_form(client, user, password=make.SECRET, target=""):
    return client.post("/account/login/", {"login": user.email, "password": password, "next": target})


@pytest.mark.parametrize("path", ["/account/logout/", "/account/2fa/recovery-codes/generate/"])
def test_a_question_about_ones_account_comes_with_a_button_that_is_shown(leader, path):
    client = make.log_in(leader)
    client.post("/account/reauthenticate/", {"password": make.SECRET})
    page = client.get(path).content.decode()
    form = page.split("<main")[1].split("<form")[1].split("</form>")[0]
    assert "<button" in form
    assert "hidden" not in form.split(">")[0]


def test_a_password_leads_to_the_second_factor_and_no_further(leader):
    client = make.visitor()
    response = log_in_by_form(client, leader)
    assert response["Location"].startswith("/account/2fa/authenticate/")
    assert client.get(PEOPLE)["Location"].startswith("/account/login/")


def test_a_wrong_code_does_not_let_in(leader):
    client = make.visitor()
    log_in_by_form(client, leader)
    assert client.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert client.get(PEOPLE).status_code == 302


@pytest.mark.parametrize("later", [0, 31, 61])
def test_a_code_lets_in_once(leader, monkeypatch, later):
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
    from allauth.mfa.utils import decrypt

    secret = decrypt(Authenticator.objects.get(user=leader).data["secret"])
    moments = [time.time()]
    monkeypatch.setattr(time, "time", lambda: moments[-1])
    monkeypatch.setattr(cache_table, "tz_now", lambda: datetime.fromtimestamp(moments[-1], tz=UTC))
    code = format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[-1]))  # a clock half a minute off
    first, second = make.visitor(), make.visitor()
    for client, passed in ((first, 0), (second, later)):
        moments.append(moments[-1] + passed)
        log_in_by_form(client, leader)
        client.post("/account/2fa/authenticate/", {"code": f"{code[:3]} {code[3:]}" if passed else code})
    assert first.get(PEOPLE).status_code == 200
    assert second.get(PEOPLE).status_code == 302


def test_who_has_no_second_factor_is_sent_to_the_page_that_adds_one(tilburg):
    client = make.visitor()
    log_in_by_form(client, make.make_user(Role.LEADER, second_factor=False))
    assert client.get(PEOPLE)["Location"] == "/account/second-factor/"
    assert client.get("/account/second-factor/").status_code == 200


def test_an_unknown_address_and_a_wrong_password_look_alike(leader):
    texts = []
    for email in (leader.email, "nobody@stad.example"):
        response = make.visitor().post("/account/login/", {"login": email, "password": "not the password"})
        texts.append((response.status_code, "are not correct" in response.content.decode()))
    assert texts[0] == texts[1] == (200, True)


def test_guessing_is_slowed_down_for_that_account_only(leader):
    other = make.make_user(Role.LEADER)
    for _ in range(12):
        response = make.visitor().post("/account/login/", {"login": leader.email, "password": "guess"})
    assert "Too many" in response.content.decode()
    elsewhere = Client(REMOTE_ADDR="10.0.0.9", headers={"accept-language": "en"})
    assert "Too many" in log_in_by_form(elsewhere, leader).content.decode()
    assert log_in_by_form(elsewhere, other)["Location"].startswith("/account/2fa/")


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https:evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)"],
)
def test_no_redirect_leaves_the_house(leader, target):
    client = make.log_in(leader)
    for response in (
        client.post("/language/", {"language": "en", "next": target}),
        client.post("/account/logout/", {"next": target}),
        log_in_by_form(make.visitor(), make.make_user(second_factor=False), target=target),
    ):
        assert response.status_code == 302
        assert response["Location"].startswith("/")
        assert "evil" not in response["Location"].partition("?")[0]


def test_a_form_without_its_token_is_refused_and_explained(leader):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(leader)
    response = client.post("/t/tilburg/people/add/", {"site": "tilburg"})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


def test_every_post_of_the_office_needs_the_token(leader):
    from tests.office.test_access import MATRIX, ROUTES

    client = Client(enforce_csrf_checks=True)
    client.force_login(leader)
    parts = {
        "trial": "tilburg",
        "code": "H-1",
        "person": 1,
        "number": 1,
        "contact": 1,
        "draft": 1,
        "member": 1,
        "wave": "mid",
        "printing": 1,
    }
    for text in MATRIX.actions:
        assert client.post(ROUTES[text].url(parts)).status_code == 403, text
        assert client.post(ROUTES[text].url(parts), "x", content_type="text/plain").status_code == 403, text


def test_cookies_are_for_this_process_and_out_of_reach_of_scripts(leader):
    client = make.visitor()
    log_in_by_form(client, leader)
    cookie = client.cookies[live.SESSION_COOKIE_NAME]
    assert live.SESSION_COOKIE_NAME.endswith("office-session")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_pages_are_not_kept_not_framed_and_run_no_foreign_script(leader):
    response = make.log_in(leader).get(PEOPLE)
    assert response["Cache-Control"] == "no-store"
    assert response["X-Frame-Options"] == "DENY"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:80@evil.example"])
def test_a_foreign_host_is_refused(leader, host):
    assert make.visitor().get("/account/password/reset/", headers={"host": host}).status_code == 400


def test_health_is_well_when_database_and_broker_answer():
    response = make.visitor().get("/healthz")
    assert (response.status_code, response.json()) == (
        200,
        {"process": "office", "ok": True, "checks": {"database": True, "broker": True}},
    )


def test_health_says_when_the_broker_is_down(settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/broker.sock"
    response = make.visitor().get("/healthz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": True, "broker": False}


def test_health_says_within_seconds_when_the_database_stands_still(monkeypatch, tmp_path):
    place = tmp_path / ".s.PGSQL.5432"
    with socket.socket(socket.AF_UNIX) as frozen:  # takes connections, as the system does for a stopped server
        frozen.bind(str(place))
        frozen.listen()
        monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))
        begin = time.monotonic()
        response = make.visitor().get("/healthz")
    assert (response.status_code, response.json()["checks"]["database"]) == (503, False)
    assert time.monotonic() - begin < 10


def test_health_says_when_the_database_is_down(monkeypatch):
    monkeypatch.setattr(health, "database", lambda: 1 / 0)
    response = make.visitor().get("/healthz")
    assert (response.status_code, response.json()["checks"]["database"]) == (503, False)


def test_pages_work_while_the_broker_is_down(tilburg, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/broker.sock"
    client = make.log_in(make.make_user(Role.STATISTICIAN))
    make.make_consented()
    asked = {"round": "first", "event": "7", "event_on": "2018-03-06", "source": "dice"}
    assert client.post("/t/tilburg/draws/", asked).status_code == 302


def test_the_start_page_of_a_demo_takes_the_same_queries_for_one_account_and_for_thirty(settings, page_queries):
    settings.DEMO = True
    make.make_user(Role.LEADER)
    one = page_queries(make.visitor(), "/")
    for _ in range(29):
        make.make_user(Role.COACH)
    assert page_queries(make.visitor(), "/") == one


FORM_ONLY = "/t/tilburg/staff/0/"


def next_of(response):
    return re.search(r'name="next" value="([^"]*)"', response.content.decode())[1]


def test_an_address_that_only_takes_forms_gives_a_page_that_says_so(leader):
    answer = make.log_in(leader).get("/t/tilburg/coaches/divide/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "only takes what a form sends" in answer.content.decode()
    assert 'href="/t/tilburg/people/"' in answer.content.decode()


def test_the_language_is_switched_on_the_page_with_the_form_not_on_where_it_was_sent(leader):
    client = make.log_in(leader)
    assert next_of(client.get("/t/tilburg/people/?q=a")) == "/t/tilburg/people/?q=a"
    sent = client.post(FORM_ONLY, headers={"referer": "http://testserver/t/tilburg/staff/?page=2"})
    assert next_of(sent) == "/t/tilburg/staff/?page=2"
    for elsewhere in ("https://evil.example/t/tilburg/staff/", "http://testserver@evil.example/", ""):
        assert next_of(client.post(FORM_ONLY, headers={"referer": elsewhere})) == "/"
