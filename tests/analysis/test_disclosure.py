"""Small cells: hand-made tables, every table that the margins allow counted out, properties, and refusals."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimators.small_cells import counts_of, intervals, primary, secondary

CITY = {"north": {"work": 34, "none": 162}, "south": {"work": 3, "none": 143}, "west": {"work": 40, "none": 153}}


def hidden_of(found):
    return {(item["term"], item["outcome"]) for item in found["rows"] if item["measure"] == "hidden"}


def test_a_small_cell_takes_others_with_it_so_that_no_subtraction_gives_it_back(analyse, row):
    found = analyse(None, method="suppress", cells=CITY)
    assert found["details"]["primary"] == ["south:work"]
    assert found["details"]["secondary"] == ["north:work", "north:none", "south:none"]
    small = row(found, term="south", outcome="work")
    # north:work + south:work = 37 is all that the margins tell
    assert (small["measure"], small["conf_low"], small["conf_high"]) == ("hidden", 0, 37)
    assert row(found, term="west", outcome="none", measure="published")["estimate"] == 153


def test_nothing_of_a_hidden_cell_is_in_the_result(analyse):
    found = analyse(None, method="suppress", cells=CITY)
    hidden = [item for item in found["rows"] if item["measure"] == "hidden"]
    assert all(item["estimate"] is None and item["n"] is None for item in hidden)
    assert len(hidden) == 4


def test_the_audit_finds_a_cell_that_one_subtraction_gives_back(analyse, row):
    found = analyse(None, method="audit_suppression", cells=CITY, hidden=["south:work"])
    assert (
        row(found, term="south", outcome="work")["conf_low"],
        row(found, term="south", outcome="work")["conf_high"],
    ) == (3, 3)
    assert found["details"]["given_away"] == ["south:work"]
    assert found["details"]["safe"] is False
    good = analyse(
        None, method="audit_suppression", cells=CITY, hidden=["south:work", "north:work", "north:none", "south:none"]
    )
    assert good["details"]["safe"] is True


def test_the_audit_finds_a_small_cell_that_is_shown(analyse):
    found = analyse(None, method="audit_suppression", cells=CITY, hidden=[])
    assert found["details"]["not_hidden"] == ["south:work"]


def test_rows_of_data_with_a_total_that_holds_more_than_the_columns(analyse, row):
    data = {"arm": ["A", "B", "C"], "work": [34.0, 4, 40], "moved": [20.0, 30, 25], "all": [100.0, 100, 100]}
    table = {"label": "arm", "columns": ["work", "moved"], "total": "all"}
    found = analyse(data, method="suppress", table=table)
    assert found["details"]["primary"] == ["B:work"]
    assert {item["outcome"] for item in found["rows"]} == {"work", "moved", "(rest)"}
    assert ("B", "work") in hidden_of(found)


def test_a_row_of_totals_is_not_a_row_of_people(analyse):
    data = {"arm": ["A", "B", "total"], "work": [34.0, 40, 74], "none": [66.0, 60, 126], "total": [100.0, 100, 200]}
    table = {"label": "arm", "columns": ["work", "none"], "total": "total"}
    found = analyse(data, method="suppress", table=table)
    assert {item["term"] for item in found["rows"]} == {"A", "B"}
    assert found["n_used"] == 2


def test_an_empty_cell_is_safe_unless_said_otherwise_and_tells_about_its_row(analyse):
    cells = {"north": {"work": 0, "none": 60}, "south": {"work": 30, "none": 40}, "west": {"work": 20, "none": 30}}
    found = analyse(None, method="suppress", cells=cells)
    assert found["details"]["primary"] == []
    assert found["details"]["group_disclosure"] == ["north"]
    assert analyse(None, method="suppress", cells=cells, zero_is_safe=False)["details"]["primary"] == ["north:work"]


def test_a_total_of_few_persons_is_hidden_too(analyse):
    cells = {"north": {"work": 3, "none": 2}, "south": {"work": 30, "none": 40}, "west": {"work": 35, "none": 45}}
    found = analyse(None, method="suppress", cells=cells)
    assert ("north", "total") in hidden_of(found)


def test_statistics_on_few_persons_are_withheld(analyse, row):
    statistics = {"mean": {"n": 40, "value": 3.5}, "few": {"n": 9, "value": 1.25}, "nobody": {"n": 0, "value": None}}
    found = analyse(None, method="suppress", statistics=statistics)
    assert row(found, term="mean", measure="published")["estimate"] == 3.5
    few = row(found, term="few", measure="withheld")
    assert few["estimate"] is None
    assert few["n"] is None
    assert row(found, term="nobody", measure="none")["n"] == 0


def test_intervals_are_those_of_every_table_the_margins_allow():
    n = np.array([[2, 5, 1], [4, 0, 3]])
    table = counts_of(("a", "b"), ("x", "y", "z"), n.astype(float))
    hidden = np.zeros((3, 4), bool)
    hidden[:2, :3] = [[1, 0, 1], [1, 1, 1]]
    hidden[0, 1] = True
    possible = []
    for first in product(range(9), repeat=3):
        second = n.sum(axis=0) - first
        if sum(first) == n[0].sum() and (second >= 0).all():
            possible.append([first, second])
    possible = np.array(possible)
    for (r, c), (low, high) in intervals(table, hidden).items():
        assert (low, high) == (possible[:, r, c].min(), possible[:, r, c].max())


tables = st.tuples(st.integers(2, 4), st.integers(2, 3)).flatmap(
    lambda shape: st.lists(st.integers(0, 60), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
        lambda values: np.array(values, float).reshape(shape)
    )
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(tables)
def test_no_small_cell_can_be_worked_out_of_any_table(n):
    table = counts_of(tuple("abcd"[: n.shape[0]]), tuple("xyz"[: n.shape[1]]), n)
    small = primary(table, 10, True)
    hidden = small | secondary(table, small)
    for cell, (low, high) in intervals(table, hidden).items():
        assert low <= table.n[cell] <= high
        assert high - low >= 5
    for line in (*hidden, *hidden.T):
        assert line.sum() != 1


def test_a_table_of_few_persons_shows_nothing(analyse, row):
    found = analyse(None, method="suppress", cells={"a": {"x": 3, "y": 1}, "b": {"x": 2, "y": 2}})
    assert {item["measure"] for item in found["rows"]} == {"hidden"}
    assert row(found, term="a", outcome="x")["conf_high"] is None


def test_rows_with_other_columns_are_refused(analyse):
    found = analyse(None, method="suppress", cells={"a": {"x": 20, "y": 30}, "b": {"x": 20}})
    assert "has no cell 'y'" in found["refused"]


def test_a_hidden_cell_that_is_not_in_the_table_is_refused(analyse):
    assert "no cell 'x:y'" in analyse(None, method="audit_suppression", cells=CITY, hidden="x:y")["refused"]
