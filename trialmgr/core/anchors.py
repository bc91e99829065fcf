"""Anchors: lines with the chain's last hash that leave the database, so that nobody can cut or remake it unseen.

A database that is restored from a backup ends before its last anchor. What happened in between is forgotten there, and
not in the world: groups may have been drawn and told. So no list is closed until somebody vouches for what was lost.
"""

import logging
from pathlib import Path

from django.conf import settings

from trialmgr.core import audit
from trialmgr.core.errors import BadInput, Fault

log = logging.getLogger("trialmgr.audit")


def write() -> str | None:
    """Append `seq hash` of the last event to the anchor file; give the line, or None when nothing is new.

    A chain that lacks what was anchored gets no further anchors: they would contradict those that are there.
    """
    head = audit.head()
    if head is None or not settings.ANCHOR_FILE:
        return None
    if (last := lost()) is not None:
        log.warning("no anchor written: the chain lacks the anchored event %d", last)
        return None
    path = Path(settings.ANCHOR_FILE)
    line = f"{head[0]} {head[1]}"
    if path.exists() and path.read_text("ascii").splitlines()[-1:] == [line]:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        file.write(line + "\n")
    return line


def own() -> dict[int, str]:
    """The anchors in this process's own file; none when there is no file yet. Raises BadInput as `read` does."""
    path = settings.ANCHOR_FILE
    return read(path) if path and Path(path).exists() else {}


def lost() -> int | None:
    """The number of the last anchored event when the chain does not hold it, as after a restore; else None."""
    known = own()
    last = max(known, default=0)
    return last if known and audit.hash_of(last) != known[last] else None


def begin_anew(*, reason: str) -> Path:
    """Accept that the chain lacks anchored events: note it in the chain, put the anchors aside and write a new one.

    Gives where the old anchors are. Raises BadInput when nothing is lost.
    """
    last = lost()
    if last is None:
        raise BadInput(Fault("anchors", "the chain holds what was anchored", "there is nothing to accept"))
    path = Path(settings.ANCHOR_FILE)
    aside = path.with_name(f"{path.name}.until-{last}")
    if aside.exists():
        raise BadInput(Fault(str(aside), "exists", "move it elsewhere first"))
    gone = {"reason": reason, "lost": own()[last]}
    audit.record("anchors.begun_anew", f"event:{last}", by="operator", trial=audit.NO_TRIAL, **gone)
    path.rename(aside)
    write()
    return aside


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
