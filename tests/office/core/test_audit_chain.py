"""The audit chain: added to, never changed; and when somebody manages to, `audit_verify` names the place."""

import hashlib
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from tests.office.races import faults, together
from trialmgr.core import anchors, audit
from trialmgr.core.errors import BadInput
from trialmgr.core.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(db):
    """Nine events."""
    for number in range(1, 10):
        reason = f"reden {number}"
        audit.record("test.done", f"test:{number}", by="test", trial="oss", site="west", reason=reason, number=number)


def record_as_before(number):
    """What a process of the version before still calls while a new one is rolled out."""
    fields = ["job:test", "", "test.done", f"test:{number}", f"reden {number}", "{}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.append(%s, %s, %s, %s, %s, %s)", fields)


def tamper(statement, *values):
    """What a superuser could do who takes the triggers away."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def remake():
    """Make the chain anew from the rows as they stand, as somebody who knows the method would."""
    previous = audit.GENESIS
    for event in list(audit.events()):
        tamper("UPDATE audit.log SET prev = %s WHERE seq = %s", previous, event.seq)
        previous = audit.digest_of(next(audit.events(after=event.seq - 1)))
        tamper("UPDATE audit.log SET hash = %s WHERE seq = %s", previous, event.seq)


def verify(*arguments):
    out, err = StringIO(), StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, err.getvalue().strip()
    return 0, out.getvalue().strip()


@pytest.fixture
def anchored(chain, settings, tmp_path):
    settings.ANCHOR_FILE = str(tmp_path / "elsewhere" / "office")
    anchors.write()
    return settings.ANCHOR_FILE


def test_a_chain_that_nobody_touched_holds(chain):
    assert verify() == (0, "verified: 9 events, 0 anchors")


def test_an_empty_chain_holds(db):
    assert verify() == (0, "verified: 0 events, 0 anchors")


@pytest.mark.parametrize(
    "column", ["actor", "on_behalf", "verb", "object", "trial", "site", "reason", "payload_digest"]
)
def test_an_edited_event_is_named(chain, column):
    tamper(f"UPDATE audit.log SET {column} = 'other' WHERE seq = 4")
    assert verify() == (1, "event 4: was changed after it was written")


def test_a_moment_set_back_is_named(chain):
    tamper("UPDATE audit.log SET at = at - interval '1 microsecond' WHERE seq = 4")
    assert verify() == (1, "event 4: was changed after it was written")


def test_a_removed_event_is_named(chain):
    tamper("DELETE FROM audit.log WHERE seq = 4")
    assert verify() == (1, "event 4: event 4 is missing")


def test_a_new_hash_for_an_edited_event_breaks_the_next_one(chain):
    tamper("UPDATE audit.log SET reason = 'other' WHERE seq = 4")
    changed = next(audit.events(after=3))
    tamper("UPDATE audit.log SET hash = %s WHERE seq = 4", audit.digest_of(changed))
    assert verify() == (1, "event 5: does not follow from the event before it")


def test_a_chain_of_years_is_walked_in_more_time_than_a_page_has(chain, monkeypatch):
    monkeypatch.setattr(audit, "CHANGED_DETAIL", "SELECT 1 FROM pg_sleep(0.05) AS slow WHERE slow::text = 'never'")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20ms'")
    assert verify() == (0, "verified: 9 events, 0 anchors")


def test_a_cut_tail_is_named_by_the_anchor(anchored):
    tamper("DELETE FROM audit.log WHERE seq > 6")
    assert verify("--anchors", anchored) == (1, "event 7: the chain ends at 6, an anchor names event 9")


def test_a_chain_made_anew_is_named_by_the_anchor(anchored):
    tamper("UPDATE audit.log SET reason = 'other' WHERE seq = 4")
    remake()
    assert audit.verify() == (9, None)
    code, text = verify()
    assert (code, text) == (1, "event 9: differs from the anchor that left the database: the chain was made anew")


def test_changed_particulars_are_named(chain):
    tamper("UPDATE audit.detail SET payload = '{\"number\":7}' WHERE seq = 4")
    assert verify() == (1, "event 4: what is told with it was changed")


def test_particulars_that_are_gone_are_named(chain):
    tamper("DELETE FROM audit.detail WHERE seq = 4")
    assert verify() == (1, "event 4: what is told with it was removed, and no event says so")


def test_particulars_of_a_person_can_be_erased_without_breaking_the_chain(chain):
    tamper("DELETE FROM audit.detail WHERE seq = 4")
    audit.record(audit.ERASED, "event:4", by="operator", trial="oss", reason="asked for on 3-4-2018")
    assert verify()[0] == 0


def test_without_anchors_it_is_said_that_a_cut_tail_would_not_show(chain, capsys):
    call_command("audit_verify")
    assert capsys.readouterr().err == "no anchor is known: a tail that was cut off would not show\n"


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.log SET reason = ''", "DELETE FROM audit.log", "TRUNCATE audit.log CASCADE"]
)
def test_the_database_itself_refuses_a_change(chain, statement):
    with pytest.raises(IntegrityError, match="only ever added to"), transaction.atomic():
        connection.cursor().execute(statement)


def test_events_from_before_they_named_a_trial_hold_in_one_chain_with_those_of_now(settings, tmp_path, db):
    settings.ANCHOR_FILE = str(tmp_path / "office")
    for number in (1, 2):
        record_as_before(number)
    anchors.write()
    audit.record("test.done", "test:3", by="test", trial="oss", site="west")
    record_as_before(4)
    anchors.write()
    assert [(event.form, event.trial, event.site) for event in audit.events()] == [
        (1, "", ""), (1, "", ""), (2, "oss", "west"), (1, "", ""),
    ]  # fmt: skip
    assert verify() == (0, "verified: 4 events, 2 anchors")


def test_the_hash_of_an_event_is_that_of_its_fields_with_their_lengths(db):
    audit.record("test.done", "test:1", by="test", trial="oss", site="west", reason="één")
    record_as_before(2)
    new, old = audit.events()
    moments = [str(int(event.at.timestamp()) * 1_000_000 + event.at.microsecond) for event in (new, old)]
    head = f"7:audit/2,1:1,16:{moments[0]},8:job:test,0:,9:test.done,6:test:1,3:oss,4:west,5:één,"
    text = f"{head}64:{new.payload_digest},64:{'0' * 64},"
    assert new.hash == hashlib.sha256(text.encode()).hexdigest()
    head = f"1:2,16:{moments[1]},8:job:test,0:,9:test.done,6:test:2,7:reden 2,"
    assert old.hash == hashlib.sha256(f"{head}64:{old.payload_digest},64:{new.hash},".encode()).hexdigest()


@pytest.mark.parametrize("change", ["trial = 'oss'", "site = 'west'", "form = 2", "form = 3"])
def test_an_old_event_cannot_be_given_a_trial_afterwards(db, change):
    record_as_before(1)
    tamper(f"UPDATE audit.log SET {change} WHERE seq = 1")
    assert verify() == (1, "event 1: was changed after it was written")


def test_an_event_cannot_be_put_back_into_the_old_form(chain):
    tamper("UPDATE audit.log SET form = 1, trial = '', site = '' WHERE seq = 4")
    assert verify() == (1, "event 4: was changed after it was written")


def test_fields_cannot_run_into_each_other(db):
    audit.record("a.b", "c", by="x", trial="yz")
    audit.record("a.b", "cy", by="x", trial="z")
    one, two = audit.events()
    assert audit.digest_of(one) == one.hash
    assert audit.digest_of(two) == two.hash
    assert one.hash != two.hash


def test_an_event_of_a_deed_that_was_undone_is_undone_too(db):
    with transaction.atomic():
        audit.record("test.done", "test:1", by="test", trial="oss")
        transaction.set_rollback(True)
    assert audit.head() is None


@pytest.mark.django_db(transaction=True)
def test_events_written_at_one_moment_form_one_line():
    user = User.objects.create_user("a@stad.example", "a long password 1", name="A")

    def write():
        with transaction.atomic():
            audit.record("test.done", "test:1", by=user, trial="oss")

    assert faults(together(*[write] * 16)) == []
    assert audit.verify() == (16, None)


def test_an_anchor_is_written_once_for_one_head(anchored):
    assert anchors.write() is None
    audit.record("test.done", "test:10", by="test", trial="oss")
    assert anchors.write().startswith("10 ")
    assert list(anchors.read(anchored)) == [9, 10]
    assert verify() == (0, "verified: 10 events, 2 anchors")


def test_a_chain_that_was_set_back_gets_no_further_anchor(anchored, caplog):
    before = Path(anchored).read_text("ascii")
    tamper("DELETE FROM audit.detail WHERE seq > 6")
    tamper("DELETE FROM audit.log WHERE seq > 6")
    assert anchors.lost() == 9
    for number in range(7, 11):  # it grows past its anchor, and is another chain
        audit.record("test.done", f"test:{number}", by="test", trial="oss")
    assert anchors.lost() == 9
    assert anchors.write() is None
    assert Path(anchored).read_text("ascii") == before
    assert caplog.messages == ["no anchor written: the chain lacks the anchored event 9"]


def test_a_chain_without_anchors_lacks_nothing(chain, settings, tmp_path):
    assert anchors.lost() is None
    settings.ANCHOR_FILE = str(tmp_path / "empty")
    (tmp_path / "empty").touch()
    assert anchors.lost() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nine abc", "1: is not an anchor"),
        ("9 " + "a" * 63, "1: is not an anchor"),
        ("9 " + "a" * 64 + "\n9 " + "b" * 64, "2: event 9 has two anchors"),
    ],
)
def test_a_file_of_anchors_that_was_changed_is_refused(db, tmp_path, text, message):
    path = tmp_path / "anchors"
    path.write_text(text, "ascii")
    with pytest.raises(BadInput, match=message):
        anchors.read(path)
    assert verify("--anchors", str(path))[0] == 2


def test_a_file_of_anchors_that_is_not_there_is_not_passed_over(chain, tmp_path):
    code, text = verify("--anchors", str(tmp_path / "gone"))
    assert (code, "cannot be read" in text) == (2, True)
