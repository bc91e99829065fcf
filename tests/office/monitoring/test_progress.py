"""The leader's figures: processes are shown, outcomes by group are not, and nothing about few people."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from analysis.monitoring import selectors, services, tasks
from analysis.monitoring.models import ReleasedResult, SentRun
from coaching.services import Talk, log_contact
from participants.models import Person, Step, StepKind
from participants.services import record_exit, record_return, stop
from surveys.mailing import vault_client
from tests.office import factories as make
from trialmgr.core import audit, clock
from trialmgr.core.models import Role
from trialmgr.protocol.models import Trial
from trialmgr.protocol.reading import canonical, sha256
from trialmgr.protocol.selectors import current_protocol

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(tilburg):
    return make.log_in(make.make_user(Role.LEADER))


def page(response):
    return response.content.decode()


def leave(home, reason="work_full"):
    record_exit(household_id=home.pk, day=make.TODAY, reason=reason, by=make.someone())


def test_arms_are_counted_in_households_and_persons_against_their_target(tilburg):
    make.make_ready(members=2)
    make.make_drawn(7)
    states = selectors.arm_states("tilburg")
    assert sum(state.households for state in states) == 8
    assert sum(state.persons for state in states) == 9
    assert [state.target for state in states] == [200] * 4
    assert all(state.below_minimum for state in states)


def test_a_group_beyond_its_target_says_so_and_its_bar_is_full(tilburg):
    (state, *_rest) = selectors.arm_states("tilburg")
    full = replace(state, persons=205, target=200)
    assert (full.share, full.bar) == (102, 100)


def test_contacts_are_counted_of_the_last_twelve_weeks_and_without_those_struck_out(tilburg):
    coach, home = make.make_guided()
    person = home.persons.get()
    with clock.at(make.NOW + timedelta(days=90)):
        for days, over in ((0, {}), (10, {"channel": "phone"}), (20, {"attended": False}), (85, {})):
            talk = Talk(**({"day": clock.today() - timedelta(days), "channel": "office"} | over))
            log_contact(trial="tilburg", person_id=person.pk, talk=talk, key=uuid4(), by=coach)
        (state,) = [one for one in selectors.arm_states("tilburg") if one.persons]
    assert (state.held, state.in_person, state.missed) == (2, 1, 1)
    assert state.per_year == pytest.approx(2 * 52 / 12)


def test_exits_are_of_drawn_households_each_counted_once(tilburg):
    make.make_ready()
    drawn = make.make_drawn(11)
    for home in drawn[:10]:
        leave(home)
    with clock.at(make.NOW + timedelta(days=9)):
        record_return(household_id=drawn[0].pk, day=make.TODAY + timedelta(5), by=make.someone())
        record_exit(household_id=drawn[0].pk, day=make.TODAY + timedelta(8), reason="moved", by=make.someone())
    leave(make.make_household())
    found = selectors.exits("tilburg")
    assert (found.households, dict(found.reasons)) == (10, {"work, benefit ended": None, "moved away": None})


def test_few_persons_excluded_for_a_reason_are_not_counted_on_the_page(leader):
    noted = {"kind": StepKind.EXCLUDED, "day": make.TODAY, "recorded_at": make.NOW}
    for number, reason in ((12, "moving"), (11, "resident"), (3, "entitled")):
        homes = make.make_homes(number, (StepKind.SIGNED_UP,))
        persons = Person.objects.filter(household__in=homes)
        Step.objects.bulk_create(Step(person=person, reason=reason, **noted) for person in persons)
    shown = dict(selectors.exclusions("tilburg", "en"))
    assert sorted(n for n in shown.values() if n) == [12]
    assert page(leader.get("/t/tilburg/progress/")).count("too few to show") == 2


def test_the_flow_counts_persons_in_every_step(tilburg):
    home = make.make_drawn()[0]
    make.make_household()
    stop(person_id=home.persons.get().pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    flow = dict(selectors.flow("tilburg"))
    assert (flow["signed up"], flow["consented"], flow["withdrew data"], flow["declined"]) == (2, 1, 1, 0)


def test_the_page_shows_no_outcome_by_group(leader):
    for home in make.make_drawn(4):
        leave(home)
    shown = page(leader.get("/t/tilburg/progress/"))
    assert "Too few households to show a number" in shown
    assert "they stay sealed until" in shown
    assert "too few to show" in shown


def test_beside_a_released_result_the_page_does_not_say_that_all_is_sealed(leader):
    ReleasedResult.objects.create(run="a1", trial_id="tilburg", document="{}", sha256="0" * 64, received_at=make.NOW)
    assert "all else stays sealed until" in page(leader.get("/t/tilburg/progress/"))
    with clock.at(datetime(2020, 5, 28, 9, tzinfo=UTC)):
        shown = page(leader.get("/t/tilburg/progress/"))
    assert "they come with the released results" in shown
    assert "sealed" not in shown


def test_the_page_takes_the_same_queries_for_one_household_and_for_thirty(leader, page_queries):
    make.make_drawn()
    one = page_queries(leader, "/t/tilburg/progress/")
    make.make_drawn(29)
    assert page_queries(leader, "/t/tilburg/progress/") == one


class Vault:
    def __init__(self, monkeypatch):
        self.loaded, self.refuses, self.depth = [], set(), len(connection.savepoint_ids)
        self.answers = {"runs": {"wanted": []}, "results": {"released": []}}
        monkeypatch.setattr(vault_client, "fetch", lambda address: self.answers[address])
        monkeypatch.setattr(vault_client, "ask", self.ask)
        monkeypatch.setattr(vault_client, "load", self.load)

    def ask(self, address, body):
        assert len(connection.savepoint_ids) == self.depth, "the vault is asked within a transaction"
        if address in self.refuses:
            raise vault_client.VaultRefused("not now")
        released = self.answers[address]["released"]
        return {"released": [one for one in released if one["run"] not in body["known"]]}

    def load(self, *, run, study, rows, extra):
        if run in self.refuses:
            raise vault_client.VaultRefused("not now")
        self.loaded.append((run, list(rows)))


@pytest.fixture
def vault(monkeypatch):
    return Vault(monkeypatch)


def test_outcomes_go_to_the_vault_for_the_runs_that_want_them(tilburg, vault, recorded, as_role):
    stays, leaves, withdrew = make.make_drawn(3)
    leave(leaves)
    stop(person_id=withdrew.persons.get().pk, kinds=["withdrew_data"], day=make.TODAY, by=make.someone())
    vault.answers["runs"]["wanted"] = [{"run": "a1", "study": "tilburg"}]
    with recorded() as verbs, as_role("office_worker"):
        assert services.send_wanted_outcomes() == 1
    ((run, rows),) = vault.loaded
    assert run == "a1"
    assert {row["pid"] for row in rows} == {stays.persons.get().pid, leaves.persons.get().pid}
    assert [row["exits"] for row in rows if row["pid"] == leaves.persons.get().pid] == [[[1, "work_full", None]]]
    assert not {"name", "email", "client_number", "code", "born_on"} & set(rows[0])
    assert (SentRun.objects.get().persons, verbs) == (2, ["run.outcomes_sent"])


def test_a_run_that_is_refused_does_not_hold_up_the_others(tilburg, vault):
    make.make_drawn()
    vault.refuses = {"a1"}
    vault.answers["runs"]["wanted"] = [{"run": run, "study": "tilburg"} for run in ("a1", "b2")]
    assert services.send_wanted_outcomes() == 1
    assert [run for run, _rows in vault.loaded] == ["b2"]


def test_households_get_other_numbers_in_every_run(tilburg):
    make.make_drawn(30)
    rows = [{row["pid"]: row["household"] for row in services.outcome_rows("tilburg", make.TODAY)} for _ in range(2)]
    assert rows[0] != rows[1]
    assert sorted(rows[0].values()) == list(range(1, 31))


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2018, 1, 31), date(2018, 2, 28), 0),
        (date(2018, 1, 31), date(2018, 3, 31), 2),
        (date(2018, 3, 5), date(2018, 4, 4), 0),
        (date(2018, 3, 5), date(2018, 4, 5), 1),
        (date(2018, 3, 5), date(2020, 3, 5), 24),
    ],
)
def test_months_are_whole_months_of_the_calendar(start, end, months):
    assert services.months_between(start, end) == months


def released(document):
    return [
        {"run": "a1", "study": "tilburg", "document": document, "sha256": hashlib.sha256(document.encode()).hexdigest()}
    ]


def test_a_released_result_is_kept_once_and_shown(tilburg, vault, leader, recorded):
    vault.answers["results"]["released"] = released(json.dumps({"analyses": [], "software": {"made-up": "1.0"}}))
    with recorded() as verbs:
        assert (services.receive_results(), services.receive_results()) == (1, 0)
    assert verbs == ["result.received"]
    assert "end of the embargo" not in page(leader.get("/t/tilburg/progress/results/a1/"))
    assert "made-up 1.0" in page(leader.get("/t/tilburg/progress/results/a1/"))
    assert "not released" in page(leader.get("/t/tilburg/progress/results/b2/"))


def test_a_result_keeps_the_names_of_the_protocol_that_it_was_made_under(tilburg, vault, leader):
    first = current_protocol("tilburg")
    analysis = {
        "planned": True,
        "method_text": {},
        "n_used": 9,
        "n_rows": 9,
        "details": {},
        "rows": [],
        "refused": None,
    }
    asked = first.analysis.plan.analyses[0]
    found = {"analyses": [analysis | {"id": asked.id}], "software": {}, "protocol": sha256(first)}
    vault.answers["results"]["released"] = released(json.dumps(found))
    services.receive_results()
    name = next(one.name.en for one in first.outcomes if one.code == asked.outcome)
    renamed = first.model_copy(update={"outcomes": ()})
    Trial.objects.get().versions.create(
        number=2, document=canonical(renamed), sha256=sha256(renamed), created_at=make.NOW, created_by=make.someone(),
        amends=Trial.objects.get().versions.get(),
    )  # fmt: skip
    assert name in page(leader.get("/t/tilburg/progress/results/a1/"))


def test_what_the_vault_refuses_waits_and_holds_up_nothing_else(tilburg, vault, caplog):
    make.make_drawn()
    vault.answers["runs"]["wanted"] = [{"run": "a1", "study": "tilburg"}]
    vault.refuses = {"results"}
    tasks.exchange()
    assert [run for run, _rows in vault.loaded] == ["a1"]
    assert "receive_results waits: VaultRefused" in caplog.text


def test_a_result_that_was_opened_early_says_so_at_the_office_too(tilburg, vault, leader):
    (one,) = released(json.dumps({"analyses": [], "software": {}}))
    early = json.dumps({"on": "2019-03-05", "by": ["Ada", "Bea"], "ground": "Steering group"})
    vault.answers["results"]["released"] = [one | {"opened_early": early}]
    services.receive_results()
    shown = page(leader.get("/t/tilburg/progress/results/a1/"))
    assert "Opened before the end of the embargo" in shown
    assert "by Ada and Bea. Ground: Steering group" in shown
    (received,) = [event for event in audit.events() if event.verb == "result.received"]
    assert received.reason == "Ada, Bea: Steering group"


def test_a_result_that_was_changed_on_the_way_is_not_kept(tilburg, vault):
    (one,) = released("{}")
    vault.answers["results"]["released"] = [one | {"document": '{"analyses": []}'}]
    assert services.receive_results() == 0
    assert not ReleasedResult.objects.exists()
