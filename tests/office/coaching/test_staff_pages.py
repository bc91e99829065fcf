"""The page of staff: the leader sees who holds which role, adds coaches and support staff, and ends their roles."""

import pytest
from django.core import mail

from coaching.models import Assignment
from tests.office import factories as make
from trialmgr.core import audit, staffing
from trialmgr.core.models import Membership, Role, User

pytestmark = pytest.mark.django_db
EVERYBODY_COACHED = (
    "caseload: {worker: regular, low: 100, high: 125}",
    "caseload: {worker: trial_coach, low: 50, high: 75}",
)
STAFF = "/t/tilburg/staff/"
DEWI = {"name": "Dewi Damen", "email": "dewi@stad.example", "role": "coach", "phone": "013 123 45 67"}


@pytest.fixture
def leader(db):
    make.make_trial("tilburg", EVERYBODY_COACHED)
    return make.make_user(Role.LEADER)


def text_of(response):
    return " ".join(response.content.decode().split())


def held_by(user, role=Role.COACH):
    return Membership.objects.get(user=user, role=role)


def test_a_leader_adds_a_coach_who_gets_a_mail_that_names_the_leader(leader, recorded):
    client = make.log_in(leader)
    with recorded() as verbs:
        page = client.post(STAFF, DEWI, follow=True)
    assert "Dewi Damen got a mail at dewi@stad.example" in text_of(page)
    assert "has not chosen a password yet" in text_of(page)
    assert verbs == ["account.made", "staff.role_given"]
    assert f"{leader.name} ({leader.email}), 013 123 45 67" in mail.outbox[0].body
    assert audit.newest(audit.Scope("tilburg"), limit=1)[0].actor == f"user:{leader.pk}"


def test_pressing_add_twice_is_one_role(leader):
    client = make.log_in(leader)
    client.post(STAFF, DEWI)
    assert "Dewi Damen has this role already." in text_of(client.post(STAFF, DEWI, follow=True))
    assert Membership.objects.filter(user__email="dewi@stad.example").count() == 1


def test_who_worked_in_another_trial_keeps_the_account(leader):
    other = make.make_user(Role.COACH, trial="wageningen")
    page = make.log_in(leader).post(STAFF, DEWI | {"email": other.email.upper()}, follow=True)
    assert f"{other.name} has the role now, and had an account already." in text_of(page)
    assert mail.outbox == []


@pytest.mark.parametrize(
    "over", [{"name": ""}, {"email": "dewi"}, {"role": "statistician"}, {"role": "leader"}, {"site": "oss"}]
)
def test_a_fault_is_named_and_nobody_is_added(leader, over):
    before = User.objects.count()
    page = make.log_in(leader).post(STAFF, DEWI | over)
    assert page.status_code == 422
    assert 'class="invalid-feedback"' in text_of(page) or "alert-danger" in text_of(page)
    assert (User.objects.count(), mail.outbox) == (before, [])


def test_a_leader_gives_no_role_to_themselves(leader):
    page = make.log_in(leader).post(STAFF, DEWI | {"email": leader.email})
    assert page.status_code == 422
    assert "Nobody gives a role to themselves" in text_of(page)
    assert [held.role for held in staffing.held_by(leader)] == ["leader"]


@pytest.mark.parametrize(
    ("guard", "trial", "called"),
    [
        (Role.LEADER, "tilburg", "project leader"),
        (Role.STATISTICIAN, "tilburg", "trial statistician"),
        (Role.AUDITOR, "tilburg", "auditor"),
        (Role.AUDITOR, "", "auditor"),
    ],
)
def test_a_leader_gives_no_role_to_who_keeps_an_eye_on_it(leader, guard, trial, called):
    user = make.make_user(guard, trial=trial)
    page = make.log_in(leader).post(STAFF, DEWI | {"email": user.email, "role": "support"})
    assert page.status_code == 422
    assert f"{user.name} is {called} here: only the operator of the system adds a role to that." in text_of(page)
    assert staffing.held_by(user).count() == 1


