"""Approvals, results and releases are held against the audit chain of the research side, each night."""

import hashlib

import pytest
from django.db import connection

from analysis.study import services
from analysis.study.accounting import unaccounted
from analysis.study.models import Approval, Release
from trialmgr.core import anchors, audit, clock
from trialmgr.core.models import ChainCheck
from trialmgr.core.tasks import check_audit

pytestmark = pytest.mark.django_db
BETTER = '{"analyses": ["better"]}'


def tamper(statement, *values):
    """What a superuser could do who takes the triggers away."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


@pytest.fixture
def told(done):
    """A run that is done, and of which the study worker's function told so."""
    digest = done.result.sha256
    audit.record("run.done", f"run:{done.code}", by="study", trial="tilburg", reason=f"result {digest}")
    return done


@pytest.fixture
def released(told, principal, steward):
    services.propose_release(run_id=told.pk, ground="Steering group, 4-3-2019", by=principal)
    services.confirm_release(run_id=told.pk, by=steward)
    return told


def test_the_night_finds_the_two_the_same_under_its_own_login(released, as_role, settings, tmp_path):
    settings.ANCHOR_FILE = str(tmp_path / "anchors")
    anchors.write()
    with as_role("research_scoring"):
        check_audit()
    found = ChainCheck.objects.get()
    assert (found.anchors, found.faults, found.at) == (1, [], clock.now())


def test_the_login_of_the_night_reads_no_result(told, as_role):
    with as_role("research_scoring"), pytest.raises(Exception, match="permission denied"):
        connection.cursor().execute("SELECT document FROM study_result")


def test_an_approval_that_nobody_gave_is_named(run, principal):
    Approval.objects.create(run=run, by=principal, at=clock.now())
    assert list(unaccounted()) == [f"run:{run.code}: run.approved stands in the database, and no event tells it so"]


def test_an_approval_by_somebody_else_than_was_told_is_named(run, principal, steward):
    services.approve_run(run_id=run.pk, by=principal)
    tamper("UPDATE study_approval SET by_id = %s", steward.pk)
    assert [line.split(": ")[1][:12] for line in unaccounted()] == ["run.approved", "the chain te"]


def test_another_result_than_was_told_is_named(told):
    tamper("UPDATE study_result SET document = %s, sha256 = %s", BETTER, hashlib.sha256(BETTER.encode()).hexdigest())
    assert f"run:{told.code}: the chain tells run.done, the database does not" in list(unaccounted())


def test_a_release_that_was_taken_back_in_the_database_is_named(released):
    Release.objects.update(confirmed_by=None, confirmed_at=None)
    assert list(unaccounted()) == [f"run:{released.code}: the chain tells result.released, the database does not"]


@pytest.mark.django_db(transaction=True)
def test_an_approval_and_a_release_leave_an_anchor(settings, tmp_path, told, principal, steward, make_user):
    settings.ANCHOR_FILE = str(tmp_path / "anchors")
    services.propose_release(run_id=told.pk, ground="Steering group, 4-3-2019", by=principal)
    assert anchors.own() == {}
    services.confirm_release(run_id=told.pk, by=steward)
    assert list(anchors.own()) == [audit.head()[0]]
