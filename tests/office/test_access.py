"""Every address of the office, asked by every role, by strangers and by people of another trial."""

from pathlib import Path
from uuid import uuid4

import pytest

from analysis.monitoring.models import ReleasedResult
from coaching.services import Talk, log_contact
from participants.models import ImportDraft
from surveys.mailing.models import Invitation, Printing, Status
from tests import access_walk
from tests.office import factories as make
from trialmgr.core.access import PERMISSIONS, WHOLE_OFFICE
from trialmgr.core.models import Membership, Role

MATRIX = access_walk.Matrix.read(Path(__file__).with_name("access_matrix.yaml"))
ROUTES = access_walk.routes()
OFFICE_AUDITOR = "office_auditor"
OURS = {text for text, route in ROUTES.items() if route.ours}
SAY_NO_THEMSELVES = {("t/<slug:trial>/", 404), ("account/no-account/", 403)}  # no section to show; that is its message
ACCOUNT_PAGES = {  # allauth's own; it guards them itself
    "public": {
        "login/", "logout/", "inactive/", "signup/", "confirm-email/", "password/reset/", "login/code/confirm/",
        "^confirm-email/(?P<key>[-:\\w]+)/$", "password/reset/key/done/", "password/reset/done/",
        "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", "2fa/authenticate/", "2fa/webauthn/login/",
        "3rdparty/login/cancelled/", "3rdparty/login/error/", "3rdparty/signup/", "social/login/cancelled/",
        "social/login/error/", "social/signup/", "social/connections/", "oidc/^(?P<provider_id>[^/]+)/login/",
        "oidc/^(?P<provider_id>[^/]+)/login/callback/",
    },
    "any_staff": {
        "reauthenticate/", "email/", "password/change/", "password/set/", "2fa/", "2fa/reauthenticate/",
        "2fa/totp/activate/", "2fa/totp/deactivate/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/",
        "2fa/recovery-codes/download/", "2fa/webauthn/", "2fa/webauthn/add/", "2fa/webauthn/reauthenticate/",
        "2fa/webauthn/keys/<int:pk>/remove/", "2fa/webauthn/keys/<int:pk>/edit/", "3rdparty/",
    },
}  # fmt: skip


@pytest.fixture
def world(tilburg):
    """One of everything that an address can name, and one member of staff for each role."""
    make.make_trial("wageningen")
    coach, home = make.make_guided()
    person = home.persons.get()
    talk = Talk(day=make.TODAY, channel="phone")
    contact = log_contact(trial=tilburg, person_id=person.pk, talk=talk, key=uuid4(), by=coach)
    document = '{"analyses": [], "software": {}}'
    ReleasedResult.objects.create(run="a1", trial_id=tilburg, document=document, sha256="0" * 64, received_at=make.NOW)
    draft = ImportDraft.objects.create(trial_id=tilburg, rows=[], created_at=make.NOW, created_by=coach)
    staff = {role: coach if role == Role.COACH else make.make_user(role) for role in Role}
    staff[OFFICE_AUDITOR] = make.make_user(Role.AUDITOR, trial=WHOLE_OFFICE)
    parts = {"trial": tilburg, "code": home.code, "person": person.pk, "number": 1, "contact": contact.pk}
    parts["member"] = coach.memberships.get().pk
    return {"parts": parts | {"draft": draft.pk, "run": "a1"} | printed_letters(), "staff": staff}


def printed_letters():
    """A letter that was printed, of which the page may be asked again."""
    person = make.make_consented().persons.get()
    facts = {"trial_id": "tilburg", "wave": "baseline"}
    printing = Printing.objects.create(**facts, at=make.NOW, by=make.someone(), letters=1)
    days = {"last_day": make.TODAY, "queued_on": make.TODAY, "sent_on": make.TODAY}
    Invitation.objects.create(**facts, **days, person=person, status=Status.PRINTED, printing=printing)
    return {"wave": "baseline", "printing": printing.pk}


