"""A case that cannot be used says where, what and what would be right, and nothing is worked out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coaching.money.case import Case
from trialmgr.core.documents import read_document
from trialmgr.core.errors import BadInput

FAULTS = read_document(Path(__file__).with_name("faults.yaml")).data


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_tells_its_place_and_what_would_be_right(name: str, case_from: Callable[[str], Case]) -> None:
    with pytest.raises(BadInput) as caught:
        case_from(FAULTS[name]["case"])
    assert FAULTS[name]["says"] in str(caught.value)


def test_every_fault_of_a_case_is_told_at_once(case_from: Callable[[str], Case]) -> None:
    with pytest.raises(BadInput) as caught:
        case_from(
            "household: H\nfrom: 2018-01\nuntil: 2018-03\nmembers: [{name: Anna}, {name: Bert}]\n"
            "earnings: [{month: 2018-01, amount: 1}, {member: Cor, month: 2019-01, amount: 1}]\n"
        )
    assert len(caught.value.faults) == 3


def test_a_correction_of_some_days_of_a_month_is_accepted(case_from: Callable[[str], Case]) -> None:
    case = case_from(
        "household: H\nfrom: 2018-01\nuntil: 2018-01\nmembers: [{name: Anna}]\n"
        "earnings: [{month: 2018-01, amount: 100}, {from: 2018-01-10, until: 2018-01-20, amount: -20}]\n"
    )
    assert len(case.earnings) == 2


def test_a_lone_parent_until_the_day_before_a_partner_joins_is_accepted(case_from: Callable[[str], Case]) -> None:
    case = case_from(
        "household: H\nfrom: 2018-01\nuntil: 2018-03\nmembers:\n"
        "  - {name: Anna, traits: [{trait: lone-parent, from: 2018-01-01, until: 2018-02-14}]}\n"
        "  - {name: Bert, from: 2018-02-15}\n"
    )
    assert len(case.members) == 2
