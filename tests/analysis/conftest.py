"""Helpers for tests of the estimators: run a plan written as data on a file of the reference folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.estimators.data_files import read_table
from analysis.estimators.plan_reading import plan_of
from analysis.estimators.results import Result, plain
from analysis.estimators.run import run_plan
from analysis.estimators.tables import Table, table_of
from analysis.report.dutch import dutch
from trialmgr.core.documents import parse_document

REFERENCE = Path(__file__).parent / "reference"
Run = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True, scope="session")
def dutch_is_complete() -> Iterator[None]:
    """Whatever an analysis of these tests remarks is known in Dutch."""
    remarks: set[str] = set()
    make = Result.__init__

    def noting(result: Result, *args: Any, **fields: Any) -> None:
        make(result, *args, **fields)
        notes = (row.note for row in result.rows)
        remarks.update(text for text in (*notes, *result.messages, result.refused) if text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Result, "__init__", noting)
        yield
    assert sorted(text for text in remarks if dutch(text) is None) == []


@pytest.fixture
def analyse() -> Run:
    """`analyse(data, method=..., ...)` gives the result of one analysis; `data` is a CSV name or columns."""

    def one(data: str | dict[str, Any] | None, *, plan: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
        whole = {**(plan or {}), "analyses": [{"id": "a", **keys}]}
        return analyse_plan(data, whole)["analyses"][0]

    return one


@pytest.fixture
def run() -> Run:
    return analyse_plan


def analyse_plan(data: str | dict[str, Any] | None, plan: dict[str, Any]) -> dict[str, Any]:
    document = parse_document(yaml.safe_dump(plan, sort_keys=False), REFERENCE / "plan.yaml")
    return plain(run_plan(plan_of(document), _table(data)))


def _table(data: str | dict[str, Any] | None) -> Table | None:
    if data is None:
        return None
    return read_table(REFERENCE / data) if isinstance(data, str) else table_of(data)


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    """Numbers of another program, as its script in the reference folder wrote them."""
    return lambda name: json.loads((REFERENCE / name).read_text())


@pytest.fixture(scope="session")
def row() -> Callable[..., dict[str, Any]]:
    """`row(result, term="B", measure="risk")`: the one row that has these values."""

    def only(result: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        assert result["refused"] is None, result["refused"]
        found = [item for item in result["rows"] if all(item[key] == value for key, value in wanted.items())]
        assert len(found) == 1, f"{len(found)} rows have {wanted}"
        return found[0]

    return only
