"""The flow of participants: a log counted by hand, the published flow of Wageningen, identities, and refusals."""

from collections import Counter

import numpy as np
import pytest

from trialmgr.core.errors import BadInput

PLAN = {"data": {"arm": "arm", "control": "A"}}
LOG = {"person": "person", "date": "date", "event": "event", "detail": "detail"}
LINES = """
p1 2018-01-01 invited -
p1 2018-01-05 consented -
p1 2018-01-10 randomised A
p1 2018-01-12 received_allocated -
p1 2018-06-01 survey 1
p1 2018-06-01 survey 1
p1 2019-01-01 survey 2
p2 2018-01-01 invited -
p2 2018-01-10 randomised B
p2 2018-01-15 did_not_receive ill
p2 2018-02-01 received_allocated -
p2 2018-06-02 survey 1
p2 2018-09-01 withdrew_consent -
p3 2018-01-01 invited -
p3 2018-01-03 excluded moved
p4 2018-01-01 invited -
p4 2018-01-04 excluded declined
p5 2018-01-10 randomised B
p5 2018-01-20 received_allocated -
p5 2018-01-25 correction did_not_receive:work
p5 2018-06-03 survey 1
p5 2018-07-01 correction survey:2
p6 2018-01-01 invited -
p6 2018-01-03 excluded moved
p6 2018-01-09 correction excluded:declined
"""


def log_of(lines=LINES):
    cells = [line.split(maxsplit=3) for line in lines.strip().splitlines()]
    return {name: [None if row[k] == "-" else row[k] for row in cells] for k, name in enumerate(LOG)}


def n_of(found, term, measure, wave=None, event=None):
    assert found["refused"] is None, found["refused"]
    keys = ("term", "measure", "wave", "event")
    rows = [item for item in found["rows"] if tuple(item[k] for k in keys) == (term, measure, wave, event)]
    assert len(rows) == 1
    return rows[0]["n"]


def test_the_published_flow_of_wageningen(analyse):
    found = analyse(None, method="consort_flow", counts={"allocated": 410, "stopped": 16, "exited": 110})
    assert n_of(found, "all", "remaining") == 284
    assert n_of(found, "all", "allocated") == 410


def test_a_log_with_doubles_and_corrections_is_counted_as_by_hand(analyse):
    found = analyse(log_of(), plan=PLAN, method="consort_flow", log=LOG)
    assert n_of(found, "all", "assessed") == 6
    assert n_of(found, "all", "excluded") == 3
    assert n_of(found, "all", "excluded", event="moved") == 1
    assert n_of(found, "all", "excluded", event="declined") == 2
    assert {arm: n_of(found, arm, "allocated") for arm in ("all", "A", "B")} == {"all": 3, "A": 1, "B": 2}
    assert n_of(found, "B", "received") == 1
    assert n_of(found, "B", "not_received") == 1
    assert n_of(found, "B", "withdrew") == 1
    assert {wave: n_of(found, "B", "answered", wave=wave) for wave in (1, 2)} == {1: 1, 2: 1}
    assert n_of(found, "all", "answered", wave=1) == 2
    assert n_of(found, "all", "not_answered", wave=1) == 1
    assert n_of(found, "all", "analysed") == 3
    assert n_of(found, "all", "analysed", wave=2) == 2


def test_the_order_of_the_lines_does_not_matter_and_doubles_count_once(analyse):
    lines = LINES.strip().splitlines()
    rng = np.random.default_rng(3)
    whole = analyse(log_of(), plan=PLAN, method="consort_flow", log=LOG)["rows"]
    mixed = [lines[place] for place in rng.permutation(len(lines))] + [lines[5]]
    assert analyse(log_of("\n".join(mixed)), plan=PLAN, method="consort_flow", log=LOG)["rows"] == whole


def test_every_person_is_in_one_box(analyse):
    rng = np.random.default_rng(11)
    lines, arms = [], Counter()
    for person in range(300):
        if rng.random() < 0.3:
            lines.append(f"p{person} 2018-01-01 excluded r{rng.integers(3)}")
            continue
        arm = "ABC"[rng.integers(3)]
        arms[arm] += 1
        lines.append(f"p{person} 2018-01-02 randomised {arm}")
        if rng.random() < 0.8:
            lines.append(f"p{person} 2018-01-03 received_allocated -")
        lines += [f"p{person} 2019-01-0{wave} survey {wave}" for wave in (1, 2, 3) if rng.random() < 0.7]
    found = analyse(log_of("\n".join(lines)), plan=PLAN, method="consort_flow", log=LOG)
    assert n_of(found, "all", "assessed") == n_of(found, "all", "excluded") + n_of(found, "all", "randomised")
    for arm, n in arms.items():
        assert n_of(found, arm, "allocated") == n
        assert n_of(found, arm, "received") + n_of(found, arm, "not_received") == n
        for wave in (1, 2, 3):
            assert n_of(found, arm, "answered", wave=wave) + n_of(found, arm, "not_answered", wave=wave) == n
    assert sum(n_of(found, arm, "withdrew") for arm in arms) == n_of(found, "all", "withdrew")


def test_what_the_log_leaves_open_is_said(analyse):
    found = analyse(log_of("p1 2018-01-01 randomised A\np2 2018-01-01 invited -"), method="consort_flow", log=LOG)
    assert any("no record of what they received" in message for message in found["messages"])
    assert any("neither excluded nor randomised" in message for message in found["messages"])


def test_two_arms_for_one_person_keep_the_first(analyse):
    found = analyse(log_of("p1 2018-01-01 randomised A\np1 2018-02-01 randomised B"), method="consort_flow", log=LOG)
    assert n_of(found, "A", "allocated") == 1
    assert any("the first counts" in message for message in found["messages"])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("p1 2018-01-01 draw A", "data row 1 has the event 'draw'"),
        ("p1 2018-01-01 randomised -", "names no arm"),
        ("p1 1-3-2018 randomised A", "not written as year-month-day"),
        ("p1 2018-01-01 correction moved", "the correction in data row 1"),
        ("p1 2018-01-01 invited -", "nobody in the log was randomised"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_with_its_row(analyse, lines, words):
    assert words in analyse(log_of(lines), method="consort_flow", log=LOG)["refused"]


def test_more_persons_gone_than_allocated_is_refused(analyse):
    found = analyse(None, method="consort_flow", counts={"allocated": 10, "stopped": 11})
    assert "more persons left" in found["refused"]


def test_a_flow_needs_a_log_or_counts(analyse):
    with pytest.raises(BadInput, match="needs one of `log` and `counts`"):
        analyse(None, method="consort_flow")
