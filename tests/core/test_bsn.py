"""A citizen service number in a text is found; other numbers are left alone."""

import pytest

from trialmgr.core.bsn import holds_bsn

# 111222333 is the example in the ministry's own test sets; 9*1+8*1+7*1+6*2+5*2+4*2+3*3+2*3-3 = 66 = 6 * 11.


@pytest.mark.parametrize(
    "text",
    [
        "111222333",
        "BSN 111222333.",
        "bsn:111 222 333",
        "111.222.333",
        "1 1 1 2 2 2 3 3 3",
        "x111222333y",
        "111222333 12-3-1980",
        "111222333 30 min",
    ],
)
def test_a_citizen_service_number_is_found(text):
    assert holds_bsn(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "111222334",
        "000000000",
        "0613141516",
        "06-12345678",
        "41204170",
        "1112223330",
        "op 5-3-2018 om 14.30",
        "12345678",
    ],
)
def test_other_numbers_are_not(text):
    assert not holds_bsn(text)
