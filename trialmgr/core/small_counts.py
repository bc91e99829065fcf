"""Small counts are not shown: with a few persons behind it, a number may tell who they are."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)


def hidden(counts: Mapping[Key, int], smallest: int) -> dict[Key, int | None]:
    """The counts of one total, with None in the place of those from one up to the smallest cell.

    A single hidden count would follow from the total, so the smallest of the others is hidden with it.
    """
    missing = {key for key, n in counts.items() if 0 < n < smallest}
    others: list[tuple[int, Any]] = [(n, key) for key, n in counts.items() if n and key not in missing]
    if len(missing) == 1 and others:
        missing.add(min(others)[1])
    return {key: None if key in missing else n for key, n in counts.items()}
