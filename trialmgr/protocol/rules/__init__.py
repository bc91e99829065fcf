"""Everything that a well-formed protocol must still obey: its regime, itself, and what is wise."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from trialmgr.protocol.partial import UndecidableError
from trialmgr.protocol.rules import arms, law, measuring, setting, wise
from trialmgr.protocol.rules.finding import Finding
from trialmgr.protocol.schema import Protocol

__all__ = ["FAULTS", "REMARKS", "Finding", "findings"]

Rule = Callable[[Protocol], Iterator[Finding]]
FAULTS: tuple[Rule, ...] = (*law.RULES, *setting.RULES, *arms.RULES, *measuring.RULES)
REMARKS: tuple[Rule, ...] = wise.RULES


def findings(protocol: Protocol, rules: tuple[Rule, ...]) -> list[Finding]:
    """What the rules find; a rule that meets an unreadable part says nothing more."""
    found: list[Finding] = []
    for rule in rules:
        with suppress(UndecidableError):
            # One at a time, so that what was found before the unreadable part is kept.
            for finding in rule(protocol):
                found.append(finding)  # noqa: PERF402
    return found
