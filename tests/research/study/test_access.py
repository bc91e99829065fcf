"""Every address of the research side, asked by every role, by strangers and by people of another trial."""

from pathlib import Path

import pytest
from django.test import Client

from tests import access_walk
from trialmgr.core.access import PERMISSIONS
from trialmgr.core.models import Membership, Role

MATRIX = access_walk.Matrix.read(Path(__file__).parents[1] / "access_matrix.yaml")
ROUTES = access_walk.routes()
OURS = {text for text, route in ROUTES.items() if route.ours}
SEALED = "t/<slug:trial>/runs/<slug:code>/result."
SAY_NO_THEMSELVES = {
    ("t/<slug:trial>/", 404),
    ("account/no-account/", 403),
    (SEALED + "csv", 404),
    (SEALED + "json", 404),
}


@pytest.fixture
def parts(run):
    return {"trial": "tilburg", "code": run.code, "number": 1}


def test_every_address_has_a_row_and_every_row_an_address():
    assert set(MATRIX.pages) | set(MATRIX.actions) == OURS


def test_every_view_says_which_permission_it_asks_for():
    known = {"public", "any_staff"}.union(*PERMISSIONS.values())
    assert {text: ROUTES[text].mark for text in OURS if ROUTES[text].mark not in known} == {}


@pytest.mark.django_db
def test_every_role_gets_what_the_matrix_says_and_nothing_else(parts, make_user, log_in):
    wrong = []
    for role in Role:
        client = log_in(make_user(role))
        for method, text, who in MATRIX.cells():
            status = access_walk.ask(client, method, ROUTES[text].url(parts))
            expected = {200, 302, 400, 422} if isinstance(who, str) or role in who else {403}
            if status not in expected and (text, status) not in SAY_NO_THEMSELVES:
                wrong.append((role, method, text, status))
    assert wrong == []


@pytest.mark.django_db
def test_strangers_log_in_and_others_find_nothing(parts, make_user, log_in):
    person = make_user()
    for role in Role:
        Membership.objects.create(user=person, role=role, trial="oss")
    elsewhere = log_in(person)
    alone = log_in(make_user(Role.PRINCIPAL, second_factor=False))
    for method, text, who in MATRIX.cells():
        url = ROUTES[text].url(parts)
        assert (access_walk.ask(Client(), method, url) != 401) == (who == "public"), (method, text)
        if text.startswith("t/"):
            assert access_walk.ask(elsewhere, method, url) == 404, (method, text)
            assert alone.generic(method, url)["Location"] == "/account/second-factor/"


@pytest.mark.django_db
def test_a_run_of_another_trial_cannot_be_reached_through_ones_own(parts, make_user, log_in):
    client = log_in(make_user(Role.PRINCIPAL, trial="oss"))
    for path in ("", "approve/", "refuse/", "withdraw/", "release/", "result.csv", "result.json"):
        for method in ("GET", "POST"):
            assert access_walk.ask(client, method, f"/t/oss/runs/{parts['code']}/{path}") in {404, 405}
