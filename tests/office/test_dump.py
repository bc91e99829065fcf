"""What somebody holds who stole the whole office database: people, and nothing of what they answered."""

import re
from base64 import b64encode
from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection

from surveys.mailing import services, vault_client
from surveys.mailing.models import Printing, Response
from surveys.sealing import Keyring, Seat, encode, open_link, pseudonym, seal
from tests.office import factories as make
from tests.office.mailing.conftest import Vault, smtp  # noqa: F401
from tests.read_pdf import read_pdf
from trialmgr.core import clock
from trialmgr.core.models import Role

KEYS = Keyring.parse("07" * 32)
WHO_ANSWERED = ("mailing_response.", "participants_baseline.")
LOGINS = ("office_web", "office_worker", "office_backup")


def dump():
    """Every row of every table, as text; what `pg_dump --data-only` would hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        found = b""
        for (table,) in cursor.fetchall():
            with connection.connection.cursor().copy(f"COPY {table} TO STDOUT") as rows:
                found += b"".join(bytes(row) for row in rows)
    return found


def spellings(pseud):
    """How a dump would write a pseudonym: as bytes, and as text of some kind."""
    return (pseud, pseud.hex().encode(), pseud.hex().upper().encode(), encode(pseud).encode(), b64encode(pseud))


class SealingVault(Vault):
    """Seals as the real one does, so that each link holds a pseudonym that could be found."""

    def ask(self, address, body):
        if address != "seal":
            return super().ask(address, body)
        marks = [pseudonym(KEYS, body["study"], pid) for pid in body["pids"]]
        return {"links": [seal(KEYS, Seat(mark, 1, date.fromisoformat(body["last_day"]))) for mark in marks]}


@pytest.fixture
def vault(monkeypatch):
    vault = SealingVault()
    monkeypatch.setattr(vault_client, "ask", vault.ask)
    return vault


@pytest.mark.django_db
def test_a_dump_holds_no_link_no_pseudonym_and_no_answer(tilburg, smtp, vault):  # noqa: F811
    people = make.make_persons(24)
    services.queue_due(trial="tilburg")
    services.send_due()
    vault.submitted = [person.pid for person in people[:12]]
    with clock.at(make.NOW + timedelta(days=1)):
        services.update_status(trial="tilburg")
    make.make_draw()
    stolen = dump()
    links = re.findall(r"/s/(\S+)", "".join(message.get_body(("plain",)).get_content() for message in smtp.taken))
    assert len(links) == 24
    for person, link in zip(people, links, strict=True):
        assert person.contact.email.encode() in stolen  # the scan does look at people
        assert link.encode() not in stolen
        assert person.pid.encode() in stolen  # with the vault's key, and only with it, this gives the pseudonym
        pseud = pseudonym(KEYS, "tilburg", person.pid)
        assert open_link(KEYS, link).pseudonym == pseud  # it did pass through the office
        assert not [form for form in spellings(pseud) if form in stolen]


@pytest.mark.django_db
def test_a_dump_holds_no_link_of_a_letter(tilburg, smtp, vault):  # noqa: F811
    home = {"email": "", "street": "Korvelseweg 12", "postcode": "5025 JA", "city": "Tilburg"}
    for _ in range(3):
        make.make_consented(members=[make.make_member(**home)])
    services.queue_due(trial="tilburg")
    services.send_due()
    custodian = make.log_in(make.make_user(Role.CUSTODIAN))
    pdf = custodian.post("/t/tilburg/waves/letters/baseline/print/").content
    again = f"/t/tilburg/waves/letters/{Printing.objects.get().pk}/again/"
    copy = custodian.post(again, {"seen": 0, "reason": "jammed"}).content
    links = [link.rpartition("/")[2] for made in (pdf, copy) for page in read_pdf(made).pages for link in page.links]
    stolen = dump()
    assert len(links) == 6
    assert b"letters.printed_again" in stolen  # the scan does look at what was noted
    for link in links:
        assert link.encode() not in stolen
        assert not [form for form in spellings(open_link(KEYS, link).pseudonym) if form in stolen]


@pytest.mark.django_db
def test_the_office_has_no_column_for_answers_links_or_moments_of_answering():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name || '.' || column_name, data_type FROM information_schema.columns"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        columns = dict(cursor.fetchall())
    telling = re.compile(r"pseud|link|token_|submitted|answered_at|answers|known|user_agent|\.ip$|ip_address|bsn")
    assert {name for name in columns if telling.search(name)} <= {"socialaccount_socialtoken.token_secret"}
    who_answered = {name: kind for name, kind in columns.items() if name.startswith(WHO_ANSWERED)}
    assert who_answered == {
        "mailing_response.id": "uuid",  # a number in order would tell the night
        "mailing_response.person_id": "bigint",
        "mailing_response.wave": "character varying",
        "participants_baseline.person_id": "bigint",
    }


@pytest.mark.django_db
def test_who_answered_stands_in_an_order_that_tells_no_night(tilburg, smtp, vault):  # noqa: F811
    people = make.make_persons(24)
    services.queue_due(trial="tilburg")
    services.send_due()
    for night in range(1, 4):
        vault.submitted = [person.pid for person in people[: 8 * night]]
        with clock.at(make.NOW + timedelta(days=night)):
            services.update_status(trial="tilburg")
    assert Response.objects.count() == 24
    assert list(Response.objects.order_by("pk").values_list("person_id", flat=True)) != [one.pk for one in people]


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE office_owner",
        "SET ROLE audit_owner",
        "CREATE EXTENSION hstore",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY django_session FROM '/etc/passwd'",
        "ALTER TABLE participants_person DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'who is in which group')",
        "SELECT lo_creat(-1)",
        "SELECT lo_unlink(1)",
        "ALTER ROLE office_web SUPERUSER",
        "TRUNCATE participants_step",
        "DELETE FROM randomization_allocation",
        "UPDATE randomization_allocation SET arm = 'control'",
        "UPDATE participants_step SET kind = 'consented'",
        "INSERT INTO audit.log SELECT * FROM audit.log",
    ],
)
def test_no_login_can_become_more_than_it_is(dsn_of, login, statement):
    with psycopg.connect(dsn_of(login)) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


@pytest.mark.parametrize("table", ["mailing_response", "participants_baseline"])
def test_the_web_cannot_read_who_answered_and_only_the_reminder_can(dsn_of, table):
    with psycopg.connect(dsn_of("office_web")) as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(f"SELECT 1 FROM {table}")
    with psycopg.connect(dsn_of("office_worker")) as worker:
        worker.execute("SET ROLE office_reminder")
        worker.execute(f"SELECT 1 FROM {table}")
