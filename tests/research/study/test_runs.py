"""Runs: asked for with a purpose, approved by two others, and sealed until two persons or the embargo open them."""

import json
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from analysis.study import selectors, services
from analysis.study.models import Approval, Ending, Registration, Run
from surveys.vault import store
from tests.conftest import acting_as
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Role
from trialmgr.protocol.reading import load_protocol

pytestmark = pytest.mark.django_db
AFTER = datetime(2020, 5, 28, 9, tzinfo=UTC)
BEFORE = date(2019, 3, 5)


def test_the_same_plan_is_registered_once(registered, verbs):
    assert services.register(protocol=load_protocol("tilburg")) == registered
    assert Registration.objects.count() == 1
    assert verbs() == ["study.registered"]


def test_a_run_is_of_the_newest_plan_and_keeps_its_purpose(run, registered, verbs):
    assert (run.registration, run.status, len(run.code)) == (registered, "requested", 32)
    assert verbs() == ["study.registered", "run.requested"]


@pytest.mark.parametrize("purpose", ["", "   "])
def test_without_a_purpose_there_is_no_run(researcher, purpose):
    with pytest.raises(DomainError) as refused:
        services.request_run(trial="tilburg", purpose=purpose, by=researcher)
    assert refused.value.field == "purpose"


def test_without_a_registered_plan_there_is_no_run(db, make_user):
    with pytest.raises(DomainError, match="No plan is registered"):
        services.request_run(trial="oss", purpose="x", by=make_user(Role.RESEARCHER, trial="oss"))


def test_two_others_approve_a_run(run, principal, steward, verbs, as_role):
    with as_role("research_web"):
        assert services.approve_run(run_id=run.pk, by=principal).status == "requested"
        assert services.approve_run(run_id=run.pk, by=steward).status == "approved"
    assert verbs()[-2:] == ["run.approved", "run.approved"]


def test_nobody_approves_the_own_run_or_twice(run, researcher, principal):
    with pytest.raises(DomainError, match="two others"):
        services.approve_run(run_id=run.pk, by=researcher)
    services.approve_run(run_id=run.pk, by=principal)
    with pytest.raises(DomainError, match="already"):
        services.approve_run(run_id=run.pk, by=principal)
    assert Approval.objects.count() == 1


def test_a_run_that_is_approved_takes_no_more_approvals(run, principal, steward, make_user):
    for by in (principal, steward):
        services.approve_run(run_id=run.pk, by=by)
    with pytest.raises(services.NotNow):
        services.approve_run(run_id=run.pk, by=make_user(Role.PRINCIPAL))


def test_one_no_ends_a_run_for_good(run, principal, steward, verbs, as_role):
    services.approve_run(run_id=run.pk, by=principal)
    with pytest.raises(DomainError) as refused:
        services.refuse_run(run_id=run.pk, reason=" ", by=steward)
    assert refused.value.field == "reason"
    with as_role("research_web"):
        services.refuse_run(run_id=run.pk, reason="Not what they consented to", by=steward)
    assert (Run.objects.get().status, verbs()[-1]) == ("refused", "run.refused")
    for late in (lambda: services.approve_run(run_id=run.pk, by=steward), lambda: begin(run)):
        with pytest.raises((services.NotNow, OperationalError)), transaction.atomic():
            late()
    with pytest.raises(services.NotNow):
        services.withdraw_run(run_id=run.pk, reason="x", by=run.requested_by)


def begin(run):
    with connection.cursor() as cursor:
        cursor.execute("SELECT study.begin(%s)", [run.code])


def test_who_asked_withdraws_and_others_refuse(run, researcher, principal, verbs):
    with pytest.raises(DomainError, match="Only who asked"):
        services.withdraw_run(run_id=run.pk, reason="x", by=principal)
    with pytest.raises(DomainError, match="you withdraw it"):
        services.refuse_run(run_id=run.pk, reason="x", by=researcher)
    services.withdraw_run(run_id=run.pk, reason="Asked too early", by=researcher)
    assert (Run.objects.get().status, verbs()[-1]) == ("withdrawn", "run.withdrawn")


def test_a_later_plan_names_who_registers_it_and_the_numbers_follow(registered, principal):
    later = load_protocol("tilburg").model_copy(update={"unknown": ()})
    with pytest.raises(DomainError, match="say who registers"):
        services.register(protocol=later)
    assert services.register(protocol=later, by=principal).number == 2
    assert list(audit.events())[-1].actor == f"user:{principal.pk}"


