"""Versions of a protocol in the office database: written once, amended with a reason after the first draw."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import translation

from trialmgr.core import audit, clock
from trialmgr.core.documents import parse_document
from trialmgr.core.errors import BadInput, DomainError
from trialmgr.core.models import User
from trialmgr.protocol import services
from trialmgr.protocol.changes import changes
from trialmgr.protocol.models import ProtocolVersion, Trial
from trialmgr.protocol.reading import PRESETS, load_protocol
from trialmgr.protocol.selectors import current_protocol, current_version, protocol_of, version_at

TILBURG = (PRESETS / "tilburg.yaml").read_text("utf-8")
MONDAY = datetime(2018, 1, 8, 9, tzinfo=UTC)
FRIDAY = datetime(2018, 3, 2, 9, tzinfo=UTC)


def document(*swaps):
    text = TILBURG
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    return parse_document(text, "tilburg.yaml")


LONGER = ("closes: 2018-12-31", "closes: 2019-01-31")


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def leader(db):
    return User.objects.create_user("leader@tilburg.example", "a long password 1", name="Lidy Leider")


@pytest.fixture
def load(leader, as_role):
    """Load a document with the rights of the web login."""

    def loading(*swaps, reason=""):
        with as_role("office_web"):
            return services.load_version(document=document(*swaps), by=leader, reason=reason)

    return loading


def test_a_loaded_protocol_is_the_current_one(load, leader):
    with clock.at(MONDAY):
        version = load()
    assert (version.number, version.amends, version.created_at, version.created_by) == (1, None, MONDAY, leader)
    assert current_protocol("tilburg") == load_protocol("tilburg")
    assert protocol_of(current_version("tilburg")).code == "tilburg"


def test_an_unknown_trial_has_no_protocol(db):
    with pytest.raises(DomainError, match="no protocol of the trial nowhere"):
        current_protocol("nowhere")
    with pytest.raises(DomainError, match="no protocol of the trial nowhere"):
        services.record_first_draw(trial="nowhere", at=MONDAY)


def test_the_same_document_makes_no_second_version(load):
    assert load() == load()
    assert ProtocolVersion.objects.count() == 1
    assert [event.verb for event in audit.events()] == ["protocol.version_loaded"]


def test_a_change_before_the_first_draw_needs_no_reason(load):
    first, second = load(), load(LONGER)
    assert (second.number, second.amends, second.after_first_draw) == (2, first, False)
    assert str(current_protocol("tilburg").rounds[0].closes) == "2019-01-31"


def test_a_faulty_document_stores_nothing(load):
    with pytest.raises(BadInput, match=r"allocation.unit: is person"):
        load(("unit: household", "unit: person"))
    assert not Trial.objects.exists()


def test_a_change_after_the_first_draw_is_an_amendment_with_a_reason(load):
    first = load()
    assert services.record_first_draw(trial="tilburg", at=MONDAY) == first
    with pytest.raises(services.ReasonMissing, match="give the reason"):
        load(LONGER, reason="  ")
    assert current_version("tilburg") == first
    with clock.at(FRIDAY):
        second = load(LONGER, reason="Too few people came.")
    assert (second.amends, second.after_first_draw, second.reason) == (first, True, "Too few people came.")
    assert [version_at("tilburg", moment) for moment in (FRIDAY.replace(year=2017), FRIDAY)] == [None, second]
    assert [
        (change.key, change.before, change.after) for change in changes(protocol_of(first), protocol_of(second))
    ] == [("rounds.first.closes", "2018-12-31", "2019-01-31")]


def test_an_amendment_may_not_take_away_what_people_were_drawn_under(load):
    load()
    services.record_first_draw(trial="tilburg", at=MONDAY)
    with pytest.raises(BadInput) as caught:
        load(("coaching_disregard", "both"), reason="A better name.")
    assert [fault.where for fault in caught.value.faults] == ["arms.coaching_disregard"]


def test_only_the_first_draw_counts(load):
    load()
    services.record_first_draw(trial="tilburg", at=MONDAY)
    services.record_first_draw(trial="tilburg", at=FRIDAY)
    assert Trial.objects.get().first_drawn_at == MONDAY


def test_the_web_may_note_a_draw_but_not_touch_the_code_of_a_trial(load, as_role):
    load()
    with as_role("office_web"):
        services.record_first_draw(trial="tilburg", at=MONDAY)
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            Trial.objects.update(code="other")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE protocol_protocolversion SET reason = 'another'",
        "DELETE FROM protocol_protocolversion",
        "TRUNCATE protocol_protocolversion",
    ],
)
def test_a_version_is_final_even_for_the_superuser(load, statement):
    load()
    connection.check_constraints()  # else the references still to be checked would refuse the TRUNCATE
    with pytest.raises(IntegrityError, match="a protocol version is final"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("change", [{"first_drawn_at": None}, {"first_drawn_at": FRIDAY}, {"code": "other"}])
def test_a_trial_keeps_its_code_and_its_first_draw(load, change):
    load()
    services.record_first_draw(trial="tilburg", at=MONDAY)
    with pytest.raises(IntegrityError, match="keeps its code"), transaction.atomic():
        Trial.objects.update(**change)


@pytest.mark.parametrize(
    ("over", "constraint"),
    [
        ({"document": "{}"}, "protocolversion_sha256_is_of_document"),
        ({"number": 1}, "protocolversion_number_unique_in_trial"),
        ({"amends": None}, "protocolversion_amends_the_one_before"),
        ({"reason": "", "after_first_draw": True}, "protocolversion_amendment_has_reason"),
    ],
)
def test_the_database_refuses_what_no_service_writes(load, leader, over, constraint):
    first = load()
    values = {"number": 2, "amends": first, "document": first.document, "sha256": first.sha256} | over
    if constraint == "protocolversion_number_unique_in_trial":
        values["amends"] = None
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ProtocolVersion.objects.create(trial=first.trial, created_at=MONDAY, created_by=leader, **values)


def test_the_current_protocol_costs_one_small_query(load, django_assert_num_queries):
    load()
    current_protocol("tilburg")
    with django_assert_num_queries(1) as queries:
        current_protocol("tilburg")
    assert "document" not in queries.captured_queries[0]["sql"]


def test_the_command_loads_a_preset_in_the_name_of_a_member_of_staff(leader):
    out = StringIO()
    call_command("protocol", "load", "tilburg", "--by", "Leader@tilburg.example", stdout=out)
    assert out.getvalue() == f"tilburg version 1, sha256 {current_version('tilburg').sha256}\n"


def test_the_command_refuses_a_stranger(db):
    err = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("protocol", "load", "tilburg", "--by", "nobody@tilburg.example", stderr=err)
    assert ended.value.code == 2
    assert "nobody@tilburg.example is no active member of staff" in err.getvalue()


@pytest.mark.django_db(transaction=True)
def test_two_who_load_at_once_get_consecutive_versions():
    leader = User.objects.create_user("leader@tilburg.example", "a long password 1", name="Lidy Leider")
    gate = threading.Barrier(4)

    def one(day):
        gate.wait()
        try:
            given = document(("closes: 2018-12-31", f"closes: 2018-11-{day}"))
            return services.load_version(document=given, by=leader).number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(one, (11, 12, 13, 14)))
    assert sorted(numbers) == [1, 2, 3, 4]


@pytest.mark.django_db
def test_the_rules_of_the_tables_can_be_taken_back_and_put_again():
    (rules,) = import_module("trialmgr.protocol.migrations.0002_versions_are_final").Migration.operations
    with connection.schema_editor() as editor:
        rules.database_backwards("protocol", editor, None, None)
        assert set(triggers()) == set()
        rules.database_forwards("protocol", editor, None, None)
    assert set(triggers()) == {"version_is_final", "versions_are_never_emptied", "trial_keeps_its_draw"}


def triggers():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'protocol%%'"
        )
        return [name for (name,) in cursor.fetchall()]
