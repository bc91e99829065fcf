"""What must hold for every household, whatever its months look like."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coaching.money.case import Case
from coaching.money.facts import months_of
from coaching.money.fields import first_day, last_day, month_index, month_text
from coaching.money.history import history
from coaching.money.panel import cents, keep, panel_of
from coaching.money.words import euros, sentences

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
ERAS = {
    "decree-2017": (month_index(2017, 4), month_index(2019, 12)),
    "new-trial": (month_index(2025, 7), month_index(2028, 6)),
    "experiment-2009": (month_index(2009, 1), month_index(2010, 12)),
}
TRAITS = {
    "decree-2017": ["pension-age", "under-27"],
    "new-trial": ["pension-age", "under-27", "lone-parent", "medical-hours", "wage-subsidy", "more-hours-impossible"],
    "experiment-2009": ["lone-parent", "under-27"],
}
RULES = {
    "decree-2017": ["decree-2017", "regular"],
    "new-trial": ["new-trial", "regular", "regular-2027", "lone-parent", "wage-subsidy"],
    "experiment-2009": ["regular"],
}


@st.composite
def days(draw: st.DrawFn, first: int, last: int) -> date:
    month = draw(st.integers(first, last))
    return first_day(month).replace(day=draw(st.integers(1, last_day(month).day)))


@st.composite
def periods(draw: st.DrawFn, first: int, last: int) -> dict[str, str]:
    start, end = sorted([draw(days(first, last)), draw(days(first, last))])
    return {"from": start.isoformat(), "until": end.isoformat()}


@st.composite
def earnings(draw: st.DrawFn, names: list[str], first: int, last: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "member": draw(st.sampled_from(names)),
        "amount": str(Decimal(draw(st.integers(0, 250_000))) / 100),
        "hours": draw(st.integers(0, 40)),
        "job": draw(st.sampled_from(["bakery", "school", "garage"])),
    }
    if draw(st.booleans()):
        return entry | {"month": month_text(draw(st.integers(first, last)))}
    start = draw(st.integers(first, last))
    return entry | draw(periods(start, min(last, start + 2)))


@st.composite
def members(draw: st.DrawFn, name: str, era: str, first: int, last: int) -> dict[str, Any]:
    member: dict[str, Any] = {"name": name, "in_trial": draw(st.sampled_from([True, True, False]))}
    if draw(st.integers(0, 3)) == 0:
        member |= draw(periods(first, last))
    traits = draw(st.lists(st.sampled_from(TRAITS[era]), max_size=3, unique=True))
    member["traits"] = [{"trait": trait, **draw(periods(first, last))} for trait in traits]
    member["used"] = draw(st.dictionaries(st.sampled_from(RULES[era]), st.integers(0, 26), max_size=2))
    return member


SETTABLE: list[dict[str, Any]] = [
    {"unit": "person", "netting": False},
    {"unit": "household"},
    {"part_month_cap": "days"},
    {"rounding": "down"},
    {"rounding": "up"},
    {"months": 3, "count": "consecutive"},
    {"months": 2, "count": "consecutive", "restart": "new-job"},
    {"cap": None},
    {"cap": "50.00"},
    {
        "share": None,
        "base": "48",
        "base_hours": "12",
        "per_hour": "4.01",
        "whole_hours": True,
        "netting": True,
        "unit": "household",  # some rules are for a person, for whom nothing can be netted
    },
]


@st.composite
def set_by_the_municipality(draw: st.DrawFn, era: str) -> list[dict[str, Any]]:
    rule = draw(st.sampled_from({"experiment-2009": ["hours-2009", "regular"]}.get(era, RULES[era])))
    change = draw(st.sampled_from(SETTABLE))
    if rule == "hours-2009" and "share" in change:
        return []
    start = month_text(draw(st.integers(*ERAS[era])))
    if change.get("netting") and draw(st.booleans()):
        change = change | {"netting": False}
    return [{"rule": rule, "from": f"{start}-01", "set": change, "reason": "set"}]


@st.composite
def documents(
    draw: st.DrawFn, era: str | None = None, length: int | None = None, *, as_on_file: bool = False
) -> dict[str, Any]:
    """A household as a document: one or two members, part months, joining, leaving, jobs, months used before."""
    era = era or draw(st.sampled_from(sorted(ERAS)))
    earliest, latest = ERAS[era]
    length = length or draw(st.integers(2, 18))
    first = draw(st.integers(earliest, latest - length + 1))
    last = first + length - 1
    names = ["Anna", "Bert"][: draw(st.integers(1, 2))]
    document: dict[str, Any] = {
        "household": "H",
        "from": month_text(first),
        "until": month_text(last),
        "members": [draw(members(name, era, first, last)) for name in names],
        "provisions": [{"regime": era, **draw(periods(first, last))}] if draw(st.integers(0, 4)) else [],
        "earnings": draw(st.lists(earnings(names, first, last), max_size=10)),
        "regular_term_in_trial": draw(st.sampled_from(["runs", "waits"])),
    }
    if draw(st.integers(0, 3)) == 0:
        document["benefit"] = [draw(periods(first, last))]
    if draw(st.integers(0, 3)) == 0:
        document["other_disregards"] = [{"month": month_text(first), "amount": "35.50", "what": "tax credit"}]
    if not as_on_file and draw(st.booleans()):
        document["settings"] = draw(set_by_the_municipality(era))
    return document


def cases(era: str | None = None, *, as_on_file: bool = False) -> st.SearchStrategy[Case]:
    return documents(era, as_on_file=as_on_file).map(Case.model_validate)


def numbers(case: Case) -> list[tuple[Any, ...]]:
    return [(r.kept, r.regular.kept, r.shortfall, r.months_left, r.status) for r in history(case).months]


@given(cases())
@QUICK
def test_nobody_is_worse_off_than_under_the_ordinary_rule_once_corrected(case: Case) -> None:
    for result in history(case).months:
        assert result.total >= result.regular.kept
        assert (result.shortfall > 0) == (result.status == "shortfall") or result.trial is None


@given(cases())
@QUICK
def test_what_is_kept_is_never_negative_nor_above_the_earnings(case: Case) -> None:
    for result in history(case).months:
        assert 0 <= result.kept <= result.facts.counted
        assert 0 <= result.total <= result.facts.counted


@given(cases("decree-2017", as_on_file=True))
@QUICK
def test_two_earners_never_keep_more_than_one_cap_together(case: Case) -> None:
    for result in history(case).months:
        assert result.kept <= Decimal("199.00")


@given(documents(), st.data())
@QUICK
def test_the_order_of_entries_does_not_matter(document: dict[str, Any], data: st.DataObject) -> None:
    shuffled = document | {"earnings": data.draw(st.permutations(document["earnings"]))}
    assert numbers(Case.model_validate(document)) == numbers(Case.model_validate(shuffled))


@given(documents(), st.integers(0, 100))
@QUICK
def test_pay_of_a_month_in_two_entries_changes_nothing(document: dict[str, Any], percent: int) -> None:
    halves = []
    for entry in document["earnings"]:
        part = (Decimal(entry["amount"]) * percent / 100).quantize(Decimal("0.01"))
        hours = Decimal(entry["hours"]) * percent / 100
        halves.append(entry | {"amount": part, "hours": hours})
        halves.append(entry | {"amount": Decimal(entry["amount"]) - part, "hours": entry["hours"] - hours})
    split = document | {"earnings": halves}
    assert numbers(Case.model_validate(document)) == numbers(Case.model_validate(split))


@given(cases())
@QUICK
def test_no_rule_is_used_longer_than_its_months(case: Case) -> None:
    for result in history(case).months:
        for use in (*result.uses, *result.regular.uses):
            assert use.version.months is None or use.used <= use.version.months


@given(cases())
@QUICK
def test_every_month_is_explained_in_both_languages_down_to_the_amount_kept(case: Case) -> None:
    worked_out = history(case)
    for place, result in enumerate(worked_out.months):
        told = sentences(worked_out, place)
        assert told
        if result.facts.counted:
            assert any(euros(result.kept, "nl") in sentence.nl for sentence in told)
            assert any(euros(result.kept, "en") in sentence.en for sentence in told)


@pytest.mark.parametrize("era", sorted(ERAS))
@given(data=st.data())
@QUICK
def test_the_fast_path_gives_the_same_cents_as_the_explained_one(era: str, data: st.DataObject) -> None:
    case = data.draw(cases(era))
    alike = [case]
    document = data.draw(documents(era, len(case.months())))
    if document["from"] == month_text(case.first):
        same = {"regular_term_in_trial": case.regular_term_in_trial, "settings": case.settings}
        alike.append(Case.model_validate(document | same))
    alike = [each for each in alike if {p.regime for p in each.provisions} == {p.regime for p in case.provisions}]
    fast = keep(panel_of(alike), case.book())
    for row, each in enumerate(alike):
        worked_out = history(each).months
        assert [cents(result.kept) for result in worked_out] == fast.kept[row].tolist()
        assert [cents(result.regular.kept) for result in worked_out] == fast.regular[row].tolist()
        assert [cents(result.shortfall) for result in worked_out] == fast.shortfall[row].tolist()


@given(cases())
@QUICK
def test_pay_spread_over_days_keeps_its_sum_but_for_the_cents_of_each_month(case: Case) -> None:
    months = months_of(case)
    counted = sum(pay.counted + pay.not_counted for month in months for pay in month.pay.values())
    entered = sum(entry.amount for entry in case.earnings)
    assert counted <= entered + Decimal("0.015") * len(months) * len(case.members)