def test_every_address_has_a_row_and_every_row_an_address():
    assert set(MATRIX.pages) | set(MATRIX.actions) == OURS


def test_every_view_says_which_permission_it_asks_for():
    known = {"public", "any_staff"}.union(*PERMISSIONS.values())
    assert {text: ROUTES[text].mark for text in OURS if ROUTES[text].mark not in known} == {}


def test_the_matrix_agrees_with_the_marks_on_the_views():
    for _method, text, who in MATRIX.cells():
        mark = ROUTES[text].mark
        if isinstance(who, str):
            assert mark == who, text
        else:
            roles = {Role.AUDITOR if role == OFFICE_AUDITOR else role for role in who}
            assert roles <= {role for role in Role if mark in PERMISSIONS[role]}, text


def test_the_pages_of_allauth_are_those_that_were_looked_at():
    theirs = {text.removeprefix("account/") for text in ROUTES if text not in OURS}
    assert theirs == ACCOUNT_PAGES["public"] | ACCOUNT_PAGES["any_staff"]


@pytest.mark.django_db
def test_the_account_pages_for_staff_ask_for_a_login():
    for page in ACCOUNT_PAGES["any_staff"]:
        assert access_walk.ask(make.visitor(), "GET", f"/account/{page.replace('<int:pk>', '1')}") == 401, page


@pytest.mark.django_db
def test_nobody_can_make_an_account_for_themselves():
    before = make.visitor().get("/account/signup/")
    assert "closed" in before.content.decode().lower()
    form = {"email": "new@stad.example", "password1": make.SECRET}
    make.visitor().post("/account/signup/", form)
    assert not Membership._meta.apps.get_model("core", "User").objects.filter(email="new@stad.example").exists()


@pytest.mark.django_db
def test_every_role_gets_what_the_matrix_says_and_nothing_else(world):
    wrong = []
    for role, user in world["staff"].items():
        client = make.log_in(user)
        for method, text, who in MATRIX.cells():
            status = access_walk.ask(client, method, ROUTES[text].url(world["parts"]))
            may = isinstance(who, str) or role in who
            outside = role == OFFICE_AUDITOR and text.startswith("t/")
            if (
                status not in ({404} if outside else {200, 302, 400, 422} if may else {403})
                and (text, status) not in SAY_NO_THEMSELVES
            ):
                wrong.append((role, method, text, status))
    assert wrong == []


@pytest.mark.django_db
def test_who_has_no_part_in_the_trial_finds_nothing_there(world):
    elsewhere = make.make_user()
    for role in Role:
        make.give(elsewhere, role, trial="wageningen")
    former = make.make_user(Role.LEADER)
    Membership.objects.filter(user=former).update(ended_at=make.NOW)
    wrong = []
    for user in (elsewhere, former, make.make_user(), world["staff"][OFFICE_AUDITOR]):
        client = make.log_in(user)
        for method, text, _who in MATRIX.cells():
            if text.startswith("t/"):
                status = access_walk.ask(client, method, ROUTES[text].url(world["parts"]))
                wrong += [(str(user), method, text, status)] if status != 404 else []
    assert wrong == []


@pytest.mark.django_db
def test_what_is_not_yours_looks_like_what_does_not_exist(world):
    client = make.log_in(make.make_user(Role.LEADER, trial="wageningen"))
    real = client.get(ROUTES["t/<slug:trial>/people/<slug:code>/"].url(world["parts"]))
    unreal = client.get("/t/nowhere/people/H-2222-2222-22/")
    hide = lambda response: response.content.replace(response.request["PATH_INFO"].encode(), b"")  # noqa: E731
    assert real.status_code == unreal.status_code == 404
    assert len(hide(real)) == len(hide(unreal))


