"""Anchors: lines with the chain's last hash that leave the database, so that nobody can cut or remake it unseen."""

from pathlib import Path

from django.conf import settings

from trialmgr.core import audit
from trialmgr.core.errors import BadInput, Fault


def write() -> str | None:
    """Append `seq hash` of the last event to the anchor file; give the line, or None when nothing is new."""
    head = audit.head()
    if head is None or not settings.ANCHOR_FILE:
        return None
    path = Path(settings.ANCHOR_FILE)
    line = f"{head[0]} {head[1]}"
    if path.exists() and path.read_text("ascii").splitlines()[-1:] == [line]:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.write(line + "\n")
    return line


def read(path: str | Path) -> dict[int, str]:
    """The anchored hash of each event number in the file. Raises BadInput with the line that is not an anchor."""
    found: dict[int, str] = {}
    try:
        lines = Path(path).read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(Fault(str(path), f"cannot be read ({error})", "give the anchor file")) from None
    for place, line in enumerate(lines, 1):
        number, _, digest = line.partition(" ")
        if not number.isdecimal() or len(digest) != 64:
            raise BadInput(Fault(f"{path}:{place}", "is not an anchor", "a line holds a number and 64 hex digits"))
        if found.setdefault(int(number), digest) != digest:
            raise BadInput(Fault(f"{path}:{place}", f"event {number} has two anchors", "ask who changed the file"))
    return found
