"""What the survey process cannot do, does not load, does not log and does not tell (P10, P12, P22, P23, F18)."""

import io
import logging
import secrets
import statistics
import subprocess
import sys
import time
from datetime import date
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import get_resolver

from surveys.respondent import session, store
from surveys.sealing import encode
from tests.answers_store import Person, ask, connect
from trialmgr.core.logs import BareFormatter

ROUTES = [
    "",
    "s/<str:link>",
    "vraag/<int:number>",
    "later",
    "einde",
    "bedankt",
    "privacy",
    "toegankelijkheid",
    "healthz",
]
STAFF = ("participants", "randomization", "coaching", "analysis", "surveys.mailing", "surveys.vault", "surveys.answers")
LOADED = """
import sys, django
django.setup()
import trialmgr.urls.survey
from django.conf import settings
from django.utils.module_loading import import_string
[import_string(name) for name in settings.MIDDLEWARE]
print(*sorted(sys.modules))
"""


def test_the_routes_are_these_and_no_others():
    assert [str(pattern.pattern) for pattern in get_resolver().url_patterns] == ROUTES


def test_the_process_has_no_sessions_accounts_messages_or_admin():
    assert django_settings.INSTALLED_APPS == ["django.contrib.staticfiles", "trialmgr.deployment", "surveys.respondent"]
    assert not [name for name in django_settings.MIDDLEWARE if "session" in name.lower() or "auth" in name.lower()]


def test_a_running_survey_process_has_loaded_nothing_of_staff():
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    foreign = (*STAFF, "trialmgr.core.models", "trialmgr.core.access", "allauth", "django.contrib.sessions", "pandas")
    assert "surveys.respondent.views" in loaded
    assert [name for name in loaded if name.startswith(foreign)] == []


@pytest.mark.parametrize("module", ["participants.models", "trialmgr.core.models", "django.contrib.sessions.models"])
def test_models_of_staff_cannot_even_be_imported(module):
    with pytest.raises(RuntimeError, match="isn't in an application in INSTALLED_APPS"):
        import_module(module)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/", "/account/login/", "/account/", "/t/tilburg/", "/demo/", "/language/", "/seal", "/status", "/load",
        "/.git/config", "/.env", "/metrics", "/static/../trialmgr/settings.py", "/%2561ccount/login/", "/vraag/1/",
        "/VRAAG/1", "//account/login/", "/s/", "/s/a/b", "/vraag/x", "/vraag/-1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_addresses_of_other_processes_lead_nowhere(path, method):
    response = getattr(Client(), method)(path)
    assert response.status_code == 404
    assert response.content == Client().get("/nergens").content


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_other_methods_do_nothing(method, link):
    for path in ("/", f"/s/{link}", "/vraag/1", "/einde"):
        assert getattr(Client(), method)(path).status_code in {403, 405}


def test_pages_carry_the_headers_that_keep_them_private(link):
    for path in ("/", f"/s/{link}", "/privacy", "/s/x", "/vraag/1"):
        headers = Client().get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "noindex" in headers["X-Robots-Tag"]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "Set-Cookie" not in headers


