"""Nothing about few people leaves the study worker. Pure."""

from collections.abc import Mapping
from typing import Any


def guarded(results: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    """The results with every analysis withheld that would tell about fewer than `minimum` persons.

    Withheld is an analysis in which an arm has fewer persons, or fewer with (or without) a yes-or-no outcome.
    """
    return {**results, "analyses": [_guarded(one, minimum) for one in results["analyses"]]}


def _guarded(analysis: Mapping[str, Any], minimum: int) -> dict[str, Any]:
    small = [arm for arm, counts in analysis["details"].get("arms", {}).items() if _too_few(counts, minimum)]
    if not small:
        return dict(analysis)
    reason = f"withheld: fewer than {minimum} persons would stand behind a number"
    return {**analysis, "rows": [], "details": {}, "messages": [], "refused": reason}


def _too_few(counts: Mapping[str, Any], minimum: int) -> bool:
    persons, events = counts.get("n"), counts.get("events")
    groups = [persons] if events is None else [persons, events, persons - events]
    return any(0 < size < minimum for size in groups if size is not None)
