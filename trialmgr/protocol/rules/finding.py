"""What a rule reports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trialmgr.core.documents import Key
from trialmgr.protocol.schema import Protocol


@dataclass(frozen=True)
class Finding:
    """Something wrong or unwise: the key it stands at, what it is, and what would be right."""

    key: Key
    what: str
    remedy: str


def unique(parts: Sequence[Any], key: Key, called: str) -> Iterator[Finding]:
    """A fault for each part whose code an earlier one has."""
    seen: set[str] = set()
    for place, part in enumerate(parts):
        if part.code in seen:
            yield Finding(
                (*key, place, "code"), f"is {part.code!r}, which another {called} has", "give it its own code"
            )
        seen.add(part.code)


def known(codes: Sequence[str], among: Sequence[Any], key: Key, called: str) -> Iterator[Finding]:
    """A fault for each code in the list at `key` that none of the parts has."""
    have = [part.code for part in among]
    for place, code in enumerate(codes):
        if code not in have:
            yield Finding((*key, place), f"{code!r} is no {called} of this protocol", f"write one of {', '.join(have)}")


def each_provision(protocol: Protocol) -> Iterator[tuple[int, int, Any]]:
    """The place of the arm, the place in the arm, and the provision."""
    for arm_place, arm in enumerate(protocol.arms):
        for place, provision in enumerate(arm.provisions):
            yield arm_place, place, provision
