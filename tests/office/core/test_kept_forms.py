"""What somebody typed is not lost when the session ends while a form is open."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from coaching.models import Contact
from tests.office import factories as make
from tests.office.core.test_sessions import aged, log_in_by_form

pytestmark = pytest.mark.django_db
STORY = "Een lang verhaal aan de keukentafel, <b>met een plan</b>."


@pytest.fixture
def guided(tilburg):
    return make.make_guided()


@pytest.fixture
def browser(guided):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en", "sec-fetch-site": "same-origin"})
    client.force_login(guided[0])
    return client


def token(response):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.content.decode())[1]


def filled(home, **over):
    known = {
        "person": home.persons.get().pk,
        "day": "2018-03-05",
        "channel": "home",
        "attended": "yes",
        "minutes": "15",
    }
    return known | {"key": str(uuid4()), "topics": ["work", "money"], "note": STORY} | over


def again(response):
    """The fields of the page that keeps the form, as its button sends them."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.content.decode())
    fields: dict[str, list[str]] = {}
    for name, value in found:
        fields.setdefault(name, []).append(value.replace("&lt;", "<").replace("&gt;", ">"))
    return fields


def test_a_note_outlives_the_session_and_the_login_in_another_window(browser, guided):
    coach, home = guided
    url = f"/t/tilburg/caseload/{home.code}/"
    form = filled(home, csrfmiddlewaretoken=token(browser.get(url)))
    aged(browser, began=4000, seen=1801)
    kept = browser.post(url, form)
    assert kept.status_code == 403
    assert "You were logged out" in kept.content.decode()
    assert "&lt;b&gt;met een plan" in kept.content.decode()
    browser.force_login(coach)
    browser.cookies["office-csrf"] = "n" * 32  # a login gives out new tokens
    once_more = browser.post(url, again(kept))
    assert once_more.status_code == 403
    assert "Press the button once more" in once_more.content.decode()
    assert browser.post(url, again(once_more)).status_code == 302
    contact = Contact.objects.get()
    assert (contact.note, contact.topics) == (STORY, ["work", "money"])


def test_a_form_from_another_site_is_not_shown_again(browser, guided):
    url = f"/t/tilburg/caseload/{guided[1].code}/"
    for origin in ("cross-site", "same-site", "none"):
        shown = browser.post(url, filled(guided[1]), headers={"sec-fetch-site": origin})
        assert shown.status_code == 403
        assert STORY[:20] not in shown.content.decode()


def test_a_form_with_a_password_is_not_shown_again(browser):
    browser.logout()
    shown = browser.post("/account/password/change/", {"oldpassword": "a secret of mine, a long one"})
    assert "a secret of mine" not in shown.content.decode()


def test_who_works_in_one_trial_begins_there(tilburg):
    coach = make.make_user(make.Role.COACH, second_factor=False)
    assert log_in_by_form(make.visitor(), coach)["Location"] == "/t/tilburg/"
    make.give(coach, make.Role.COACH, trial="oss")
    assert log_in_by_form(make.visitor(), coach)["Location"] == "/"