def test_the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts(link, settings):
    settings.HTTPS = True
    response = Client().post(f"/s/{link}", {"begin": "1"})
    cookie = response.cookies["__Host-vragen"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Strict", "/")
    assert cookie["domain"] == ""
    assert cookie["max-age"] == ""


def test_the_cookie_tells_nothing_to_who_lacks_the_key(person, link):
    ticket = next(iter(Client().post(f"/s/{link}", {"begin": "1"}).cookies.values())).value
    assert encode(person.pseud) not in ticket
    again = next(iter(Client().post(f"/s/{link}", {"begin": "1"}).cookies.values())).value
    assert ticket[:20] != again[:20]


def test_a_visit_survives_a_new_secret_and_ends_when_the_old_one_goes(device, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secrets.token_hex(32), [old]
    device.answer("0")
    assert device.where == "/vraag/4"
    settings.SECRET_KEY_FALLBACKS = []
    device.open("/vraag/4")
    assert device.where == "/vraag/4", "the answer before was already sealed with the new secret"
    settings.SECRET_KEY = secrets.token_hex(32)
    device.open("/vraag/4")
    assert device.where == "/"


def test_an_error_is_logged_without_what_caused_it(device, marker, monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise ValueError(f"{marker} {args} {kwargs}")

    monkeypatch.setattr(store, "save_answer", fail)
    device.client.raise_request_exception = False
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(BareFormatter())
    token = device.page.context["visit"].form_token
    response = device.client.post("/vraag/1", {"antwoord": "1", "bewijs": token})
    assert response.status_code == 500
    assert "Het lukt nu even niet" in response.content.decode()
    lines = [BareFormatter().format(record) for record in caplog.records]
    assert any("ValueError at" in line for line in lines)
    assert not any(marker in line or "/vraag" in line or token in line for line in lines)
    assert marker not in response.content.decode()


def test_a_wrong_link_is_not_logged(link, caplog):
    Client().post(f"/s/{link[:-1]}{'A' if link[-1] != 'A' else 'Q'}", {"begin": "1"})
    Client().get(f"/s/{link}x")
    Client().get(f"/s/{link}", headers={"Host": "evil.example"})
    assert not any(link[:20] in BareFormatter().format(one) for one in caplog.records)
    quiet = logging.getLogger("django.request")
    assert quiet.level == logging.ERROR, "its warnings, of pages that do not exist, hold the path"
    assert not quiet.isEnabledFor(logging.WARNING)


def test_a_stranger_cannot_fill_the_log(link, capsys, monkeypatch):
    stderr = io.StringIO()
    handler = next(one for one in logging.getLogger().handlers if one.get_name() == "stderr")
    monkeypatch.setattr(handler, "stream", stderr)
    for host in ("evil.example", "x" * 3000, "a b"):
        assert Client().get(f"/s/{link}", headers={"Host": host}).status_code == 400
    assert stderr.getvalue() == "ERROR django.security.DisallowedHost refused: DisallowedHost\n" * 3


@pytest.mark.parametrize("path", ["/", "/s/x", "/privacy", "/healthz"])
def test_a_head_is_answered_without_the_page(path):
    """The test client would drop the page itself, so this is asked of what the server runs."""
    told = []
    page = get_wsgi_application()(RequestFactory().head(path).environ, lambda *said: told.append(said))
    assert b"".join(page) == b""
    assert int(dict(told[0][1])["Content-Length"]) > 0


def test_links_of_every_kind_look_and_last_the_same(make_link, wave, person, link, make_device):
    used = Person()
    wave.answer_all([used])
    links = {
        "unused": link,
        "used": make_link(used),
        "expired": make_link(person, date(2020, 1, 1)),
        "forged": encode(secrets.token_bytes(65)),
    }
    client, times, bodies = Client(), {name: [] for name in links}, set()
    for turn in range(270):
        for name, one in sorted(links.items(), key=lambda _: secrets.randbits(30)):
            started = time.perf_counter()
            response = client.get(f"/s/{one}")
            if turn >= 20:
                times[name].append(time.perf_counter() - started)
            bodies.add((response.status_code, response.content))
    assert len(bodies) == 1
    # The fastest tenth: what a link costs shifts all of its turns, what else the machine does only some.
    fastest = [statistics.quantiles(each, n=10)[0] for each in times.values()]
    assert max(fastest) - min(fastest) < 0.005


def test_the_database_server_logs_no_answer_even_when_it_logs_everything(wave, person, link, make_device, marker):
    """The cluster's own settings keep values out, statement by statement, in errors too."""
    [(directory,)] = ask("postgres", "SHOW data_directory")
    log = Path(directory).parent / "log" / "research.log"
    with connect("postgres") as admin:
        for setting in ("log_statement = 'all'", "log_min_duration_statement = 0", "log_min_messages = 'debug1'"):
            admin.execute(f"ALTER ROLE survey_app SET {setting}")
    try:
        connection.close()
        device = make_device()
        device.begin(link)
        for value in ("1", "93,0625", "1", "a", "2", "1-2-2020", marker):
            device.answer(value)
        broken = [person.pseud, wave.number, "q", marker * 400, True, b"short", ""]
        with connect("survey_app") as direct, pytest.raises(psycopg.errors.CheckViolation):
            direct.execute(store.SAVE, broken)
        connection.close()
    finally:
        with connect("postgres") as admin:
            admin.execute("ALTER ROLE survey_app RESET ALL")
    written = log.read_text("utf-8", "replace")
    assert "answers.save_answer" in written, "the server did log the statements"
    assert "violates check constraint" in written
    for secret in (marker, person.pseud.hex(), link, "93.0625"):  # no time or duration of a log looks so
        assert secret not in written


def test_a_visit_does_not_print_its_person(person):
    printed = repr(session.Visit(person.pseud, 1, "nl"))
    assert printed == "Visit(wave=1, language=nl)"
