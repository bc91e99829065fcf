"""The citizen service number (burgerservicenummer), which may stand nowhere in this product (UAVG art. 46)."""

import re

WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
NINE_DIGITS = re.compile(r"(?<!\d)\d(?:[ .]?\d){8}(?!\d)")


def holds_bsn(text: str) -> bool:
    """Whether nine digits in a row, with spaces or points between them or not, pass the eleven test."""
    return any(is_bsn(re.sub(r"\D", "", found[0])) for found in NINE_DIGITS.finditer(text))


def is_bsn(digits: str) -> bool:
    """The eleven test: nine digits weighed 9 to 2 and -1 add up to a multiple of eleven, and are not all zero."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, digits, strict=True))
    return total % 11 == 0 and digits != "0" * 9
