"""Nothing about few people leaves the study worker: not in a number, and not by subtracting two results. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialmgr.protocol.schema import Protocol

Sizes = dict[tuple[str, str], int]
"""Persons behind the numbers of an arm, by arm and what was counted."""


def guarded(
    results: Mapping[str, Any], protocol: Protocol, earlier: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The results with every analysis withheld that would tell about fewer persons than the smallest cell.

    Withheld is an analysis in which an arm has fewer persons, or fewer with (or without) a yes-or-no outcome; and one
    in which an arm has a few more or fewer persons than in an analysis of the same outcomes that is there already, in
    an earlier result or above it in this one: the sums of both would give those few away.
    """
    minimum, about = protocol.privacy.minimum_cell, outcomes_of(protocol)
    known = [_sizes(one | _about(one, about)) for document in earlier for one in document["analyses"]]
    kept = []
    for analysis in results["analyses"]:
        one = analysis | _about(analysis, about)
        one = _without_small(one, minimum)
        one = _without_differences(one, known, minimum)
        known.append(_sizes(one))
        kept.append(one)
    return {**results, "analyses": kept}


def _about(analysis: Mapping[str, Any], about: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What an analysis is about, also of a result that was made before results said so."""
    return {"about": analysis.get("about") or about.get(analysis["id"]) or [analysis["id"]]}


def outcomes_of(protocol: Protocol) -> dict[str, list[str]]:
    """The outcomes of the protocol that each analysis of the plan reads, also through columns made of them."""
    plan = protocol.analysis.plan.as_data()
    codes = {outcome.code for outcome in protocol.outcomes}
    made = {name: set(_texts(what)) for name, what in plan.get("columns", {}).items()}
    return {item["id"]: sorted(_reached(set(_texts(item)), made) & codes) for item in plan["analyses"]}


def _reached(names: set[str], made: Mapping[str, set[str]]) -> set[str]:
    wider = names.union(*(made[name] for name in names & made.keys()))
    return names if wider == names else _reached(wider, made)


def _texts(part: Any) -> Iterable[str]:
    if isinstance(part, Mapping):
        part = [value for key, value in part.items() if key not in ("id", "method")]
    if isinstance(part, str):
        yield part
    elif isinstance(part, Sequence):
        for item in part:
            yield from _texts(item)


def _without_small(analysis: dict[str, Any], minimum: int) -> dict[str, Any]:
    if any(_too_few(counts, minimum) for counts in analysis["details"].get("arms", {}).values()):
        return _withheld(analysis, f"withheld: fewer than {minimum} persons would stand behind a number")
    return analysis


def _too_few(counts: Mapping[str, Any], minimum: int) -> bool:
    persons, events = counts.get("n"), counts.get("events")
    groups = [persons] if events is None else [persons, events, persons - events]
    return any(0 < size < minimum for size in groups if size is not None)


def _without_differences(analysis: dict[str, Any], known: Iterable[Sizes], minimum: int) -> dict[str, Any]:
    own = _sizes(analysis)
    apart = (abs(own[key] - other[key]) for other in known for key in own.keys() & other.keys())
    if any(0 < few < minimum for few in apart):
        reason = f"withheld: together with an earlier result it would tell about fewer than {minimum} persons"
        return _withheld(analysis, reason)
    return analysis


def _sizes(analysis: Mapping[str, Any]) -> Sizes:
    """How many persons are behind each arm; nothing for an analysis that was refused or withheld."""
    whole = " ".join(analysis.get("about", [analysis["id"]]))
    sizes: Sizes = {}
    for arm, counts in analysis["details"].get("arms", {}).items():
        sizes |= {(arm, f"observed {outcome}"): n for outcome, n in counts.get("observed", {}).items()}
        if counts.get("n") is not None:
            sizes[arm, whole] = counts["n"]
    return sizes


def _withheld(analysis: dict[str, Any], reason: str) -> dict[str, Any]:
    """Without its numbers, also those of how many persons there were."""
    bare = {"rows": [], "details": {}, "messages": [], "dropped": [], "n_used": None}
    return {**analysis, **bare, "refused": reason}
