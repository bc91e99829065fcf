"""What a name of a unit, a stratum or an arm may look like, so that every message is unambiguous."""

import re
import unicodedata

HEX64 = re.compile(r"[0-9a-f]{64}")
BEACON = re.compile(r"(0|[1-9][0-9]*):[0-9a-f]{64}")


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name, and what would be right; None for a good one."""
    if not name:
        return "is empty", "give it a name"
    if name.isascii() and name.isprintable():
        return None
    kinds = {unicodedata.category(sign) for sign in name}
    if kinds & {"Cc", "Zl", "Zp"}:
        return f"{name!r} holds a TAB or a line break", "write it on one line without TAB"
    if "Cs" in kinds:
        return f"{name!r} is not valid text", "write it again"
    if not unicodedata.is_normalized("NFC", name):
        return f"{name!r} is not in Unicode form NFC", "write its accents as single characters"
    return None