def released():
    with acting_as("research_vault"):
        return store.released_results(clock.today(), known=[])


def test_the_office_is_told_who_opened_a_result_early_and_on_what_ground(done, principal, steward):
    assert released() == []
    services.propose_release(run_id=done.pk, ground="Steering group", by=principal)
    services.confirm_release(run_id=done.pk, by=steward)
    told = json.loads(released()[0]["opened_early"])
    assert told == {"on": "2019-03-05", "by": [principal.name, steward.name], "ground": "Steering group"}


def test_a_result_that_waited_for_the_embargo_was_not_opened_early(done):
    with clock.at(AFTER):
        assert [one["opened_early"] for one in released()] == [""]
        assert selectors.opened_early(Run.objects.get()) is None


def test_a_result_is_sealed_until_the_embargo_ends(done):
    assert not selectors.is_open(done)
    with pytest.raises(selectors.Sealed):
        selectors.result_of(done)
    with clock.at(AFTER):
        assert selectors.result_of(done)["software"] == {"made-up": "1.0"}


def test_two_persons_open_a_result_early_on_a_ground(done, principal, steward, verbs):
    services.propose_release(run_id=done.pk, ground="Steering group, 4-3-2019", by=principal)
    assert not selectors.is_open(Run.objects.get())
    with pytest.raises(DomainError, match="somebody else"):
        services.confirm_release(run_id=done.pk, by=principal)
    for _ in range(2):
        services.confirm_release(run_id=done.pk, by=steward)
    assert selectors.result_of(Run.objects.get())
    assert verbs()[-2:] == ["result.release_proposed", "result.released"]


def test_the_office_is_given_a_released_result_until_it_says_that_it_has_it(done, principal, steward, as_role):
    services.propose_release(run_id=done.pk, ground="Steering group, 4-3-2019", by=principal)
    services.confirm_release(run_id=done.pk, by=steward)
    with as_role("research_vault"):
        (given,) = store.released_results(BEFORE, known=["another"])
        assert store.released_results(BEFORE, known=["another", done.code]) == []
    assert (given["run"], given["study"], given["sha256"]) == (done.code, "tilburg", done.result.sha256)


def test_what_cannot_be_proposed(run, done, principal):
    with pytest.raises(DomainError, match="ground"):
        services.propose_release(run_id=done.pk, ground=" ", by=principal)
    services.propose_release(run_id=done.pk, ground="x", by=principal)
    with pytest.raises(services.NotNow, match="already"):
        services.propose_release(run_id=done.pk, ground="y", by=principal)


def test_before_a_run_is_done_there_is_nothing_to_open(run, principal):
    with pytest.raises(services.NotNow, match="no result"):
        services.propose_release(run_id=run.pk, ground="x", by=principal)


def test_a_result_that_was_swapped_is_not_shown(done):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE study_result SET document = '{}'")
        cursor.execute("SET session_replication_role = DEFAULT")
    with clock.at(AFTER), pytest.raises(DomainError, match="differs from its digest"):
        selectors.result_of(done)


def test_without_its_audit_event_no_run_is_asked_for(researcher, monkeypatch):
    monkeypatch.setattr(audit, "record", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.request_run(trial="tilburg", purpose="x", by=researcher)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE study_result SET document = '{}'", "written once"),
        ("DELETE FROM study_result", "written once"),
        ("UPDATE study_registration SET document = '{}'", "written once"),
        ("DELETE FROM study_approval", "written once"),
        ("UPDATE study_run SET status = 'lost'", "run_status_known"),
        (
            "UPDATE study_release SET confirmed_by_id = proposed_by_id, confirmed_at = now()",
            "release_needs_two_persons",
        ),
        ("UPDATE study_release SET confirmed_at = now()", "release_confirmed_all_or_none"),
        ("DELETE FROM study_ending", "written once"),
        ("INSERT INTO study_ending SELECT run_id, '', proposed_at, proposed_by_id FROM study_release", "ending_has"),
    ],
)
def test_the_database_keeps_plans_approvals_and_results(run, principal, done, statement, message):
    Approval.objects.create(run=run, by=principal, at=clock.now())
    services.propose_release(run_id=done.pk, ground="x", by=principal)
    if statement.startswith("DELETE FROM study_ending"):
        Ending.objects.create(run=run, reason="x", by=principal, at=clock.now())
    with pytest.raises(IntegrityError, match=message), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
