"""What an auditor sees of the chain: the events of their trial and sites, and all of it with a role for the office."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from analysis.monitoring import auditing, deeds
from tests.office import factories as make
from trialmgr.core import audit
from trialmgr.core.access import WHOLE_OFFICE
from trialmgr.core.models import Membership, Role

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
LOG, WHOLE = "/t/tilburg/audit/", "/audit/"


def put(number=1, *, trial="tilburg", site="", reason=""):
    return [
        audit.record("test.done", f"test:{n}", by="test", trial=trial, site=site, reason=reason) for n in range(number)
    ]


def auditor(trial="tilburg", **where):
    return make.log_in(make.make_user(Role.AUDITOR, trial=trial, **where))


def shown(response):
    """The numbers of the events on a page."""
    assert response.status_code == 200
    cells = re.findall(r'<tr><td class="number">([\d,]+)</td>', response.content.decode())
    return [int(cell.replace(",", "")) for cell in cells]


def exported(client, url, as_role):
    response = client.post(f"{url}export/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return rows_of(response, as_role)


def rows_of(response, as_role):
    with as_role("office_web"):
        text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(StringIO(text, newline="")))


def numbers(rows):
    return [int(row["number"]) for row in rows]


@pytest.fixture
def events(tilburg):
    """Events of two trials, of three sites of one of them, and of none; by where they belong."""
    make.make_trial("wageningen")
    return {
        "tilburg": put(2),
        "east": put(2, site="east"),
        "west": put(1, site="west"),
        "wageningen": put(2, trial="wageningen", reason="a reason of Wageningen"),
        "none": put(1, trial=audit.NO_TRIAL),
    }


def test_an_auditor_of_one_trial_sees_nothing_of_another(events, as_role):
    client = auditor()
    page = client.get(LOG)
    assert shown(page) == [*events["west"], *reversed(events["east"]), *reversed(events["tilburg"])]
    assert "Wageningen" not in page.content.decode()
    rows = exported(client, LOG, as_role)
    assert {row["trial"] for row in rows} == {"tilburg"}
    assert (
        client.get("/t/wageningen/audit/").status_code == client.post("/t/wageningen/audit/export/").status_code == 404
    )


def test_an_auditor_of_a_site_sees_that_site_and_what_concerns_the_whole_trial(events, as_role):
    client = auditor(site="east")
    assert shown(client.get(LOG)) == sorted(events["east"] + events["tilburg"], reverse=True)
    rows = exported(client, LOG, as_role)
    assert rows[0]["what"] == "audit.exported"
    assert numbers(rows[1:]) == sorted(events["east"] + events["tilburg"], reverse=True)


def test_an_auditor_of_two_sites_sees_both_in_order(events):
    user = make.make_user(Role.AUDITOR, site="east")
    make.give(user, Role.AUDITOR, site="west")
    seen = events["tilburg"] + events["east"] + events["west"]
    assert shown(make.log_in(user).get(LOG)) == sorted(seen, reverse=True)


def test_what_belongs_to_no_trial_is_for_an_auditor_of_the_whole_office(events, as_role):
    client = auditor(WHOLE_OFFICE)
    everything = [event.seq for event in audit.events()]
    assert shown(client.get(WHOLE)) == everything[::-1]
    assert "a reason of Wageningen" in client.get(WHOLE).content.decode()
    rows = exported(client, WHOLE, as_role)
    assert (rows[0]["what"], rows[0]["trial"]) == ("audit.exported", "")
    assert numbers(rows[1:]) == everything[::-1]
    assert client.get(LOG).status_code == 404, "they have no part in the trial itself"


@pytest.mark.parametrize("role", list(Role))
def test_a_role_in_a_trial_does_not_open_the_whole_chain(events, role):
    client = make.log_in(make.make_user(role))
    assert client.get(WHOLE).status_code == client.post(f"{WHOLE}export/").status_code == 403


def test_the_start_page_leads_an_auditor_of_the_office_to_the_whole_chain(events):
    home = auditor(WHOLE_OFFICE).get("/").content.decode()
    assert 'href="/audit/"' in home
    assert "no part in a trial yet" not in home
    assert 'href="/audit/"' not in auditor().get("/").content.decode()
    assert "auditor – the whole office" in auditor(WHOLE_OFFICE).get("/account/").content.decode()


@pytest.mark.parametrize(("role", "site"), [(Role.LEADER, ""), (Role.STEWARD, ""), (Role.AUDITOR, "east")])
def test_only_an_auditor_holds_a_role_for_the_whole_office(db, role, site):
    user = make.make_user()
    with pytest.raises(IntegrityError, match="membership_for_office_is_auditor"), transaction.atomic():
        Membership.objects.create(user=user, role=role, trial=WHOLE_OFFICE, site=site)


def test_events_of_before_they_named_a_trial_are_for_the_whole_office_only(tilburg):
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit.append('job:test', '', 'test.done', 'trial:tilburg', '', '{}')")
    put(1)
    assert shown(auditor().get(LOG)) == [2]
    assert "an auditor of the whole office can read them" in auditor().get(LOG).content.decode()
    assert shown(auditor(WHOLE_OFFICE).get(WHOLE)) == [2, 1]


def test_a_chain_in_which_every_event_names_its_trial_does_not_speak_of_older_ones(tilburg):
    put(1)
    assert "an auditor of the whole office can read them" not in auditor().get(LOG).content.decode()


@pytest.mark.parametrize("where", [{}, {"site": "east"}])
def test_the_log_is_read_page_by_page_in_as_many_queries_at_any_length(tilburg, page_queries, where):
    client = auditor(**where)
    mine = put(1, site="east")
    few = page_queries(client, LOG)
    for _ in range(105):
        put(1, trial="oss")
        mine += put(1, site="east")
    assert page_queries(client, LOG) == few
    first = client.get(LOG)
    assert shown(first) == mine[:-101:-1]
    [older] = re.findall(r'href="\?before=(\d+)"', first.content.decode())
    assert page_queries(client, f"{LOG}?before={older}") == few
    second = client.get(LOG, {"before": older})
    assert shown(second) == mine[-101::-1]
    assert 'rel="next"' not in second.content.decode()
    assert f'href="{LOG}"' in second.content.decode()


@pytest.mark.parametrize("odd", ["x", "-1", "9" * 40, "²", "1e3", ""])
def test_an_odd_place_in_the_log_is_its_beginning(tilburg, odd):
    numbers = put(2)
    assert shown(auditor().get(LOG, {"before": odd})) == numbers[::-1]


def test_before_the_first_event_there_is_nothing_older(tilburg):
    put(1)
    page = auditor().get(LOG, {"before": "1"})
    assert shown(page) == []
    assert "There is nothing older." in page.content.decode()


@pytest.mark.parametrize(
    ("scope", "index"),
    [
        (audit.Scope("oss"), "audit_log_trial"),
        (audit.Scope("oss", frozenset({"east"})), "audit_log_site"),
        (audit.Scope(None), "log_pkey"),
    ],
)
def test_a_page_is_read_along_its_own_index_also_when_the_trial_ended_long_ago(db, scope, index, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO audit.log SELECT n, now(), '', '', 'test.done', '', '', '', '', n::text, 2,"
            " CASE WHEN n < 5000 THEN 'oss' ELSE 'tilburg' END, (ARRAY['east', 'west', ''])[n % 3 + 1]"
            " FROM generate_series(1, 20000) AS n"
        )
        cursor.execute("ANALYZE audit.log")
    plans = []
    for name in ("NEWEST", "NEWEST_OF_TRIAL", "NEWEST_OF_SITES"):
        monkeypatch.setattr(audit, name, f"EXPLAIN {getattr(audit, name)}")
    monkeypatch.setattr(audit, "Event", lambda line: plans.append(line))
    audit.newest(scope, limit=100)
    text = "\n".join(plans)
    assert re.findall(r"using (\w+) on log", text) == [index]


def test_an_export_is_an_event_and_ends_with_it(events, as_role):
    client = auditor()
    response = client.post(f"{LOG}export/")
    later = put(1)
    rows = rows_of(response, as_role)
    assert later[0] not in numbers(rows)
    last = list(audit.events())[-2]
    assert (last.seq, last.verb, last.trial, last.object) == (
        numbers(rows)[0],
        "audit.exported",
        "tilburg",
        "trial:tilburg",
    )
    assert client.get(f"{LOG}export/").status_code == 405


def test_an_export_longer_than_one_part_is_whole_and_can_be_checked_by_hand(tilburg, as_role, monkeypatch):
    monkeypatch.setattr(auditing, "PART", 7)
    put(20, reason='a "reason", with all\nsigns')
    rows = exported(auditor(), LOG, as_role)
    assert numbers(rows) == list(range(21, 0, -1))
    assert [row["before_sha256"] for row in rows[:-1]] == [row["sha256"] for row in rows[1:]]
    assert rows[0].keys() == set(auditing.HEADER)


@pytest.mark.parametrize("reason", ["=1+1", "+31", "-2", "@SUM(A1)", "\tx", " =1+1"])
def test_no_cell_of_an_export_is_a_formula(tilburg, as_role, reason):
    put(1, reason=reason)
    assert exported(auditor(), LOG, as_role)[1]["reason"] == f"'{reason}"


def test_nor_is_a_part_of_one_where_semicolons_end_a_cell(tilburg, as_role):
    put(1, reason='fout;=HYPERLINK("http://evil.example")')
    assert exported(auditor(), LOG, as_role)[1]["reason"] == """fout;'=HYPERLINK("http://evil.example")"""


def test_the_page_says_who_did_what_in_words(tilburg):
    leader = make.make_user(Role.LEADER)
    audit.record("mail.held", "trial:tilburg", by=leader, trial="tilburg")
    page = auditor().get(LOG).content.decode()
    assert f'<td>{leader.name}<br><span class="code">user:{leader.pk}</span></td>' in page
    assert "All mail held back" in page


def test_every_verb_of_the_office_has_words():
    packages = ("participants", "randomization", "coaching", "surveys/mailing", "analysis/monitoring", "trialmgr")
    sources = [path.read_text("utf-8") for package in packages for path in (ROOT / package).rglob("*.py")]
    verbs = {verb for text in sources for verb in re.findall(r'(?:audit\.record|_note)\(\s*"([a-z]+\.[a-z_]+)"', text)}
    assert len(verbs) > 25
    assert verbs <= deeds.DEEDS.keys()