@pytest.mark.django_db
def test_people_of_one_trial_cannot_be_reached_through_another(world):
    both = make.make_user(Role.LEADER)
    make.give(both, Role.LEADER, trial="wageningen")
    make.give(both, Role.COACH, trial="wageningen")
    client = make.log_in(both)
    parts = world["parts"] | {"trial": "wageningen"}
    named = [(method, text) for method, text, _who in MATRIX.cells() if "<slug:code>" in text or "<int:" in text]
    for method, text in named:
        if text.startswith("t/"):
            assert access_walk.ask(client, method, ROUTES[text].url(parts)) in {302, 400, 403, 404}, (method, text)
    draft = ROUTES["t/<slug:trial>/people/import/<int:draft>/"].url(parts)
    client.post(draft, {"round": "first", "day": "2018-03-05"})
    assert ImportDraft.objects.count() == 1


@pytest.mark.django_db
def test_a_person_of_another_household_cannot_be_slipped_into_an_address(world):
    stranger = make.make_household().persons.get()
    client = make.log_in(world["staff"][Role.SUPPORT])
    for name in ("checks", "consent", "stop", "reach"):
        url = f"/t/tilburg/people/{world['parts']['code']}/{stranger.pk}/{name}/"
        assert access_walk.ask(client, "POST", url) == 404


@pytest.mark.django_db
def test_a_stranger_is_asked_to_log_in(world):
    for method, text, who in MATRIX.cells():
        status = access_walk.ask(make.visitor(), method, ROUTES[text].url(world["parts"]))
        assert (status != 401) == (who == "public"), (method, text, status)


@pytest.mark.django_db
def test_a_password_alone_opens_nothing_about_a_trial(world):
    user = make.make_user(Role.LEADER, second_factor=False)
    make.give(user, Role.AUDITOR, trial=WHOLE_OFFICE)
    client = make.log_in(user)
    for method, text, _who in MATRIX.cells():
        if text.startswith(("t/", "audit/")):
            response = client.generic(method, ROUTES[text].url(world["parts"]))
            assert (response.status_code, response["Location"]) == (302, "/account/second-factor/"), (method, text)


@pytest.mark.django_db
def test_an_address_is_read_or_acted_on_as_declared_and_in_no_other_way(world):
    for text in OURS:
        url = ROUTES[text].url(world["parts"])
        allowed = next(who for _method, row, who in MATRIX.cells() if row == text)
        role = allowed[0] if isinstance(allowed, list) else Role.LEADER
        client = make.log_in(world["staff"][role])
        for method, rows in (("GET", MATRIX.pages), ("POST", MATRIX.actions)):
            if text not in rows and text != "language/":
                assert access_walk.ask(client, method, url) == 405, (method, text)
        for method in ("PUT", "DELETE", "PATCH", "TRACE"):
            assert access_walk.ask(client, method, url) in {405, 302}, (method, text)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/.git/config", "/.env", "/metrics", "/t/tilburg/people/%00/", "/runs/"])
def test_what_is_not_in_the_table_is_not_there(tilburg, path):
    assert make.log_in(make.make_user(Role.LEADER)).get(path).status_code == 404


@pytest.mark.django_db
def test_a_leader_of_one_site_sees_no_household_of_another(db):
    make.make_trial("tilburg", make.TWO_SITES)
    home = make.make_drawn(site="tilburg")[0]
    person = home.persons.get()
    there = make.log_in(make.make_user(Role.LEADER, site="goirle"))
    assert home.code not in there.get("/t/tilburg/people/").content.decode()
    assert home.code not in there.get("/t/tilburg/people/", {"q": person.client_number}).content.decode()
    for method, text, _who in MATRIX.cells():
        if "<slug:code>" in text and "caseload" not in text:
            url = ROUTES[text].url({"trial": "tilburg", "code": home.code, "person": person.pk})
            assert access_walk.ask(there, method, url) == 404, (method, text)


@pytest.mark.django_db
def test_a_role_that_ends_ends_at_once(tilburg):
    user = make.make_user(Role.LEADER)
    client = make.log_in(user)
    assert client.get("/t/tilburg/people/").status_code == 200
    Membership.objects.filter(user=user).update(ended_at=make.NOW)
    assert client.get("/t/tilburg/people/").status_code == 404
