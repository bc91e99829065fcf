"""How numbers stand on a page: rounded, never cut off, by the language of the page."""

import math
from decimal import Decimal

import pytest
from django.utils.translation import override

from trialmgr.core.templatetags.formats import decimals


@pytest.mark.parametrize(
    ("value", "places", "dutch", "english"),
    [
        (1.7908, 1, "1,8", "1.8"),
        (0.857796, 3, "0,858", "0.858"),
        (0.0499, 2, "0,05", "0.05"),
        (0.9996, 3, "1,000", "1.000"),
        (2.675, 2, "2,68", "2.68"),
        (-1.25, 1, "-1,3", "-1.3"),
        (-0.004, 2, "0,00", "0.00"),
        (1234.5, 0, "1.235", "1,235"),
        (Decimal("1.45"), 1, "1,5", "1.5"),
        (7, 2, "7,00", "7.00"),
        (2e-9, 3, "0,000", "0.000"),
    ],
)
def test_a_number_is_rounded_in_both_languages(value, places, dutch, english):
    for language, shown in (("nl", dutch), ("en", english)):
        with override(language):
            assert decimals(value, places) == shown


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(value):
    assert decimals(value) == "–"


def test_the_largest_number_is_no_fault():
    assert decimals(1.7e308, 1) == "1,7e+308"
