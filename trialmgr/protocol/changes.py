"""What differs between two versions of a protocol, and what may not differ once lots were drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trialmgr.core.errors import Fault
from trialmgr.protocol.schema import Protocol


@dataclass(frozen=True)
class Change:
    """One changed part: its key, with the codes of arms, waves and so on in place of numbers, and both values.

    None stands for a part that is not there.
    """

    key: str
    before: Any
    after: Any


def changes(before: Protocol, after: Protocol) -> list[Change]:
    """Every part that differs, in the order of the file."""
    return list(_differences("", before.model_dump(mode="json"), after.model_dump(mode="json")))


def undone(before: Protocol, after: Protocol) -> list[Fault]:
    """What an amendment after the first draw takes away though people depend on it."""
    faults = [
        Fault(f"{name}.{part.code}", "people may have been drawn or asked under it", "keep it, under the same code")
        for name in ("sites", "rounds", "arms", "waves")
        for part in getattr(before, name)
        if part.code not in {kept.code for kept in getattr(after, name)}
    ]
    if after.analysis.comparator != before.analysis.comparator:
        faults.append(
            Fault("analysis.comparator", "was registered before the first draw", f"write {before.analysis.comparator}")
        )
    if after.allocation.unit != before.allocation.unit:
        faults.append(Fault("allocation.unit", "lots were drawn by it", f"write {before.allocation.unit}"))
    return faults


def _differences(key: str, before: Any, after: Any) -> Iterator[Change]:
    old, new = _named(before), _named(after)
    if old is None or new is None:
        if before != after:
            yield Change(key, before, after)
        return
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _differences(f"{key}.{name}" if key else name, old.get(name), new.get(name))


def _named(value: Any) -> dict[str, Any] | None:
    """The parts of a value by name: the keys of a group, or the codes of a list whose items all have one."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for name in ("code", "id", "kind"):
            if all(name in item for item in value) and len({item[name] for item in value}) == len(value):
                return {str(item[name]): item for item in value}
    return None
