"""`verify_privacy` in the office: no answers here, nobody reads who took part, and the other side is elsewhere."""

import json
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.db import connection

from surveys import promises
from surveys.mailing import vault_client

pytestmark = pytest.mark.django_db
ELSEWHERE = promises.Place("another cluster", "another machine", "another account")


@pytest.fixture
def ask(monkeypatch, as_role, capsys):
    """The verdict on each promise, when the vault says that it stands at this place."""

    def asked(there=ELSEWHERE):
        def fetch(address):
            if there is None:
                raise vault_client.VaultDown("no answer")
            return {"cluster": there.cluster, "machine": there.machine, "account": there.account}

        monkeypatch.setattr(vault_client, "fetch", fetch)
        with as_role("office_web"), suppress(SystemExit):
            call_command("verify_privacy", format="json")
        rows = json.loads(capsys.readouterr().out)
        return {row["promise"]: (row["verdict"], row["evidence"]) for row in rows}

    return asked


def test_separate_machines_still_need_separate_organisations(ask):
    found = ask()
    assert {verdict for verdict, _ in found.values()} == {"holds", "depends"}
    assert "leg vast dat verschillende organisaties" in found["two_sides"][1]


def test_one_machine_is_said_to_be_practice_only(ask):
    here = promises.this_place()
    other = promises.Place("another cluster", here.machine, "another account")
    assert ask(other)["two_sides"] == (
        "depends",
        "alles draait op 1 machine: de beheerder kan alles zien. Alleen voor oefening",
    )
    assert "onder 1 account" in ask(promises.Place("another cluster", here.machine, here.account))["two_sides"][1]


def test_one_cluster_for_both_sides_breaks_the_promise(ask):
    here = promises.this_place()
    assert ask(promises.Place(here.cluster, "another machine", "x"))["two_sides"][0] == "broken"


def test_a_silent_vault_is_no_proof(ask):
    assert ask(None)["two_sides"] == ("depends", "de kluis geeft geen antwoord, dus dit is niet te zien")


@pytest.mark.parametrize(
    ("harm", "promise", "evidence"),
    [
        ("CREATE TABLE public.kept (pseudonym text)", "office_has_no_answers", "public.kept.pseudonym"),
        ("ALTER TABLE mailing_invitation ADD seal bytea", "office_has_no_answers", "public.mailing_invitation.seal"),
        ("CREATE SCHEMA answers; CREATE TABLE answers.x (y int)", "office_has_no_answers", "answers.x.y"),
        ("GRANT SELECT ON mailing_response TO office_web", "office_pages_see_no_response", "office_web"),
        ("GRANT pg_read_all_data TO office_web", "no_bridge", "office_web"),
    ],
)
def test_it_notices_a_broken_promise(ask, harm, promise, evidence):
    with connection.cursor() as cursor:
        cursor.execute(harm)
    found = ask()
    assert found[promise] == ("broken", evidence)
    assert found["two_sides"][0] == "depends"
