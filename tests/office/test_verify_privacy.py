"""`verify_privacy` in the office: no answers, pseudonyms or links here, and no page that knows who took part (P24)."""

import secrets
from datetime import date

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import translation

from surveys.sealing import Keyring, Seat, seal
from trialmgr.core import privacy

pytestmark = pytest.mark.django_db
LINK = seal(Keyring.parse(secrets.token_hex(32)), Seat(secrets.token_bytes(32), 1, date(2018, 4, 1)))
BREAKS = [
    ("The office has no answers and no pseudonyms.", "CREATE SCHEMA answers"),
    ("The office has no answers and no pseudonyms.", "CREATE TABLE public.kept (pseudonym text)"),
    ("The office has no answers and no pseudonyms.", "ALTER TABLE mailing_response ADD pseud bytea"),
    (
        "The office keeps no link to a questionnaire.",
        f"CREATE TABLE public.sent AS SELECT 'x /s/{LINK}'::text AS body; GRANT SELECT ON public.sent TO office_web",
    ),
    (
        "The office keeps no link to a questionnaire.",
        f"SELECT audit.append('job:x', '', 'wave.queued', 'wave:1', 'tilburg', '', 'see /s/{LINK}', '{{}}')",
    ),
    (
        "The office keeps no link to a questionnaire.",
        f"""SELECT audit.append('job:x', '', 'wave.queued', 'wave:1', 'tilburg', '', '', '{{"a": "{LINK}"}}')""",
    ),
    (
        "The office keeps no link to a questionnaire.",
        f"""CREATE SCHEMA aside; CREATE TABLE aside."Kept" AS SELECT ARRAY['{LINK}'] AS "All";
        GRANT USAGE ON SCHEMA aside TO office_web; GRANT SELECT ON aside."Kept" TO office_web""",
    ),
    ("No web page of the office can see who answered.", "GRANT SELECT ON mailing_response TO office_web"),
    ("Rights in the database are as declared.", "GRANT pg_read_all_data TO office_web"),
]


def failing(as_role) -> list[str]:
    with as_role("office_web"), translation.override("en"):
        return [one.promise for one in privacy.findings() if not one.holds]


def test_every_promise_holds_in_a_fresh_deployment(as_role):
    assert len(LINK) == 87
    assert failing(as_role) == []


def test_nothing_is_said_to_be_broken_by_what_django_packs_for_itself(as_role):
    """A run of 87 such characters came by chance in what the limiter of logins keeps."""
    packed = f"gAWV+{LINK}/AAA="
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO core_cache VALUES (':1:x', %s, '2000-01-01')", [packed])
        cursor.execute("INSERT INTO django_session VALUES ('x', %s, '2000-01-01')", [f"eJw:{LINK}"])
    assert failing(as_role) == []


@pytest.mark.parametrize("text", [secrets.token_urlsafe(64), f"g{LINK[1:]}", f"{LINK[:-1]}B", f"x{LINK}"])
def test_a_text_that_cannot_be_a_link_is_none(as_role, text):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_content_type SET app_label = %s WHERE id = 1", [text])
    assert failing(as_role) == []


@pytest.mark.parametrize("place", ["core_cache", "django_session"])
def test_a_link_in_the_cache_or_a_session_is_found(as_role, place):
    if place == "core_cache":
        cache.set("kept", {"of": [LINK]})
    else:
        session = SessionStore()
        session["kept"] = LINK
        session.save()
    assert failing(as_role) == ["The office keeps no link to a questionnaire."]


def test_a_private_key_that_stayed_after_a_restore_is_named(as_role, settings):
    settings.RESTORE_KEY = "/root/office.key"
    assert failing(as_role) == ["This process cannot open the backups of its side."]


@pytest.mark.parametrize(("promise", "harm"), BREAKS)
def test_a_broken_promise_is_named_and_the_command_fails(as_role, promise, harm):
    with connection.cursor() as cursor:
        cursor.execute(harm)
    assert promise in failing(as_role)
    with as_role("office_web"), pytest.raises(SystemExit) as stopped:
        call_command("verify_privacy")
    assert stopped.value.code == 1
