"""Household histories worked out by hand from the text of the rules: `histories/*.yaml`, the arithmetic in words."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coaching.money.checks import case_of
from coaching.money.fields import month_text
from coaching.money.history import History, Result, history
from coaching.money.panel import cents, keep, panel_of
from trialmgr.core.documents import Document, read_document

FILES = sorted(Path(__file__).with_name("histories").glob("*.yaml"))
KNOWN = {"id", "case", "by_hand", "expect", "bonuses", "used", "sum_kept"}
MONTH_KEYS = {"kept", "ordinary", "shortfall", "left", "status", "earned", "change"}


def entries() -> list[Any]:
    return [
        pytest.param(entry, id=f"{path.stem}:{entry['id']}")
        for path in FILES
        for entry in read_document(path).data["histories"]
    ]


def worked_out(entry: dict[str, Any]) -> History:
    return history(case_of(Document(Path("history.yaml"), entry["case"])))


def months_in(span: str) -> tuple[str, str]:
    first, _, last = span.partition(" to ")
    return first, last or first


def actual(result: Result, name: str) -> Any:
    return {
        "kept": result.kept,
        "ordinary": result.regular.kept,
        "shortfall": result.shortfall,
        "left": "free" if result.months_left is None else result.months_left,
        "status": result.status,
        "earned": result.facts.counted,
        "change": result.difference,
    }[name]


def as_written(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, int | float) else value


def test_there_are_at_least_sixty_histories_each_with_its_arithmetic_in_words() -> None:
    everything = [entry.values[0] for entry in entries()]
    assert len(everything) >= 60
    assert len({entry["id"] for entry in everything}) == len(everything)
    assert all(len(entry["by_hand"].split()) >= 8 and set(entry) <= KNOWN for entry in everything)


@pytest.mark.parametrize("entry", entries())
def test_a_history_comes_out_as_worked_out_by_hand(entry: dict[str, Any]) -> None:
    done = worked_out(entry)
    expected = {months_in(span): values for span, values in entry.get("expect", {}).items()}
    seen = 0
    for result in done.months:
        month = month_text(result.month)
        for (first, last), values in expected.items():
            if first <= month <= last:
                seen += 1
                assert set(values) <= MONTH_KEYS
                for name, value in ({"shortfall": 0} | values).items():
                    assert actual(result, name) == as_written(value), f"{month}: {name}"
    assert seen == (len(done.months) if expected else 0)
    if "sum_kept" in entry:
        assert sum(result.kept for result in done.months) == as_written(entry["sum_kept"])
    for member, rules in entry.get("used", {}).items():
        assert done.carried[member] == rules


@pytest.mark.parametrize("entry", [entry for entry in entries() if "bonuses" in entry.values[0]])
def test_a_premium_comes_out_as_worked_out_by_hand(entry: dict[str, Any]) -> None:
    ledger = worked_out(entry).bonuses
    assert len(ledger) == len(entry["bonuses"])
    for line, expected in zip(ledger, entry["bonuses"], strict=True):
        found = {"free": line.free, "counted": line.counted, "left": line.ceiling_left, "payments": line.payments_left}
        for name, value in expected.items():
            assert ({**found, "why": line.why}[name]) == as_written(value), name


@pytest.mark.parametrize("entry", [entry for entry in entries() if "expect" in entry.values[0]])
def test_the_fast_path_gives_the_same_cents(entry: dict[str, Any]) -> None:
    done = worked_out(entry)
    fast = keep(panel_of([done.case]), done.book)
    assert fast.kept[0].tolist() == [cents(result.kept) for result in done.months]
    assert fast.regular[0].tolist() == [cents(result.regular.kept) for result in done.months]
    assert fast.shortfall[0].tolist() == [cents(result.shortfall) for result in done.months]
