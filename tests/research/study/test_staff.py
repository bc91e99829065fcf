"""Roles at the university: those of this side only, in trials that are registered here."""

import io

import pytest
from django.core import mail
from django.core.management import call_command

from trialmgr.core.models import Membership

pytestmark = pytest.mark.django_db


def add(role, trial="tilburg"):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(
            "staff",
            "add",
            "rosa@uni.example",
            "--name",
            "Rosa",
            "--role",
            role,
            "--trial",
            trial,
            stdout=out,
            stderr=err,
        )
    except SystemExit as end:
        return end.code, err.getvalue()
    return 0, out.getvalue()


def test_a_researcher_of_a_registered_trial_gets_a_mail_with_an_address_of_this_side(registered, settings):
    assert add("researcher")[0] == 0
    assert Membership.objects.get().role == "researcher"
    assert f"{settings.RESEARCH_URL}/account/password/reset/key/" in mail.outbox[0].body


@pytest.mark.parametrize(("role", "trial", "where"), [("leader", "tilburg", "--role"), ("steward", "oss", "--trial")])
def test_a_role_of_the_office_or_a_trial_that_is_not_registered_is_refused(registered, role, trial, where):
    code, line = add(role, trial)
    assert (code, line.count("\n"), line.split(":")[0]) == (2, 1, where)
    assert not Membership.objects.exists()
