"""Who may come in: accounts and roles, by the operator's command, and how a person gets in the first time."""

import io
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.test import Client

from tests.office import factories as make
from tests.office.races import faults, together
from trialmgr.core import audit, staffing
from trialmgr.core.access import WHOLE_OFFICE
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Membership, Role, User

pytestmark = pytest.mark.django_db
COACH = staffing.Post(Role.COACH, "tilburg")
PEOPLE = "/t/tilburg/people/"


def staff(*words):
    """What the command prints, and its exit code with what it says on standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("staff", *words, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), (end.code, err.getvalue())
    return out.getvalue(), (0, err.getvalue())


def add(*words, email="lotte@stad.example", name="Lotte Leemans", role="leader", trial="tilburg"):
    return staff("add", email, "--name", name, "--role", role, "--trial", trial, *words)


def link_in(text):
    return re.search(r"https?://[^/\s]+(/account/password/reset/key/\S+)", text)[1]


def choose_password(link, password="een heel lang wachtwoord"):
    client = make.visitor()
    form = client.get(link)
    if form.status_code != 302:
        return client, form
    return client, client.post(form["Location"], {"password1": password, "password2": password})


def test_the_first_account_loads_the_protocol_and_then_gets_its_role(db, recorded):
    out, _ = staff("add", "Lotte@Stad.example", "--name", "Lotte Leemans", "--print-link")
    assert "lotte@stad.example: account made" in out
    call_command("protocol", "load", "tilburg", by="lotte@stad.example", stdout=io.StringIO())
    with recorded() as verbs:
        out, ended = add("--print-link")
    assert (verbs, ended) == (["staff.role_given"], (0, ""))
    held = Membership.objects.get()
    assert (held.role, held.trial, held.site, held.given_at) == ("leader", "tilburg", "", make.NOW)


def test_a_new_account_gets_a_mail_in_two_languages_with_the_trial_and_who_to_call(tilburg):
    out, _ = add("--contact", "Bart, 013 123 45 67", email="amber@stad.example", name="Amber", role="coach")
    assert out.splitlines() == [
        "amber@stad.example: account made",
        "amber@stad.example: coach of tilburg, given",
        "amber@stad.example: mail sent, with a link to choose a password",
    ]
    [sent] = mail.outbox
    assert sent.to == ["amber@stad.example"]
    assert sent.subject == "Uw account voor het experiment Tilburg / Your account for the trial Tilburg"
    for piece in ("Uw rol: coach.", "Your role: coach.", "Bart, 013 123 45 67", "Beste Amber,", "3 dagen", "3 days"):
        assert piece in sent.body
    assert User.objects.get(email="amber@stad.example").has_usable_password() is False


def test_the_mail_names_the_leaders_when_nobody_else_was_named(tilburg):
    leader = make.make_user(Role.LEADER)
    add(email="amber@stad.example", role="coach")
    assert f"{leader.name} ({leader.email})" in mail.outbox[0].body


def test_the_link_works_once_and_the_second_factor_comes_before_any_page(tilburg):
    out, _ = add("--print-link")
    assert mail.outbox == []
    client, done = choose_password(link_in(out))
    page = client.get(done["Location"]).content.decode()
    assert 'class="btn btn-primary" href="/account/login/"' in page
    entry = {"login": "lotte@stad.example", "password": "een heel lang wachtwoord"}
    client.post("/account/login/", entry)
    assert client.get(PEOPLE)["Location"] == "/account/second-factor/"
    _client, again = choose_password(link_in(out), "een ander lang wachtwoord")
    assert again.status_code == 200
    assert "already been used" in again.content.decode()


def test_the_link_ends_after_three_days(tilburg, settings):
    out, _ = add("--print-link")
    assert settings.PASSWORD_RESET_TIMEOUT == 3 * 24 * 60 * 60
    settings.PASSWORD_RESET_TIMEOUT = -1
    _client, late = choose_password(link_in(out))
    assert late.status_code == 200
    assert not User.objects.get(email="lotte@stad.example").has_usable_password()


def test_a_mail_that_cannot_go_leaves_the_role_and_says_what_to_do(tilburg, monkeypatch):
    def refuse(self):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    _out, (code, told) = add()
    assert (code, told.count("\n")) == (2, 1)
    assert "could not be sent" in told
    assert "--print-link" in told
    assert Membership.objects.filter(role="leader").exists()


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({"trial": "nowhere"}, "--trial: There is no protocol of the trial nowhere."),
        ({"role": "researcher"}, "--role: There is no such role on this side: choose one of coach, leader, support"),
        ({"role": "boss"}, "--role: There is no such role on this side"),
        ({"email": "no address"}, "EMAIL: This is not an e-mail address."),
        ({"name": ""}, "--name: There is no account of this address yet"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_stored(tilburg, over, told):
    before = User.objects.count()
    _out, (code, line) = add(**over)
    assert (code, line.count("\n")) == (2, 1)
    assert line.startswith(told)
    assert (User.objects.count(), Membership.objects.filter(role="leader").count()) == (before, 0)


def test_a_site_must_be_one_of_the_trial(db):
    make.make_trial("tilburg", make.TWO_SITES)
    _out, (code, line) = add("--site", "oss")
    assert (code, line) == (2, "--site: The trial tilburg has no such site: choose one of goirle, tilburg.\n")
    add("--site", "goirle")
    assert Membership.objects.get().site == "goirle"


def test_an_auditor_of_the_whole_office_has_no_trial(tilburg):
    staff("add", "hanna@stad.example", "--name", "Hanna", "--role", "auditor", "--whole-office")
    assert (Membership.objects.get().trial, audit.newest(audit.Scope(WHOLE_OFFICE), limit=1)[0].verb) == (
        WHOLE_OFFICE,
        "staff.role_given",
    )
    _out, (code, line) = staff("add", "l@stad.example", "--name", "L", "--role", "leader", "--whole-office")
    assert (code, line) == (2, "--trial: Only an auditor holds a role outside a trial, and at no site.\n")
    out, _ = staff("end", "hanna@stad.example", "--whole-office")
    assert "auditor of the whole office, ended" in out


def test_who_has_chosen_a_password_gets_no_mail_with_another_role(tilburg):
    user = make.make_user(Role.COACH)
    out, _ = add(email=user.email, name="Another name", role="support")
    assert out == f"{user.email}: support of tilburg, given\n"
    assert (mail.outbox, User.objects.get(pk=user.pk).name) == ([], user.name)


def test_ending_the_last_role_closes_the_account_and_every_open_session(tilburg, recorded):
    user = make.make_user(Role.LEADER)
    make.give(user, Role.COACH)
    client = make.log_in(user)
    staff("end", user.email, "--role", "coach")
    assert client.get(PEOPLE).status_code == 200
    with recorded() as verbs:
        out, _ = staff("end", user.email)
    assert verbs == ["staff.role_ended", "account.closed"]
    assert out.splitlines()[1] == f"{user.email}: account closed, no role is left"
    assert client.get(PEOPLE)["Location"].startswith("/account/login/")
    make.visitor().post("/account/password/reset/", {"email": user.email})
    assert not any("/password/reset/key/" in one.body for one in mail.outbox)


def test_who_comes_back_chooses_both_factors_anew(tilburg):
    user = make.make_user(Role.COACH)
    old = make.log_in(user)
    staff("end", user.email)
    out, _ = add("--print-link", email=user.email, role="coach")
    assert not Authenticator.objects.filter(user=user).exists()
    assert old.get("/t/tilburg/today/").status_code == 302
    assert choose_password(link_in(out))[1].status_code == 302


def test_who_lost_a_telephone_keeps_the_role_and_chooses_both_factors_anew(tilburg, recorded):
    user = make.make_user(Role.COACH)
    client = make.log_in(user)
    with recorded() as verbs:
        out, _ = staff("renew", user.email, "--print-link")
    assert verbs == ["account.renewed"]
    assert client.get("/t/tilburg/today/")["Location"].startswith("/account/login/")
    assert not Authenticator.objects.filter(user=user).exists()
    assert choose_password(link_in(out))[1].status_code == 302
    assert staffing.held_by(user).count() == 1
    staff("end", user.email)
    assert staff("renew", user.email)[1][0] == 2


def test_what_is_not_there_cannot_end(tilburg):
    user = make.make_user(Role.COACH)
    assert staff("end", "nobody@stad.example")[1] == (2, "nobody@stad.example: has no account here: see `staff list`\n")
    assert staff("end", user.email, "--role", "leader")[1][0] == 2
    assert Membership.objects.get(user=user).ended_at is None


def test_the_list_says_who_holds_what_where_since_when(tilburg):
    user = make.make_user(Role.COACH)
    make.make_user(Role.LEADER, trial="wageningen")
    out, _ = staff("list", "--trial", "tilburg")
    assert out.splitlines() == [
        "email\tname\trole\ttrial\tsite\tsince",
        f"{user.email}\t{user.name}\tcoach\ttilburg\tall\t2018-03-05",
    ]
    assert len(staff("list")[0].splitlines()) == 3


def test_a_leader_gives_no_role_that_guards_the_leader(tilburg):
    leader = make.make_user(Role.LEADER)
    guards = set(staffing.roles_here()) - {Role.COACH, Role.SUPPORT}
    assert len(guards) == 4
    for role in guards:
        with pytest.raises(DomainError, match="Only the operator"):
            staffing.appoint(email="x@stad.example", name="X", post=staffing.Post(role, "tilburg"), by=leader)
    with pytest.raises(DomainError, match="Only the operator"):
        staffing.end_role(membership=Membership.objects.get(user=leader), by=leader)
    assert not User.objects.filter(email="x@stad.example").exists()


@pytest.mark.parametrize("guard", [Role.LEADER, Role.STATISTICIAN, Role.CUSTODIAN, Role.AUDITOR])
def test_the_operator_is_warned_of_a_guard_who_works_with_people(tilburg, guard):
    first, second = make.make_user(guard), make.make_user(Role.COACH)
    for user, role, held in ((first, "support", guard), (second, str(guard), "coach")):
        _out, (code, told) = add(email=user.email, role=role)
        assert (code, told.count("\n")) == (0, 1)
        assert told.startswith(f"{user.email}: warning: is {held} of tilburg too")
    assert add(email=first.email, role="support", trial=make.make_trial("oss"))[1] == (0, "")


@pytest.mark.django_db(transaction=True)
def test_one_role_given_many_times_at_one_moment_is_held_once():
    make.make_trial()
    calls = [lambda: staffing.appoint(email="new@stad.example", name="N", post=COACH, by="operator")] * 6
    results = together(*calls)
    assert faults(results) == []
    assert sum(one.account_made for one in results) == sum(one.role_given for one in results) == 1
    assert Membership.objects.filter(user__email="new@stad.example").count() == 1


def test_a_forgotten_password_is_asked_for_from_the_page_that_asks_it(tilburg):
    user = make.make_user(Role.COACH)
    assert 'href="/account/password/reset/"' in make.visitor().get("/account/login/").content.decode()
    make.visitor().post("/account/password/reset/", {"email": user.email})
    link = link_in(mail.outbox[0].body)
    client, done = choose_password(link)
    assert done.status_code == 302
    entry = {"login": user.email, "password": "een heel lang wachtwoord"}
    assert client.post("/account/login/", entry)["Location"].startswith("/account/2fa/authenticate/")


def test_asking_for_links_is_slowed_down(tilburg):
    user = make.make_user(Role.COACH)
    ask = [Client(REMOTE_ADDR=f"10.0.1.{n}").post("/account/password/reset/", {"email": user.email}) for n in range(7)]
    assert ask[0].status_code == 302
    assert ask[-1].status_code == 429
    assert len(mail.outbox) < 7