def test_who_leads_another_trial_may_coach_in_this_one(leader):
    user = make.make_user(Role.LEADER, trial="wageningen")
    assert make.log_in(leader).post(STAFF, DEWI | {"email": user.email}).status_code == 302


def test_a_mail_that_cannot_go_is_told_and_the_role_stays(leader, monkeypatch):
    def refuse(self):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    page = make.log_in(leader).post(STAFF, DEWI, follow=True)
    assert "could not be sent" in text_of(page)
    assert Membership.objects.filter(user__email=DEWI["email"], ended_at=None).exists()


def test_a_coach_who_leaves_leaves_households_that_wait_and_a_session_that_is_over(leader, recorded):
    coach, home = make.make_guided()
    session, client = make.log_in(coach), make.log_in(leader)
    url = f"{STAFF}{held_by(coach).pk}/"
    assert "They coach 1 household." in text_of(client.get(url))
    with recorded() as verbs:
        page = text_of(client.post(url, follow=True))
    assert verbs == ["households.coach_left", "staff.role_ended", "account.closed"]
    assert f"The role of {coach.name} has ended." in page
    assert "1 household waits for a coach." in page
    assert 'href="/t/tilburg/coaches/"' in page
    assert Assignment.objects.get(household=home).until_day == make.TODAY
    assert session.get("/t/tilburg/today/")["Location"].startswith("/account/login/")
    another = make.make_user(Role.COACH)
    client.post("/t/tilburg/coaches/divide/")
    assert Assignment.objects.get(household=home, until_day=None).coach == another


def test_a_role_that_another_leader_ended_meanwhile_is_told_so(leader):
    coach = make.make_user(Role.COACH)
    url = f"{STAFF}{held_by(coach).pk}/"
    staffing.end_role(membership=held_by(coach), by="operator")
    client = make.log_in(leader)
    for answer in (client.get(url, follow=True), client.post(url, follow=True)):
        assert f"The role of {coach.name} had ended already." in text_of(answer)


def test_a_coach_of_two_sites_keeps_the_households_of_the_other(db):
    make.make_trial("tilburg", make.TWO_SITES, EVERYBODY_COACHED)
    coach = make.make_user(Role.COACH, site="tilburg")
    make.make_guided(coach, site="tilburg")
    make.give(coach, Role.COACH, site="goirle")
    _coach, other = make.make_guided(coach, site="goirle")
    staffing.end_role(membership=Membership.objects.get(user=coach, site="tilburg"), by="operator")
    assert list(Assignment.objects.filter(until_day=None).values_list("household", flat=True)) == [other.pk]
    assert User.objects.get(pk=coach.pk).is_active


def test_nobody_but_the_operator_ends_the_roles_that_guard_the_leader(leader):
    client = make.log_in(leader)
    for role in (Role.STATISTICIAN, Role.AUDITOR, Role.CUSTODIAN, Role.LEADER):
        user = make.make_user(role)
        assert client.post(f"{STAFF}{held_by(user, role).pk}/").status_code == 404
        assert held_by(user, role).ended_at is None


def test_a_leader_of_one_site_has_a_say_there_only(db):
    make.make_trial("tilburg", make.TWO_SITES)
    client = make.log_in(make.make_user(Role.LEADER, site="goirle"))
    there, everywhere = make.make_user(Role.COACH, site="tilburg"), make.make_user(Role.COACH)
    for user in (there, everywhere):
        assert client.post(f"{STAFF}{held_by(user).pk}/").status_code == 404
    for site in ("tilburg", ""):
        assert client.post(STAFF, DEWI | {"site": site}).status_code == 422
    assert client.post(STAFF, DEWI | {"site": "goirle"}).status_code == 302
    assert held_by(User.objects.get(email="dewi@stad.example")).site == "goirle"


def test_the_page_takes_the_same_queries_for_two_people_and_for_twenty(leader, page_queries):
    client = make.log_in(leader)
    make.make_user(Role.COACH)
    few = page_queries(client, STAFF)
    for _ in range(18):
        make.make_user(Role.COACH)
    assert page_queries(client, STAFF) == few
