"""Two results of one plan, held beside each other, tell about nobody."""

import json

import pytest

from analysis.study import disclosure, services, worker
from analysis.study.models import Result
from surveys.vault import state
from tests.conftest import acting_as
from trialmgr.protocol.reading import load_protocol

ARMS = ("self_direction", "coaching", "coaching_disregard", "control")
APART = "withheld: together with an earlier result it would tell about fewer than 10 persons"


def result(name="wellbeing_end", **arms):
    counts = {arm: {"n": n, "observed": {name: n}} for arm, n in arms.items()}
    one = {"id": name, "rows": [1], "details": {"arms": counts}, "messages": [], "refused": None, "dropped": []}
    return {"analyses": [one | {"n_used": sum(arms.values())}]}


def refused(new, *earlier):
    found = disclosure.guarded(new, load_protocol("tilburg"), earlier)
    for one in found["analyses"]:
        assert bool(one["refused"]) == (not one["rows"] and not one["details"] and one["n_used"] is None)
    return [one["refused"] for one in found["analyses"]]


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ({"a": 50, "b": 60}, {"a": 50, "b": 61}, APART),
        ({"a": 50, "b": 60}, {"a": 41, "b": 60}, APART),
        ({"a": 50, "b": 60}, {"a": 50, "b": 60}, None),
        ({"a": 50, "b": 60}, {"a": 60, "b": 75}, None),
        ({"a": 50}, {"b": 51}, None),
        ({"a": 50}, {"a": 9}, "withheld: fewer than 10 persons would stand behind a number"),
    ],
)
def test_a_result_a_few_persons_apart_from_an_earlier_one_is_withheld(then, now, reason):
    assert refused(result(**now), result(**then)) == [reason]


def test_another_outcome_is_another_matter_and_what_was_withheld_gave_nothing_away():
    assert refused(result("wellbeing_mid", a=51), result(a=50)) == [None]
    hidden = disclosure.guarded(result(a=51), load_protocol("tilburg"), [result(a=50)])
    assert refused(result(a=60), result(a=50), hidden) == [None]


def test_two_analyses_of_one_result_are_held_beside_each_other_too():
    two = {"analyses": result(a=50)["analyses"] + result(a=52)["analyses"]}
    assert refused(two) == [None, APART]


def rows(each):
    """So many persons in each group, a third of whom went to work, drawn two years ago."""
    for place in range(each * len(ARMS)):
        yield {
            "pseud": f"{place:064x}", "arm": ARMS[place % 4], "stratum": "all", "block": 1, "household": place,
            "site": "tilburg", "months": 30, "exits": [[6, "work_full", None]] if place // 4 % 3 == 0 else [],
        }  # fmt: skip


@pytest.mark.django_db
def test_the_mean_of_newcomers_cannot_be_had_by_running_twice(
    researcher, principal, steward, tmp_path, monkeypatch, dsn_of
):
    monkeypatch.setattr(state, "directory", lambda: tmp_path)
    monkeypatch.setattr(state, "_workspace_key", lambda: bytes(32))
    monkeypatch.setattr(worker, "_scores", lambda protocol: {})

    def found(each):
        run = services.request_run(trial="tilburg", purpose="x", by=researcher)
        for by in (principal, steward):
            services.approve_run(run_id=run.pk, by=by)
        state.put_workspace(run.code, {"study": "tilburg", "rows": list(rows(each)), "extra": {}})
        with acting_as("research_vault"):
            worker.run(run.code)
        document = json.loads(Result.objects.get(run=run).document)
        assert document["data_on"] == "2019-03-05"
        return next(one for one in document["analyses"] if one["id"] == "exit_24")

    first, second, third = found(60), found(63), found(72)
    assert first["details"]["arms"]["control"]["n"] == 60
    assert (second["rows"], second["refused"]) == ([], APART)
    assert third["details"]["arms"]["control"]["n"] == 72
