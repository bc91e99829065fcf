"""What the vault keeps on its own disk: when a status was last given, which persons were erased, runs at work.

It has no database. Moments of status runs and fingerprints of erased pseudonyms name nobody; the outcome
rows of a run are encrypted, and destroyed when the run ends.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from surveys.sealing import open_box, seal_box
from surveys.vault import keys
from trialmgr.core import env
from trialmgr.core.errors import DomainError

RUN_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TooSoon(DomainError):
    """A status of this wave was given less than the least interval ago."""


@cache
def directory() -> Path:
    """Where the vault keeps its state, open to its own account only."""
    place = Path(env.text("VAULT_STATE_DIR"))
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.chmod(0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"VAULT_STATE_DIR cannot be used: {error.strerror}") from None
    return place


@contextmanager
def once_per(interval: timedelta, *, what: str, now: datetime) -> Iterator[None]:
    """Let the block run if `what` was not done within `interval`, and remember it when the block succeeds.

    Holds a lock across processes meanwhile. Raises TooSoon.
    """
    with _locked("status.lock"):
        path = directory() / "status.json"
        done: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        last = datetime.fromisoformat(done[what]) if what in done else None
        if last is not None and now - last < interval:
            raise TooSoon("a status of this wave was given less than 20 hours ago")
        yield
        _write(path, json.dumps(done | {what: now.isoformat()}).encode())


def note_erasure(mark: bytes) -> None:
    """Put a fingerprint on the list that is applied again after each restore; safe to repeat."""
    with _locked("erased.lock"), (directory() / "erased").open("ab") as ledger:
        ledger.write(mark.hex().encode() + b"\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def erasures() -> list[bytes]:
    """Fingerprints of all pseudonyms that were ever erased, each once."""
    path = directory() / "erased"
    lines = path.read_text("ascii").split() if path.exists() else []
    return sorted({bytes.fromhex(line) for line in lines})


def put_workspace(run: str, content: dict[str, Any]) -> None:
    """Write the rows of one run, encrypted; a second call for the same run replaces the first."""
    _write(_workspace(run), seal_box(_workspace_key(), json.dumps(content).encode(), f"workspace {run}"))


def read_workspace(run: str) -> dict[str, Any]:
    """The rows of one run. Raises FileNotFoundError when there are none, or no longer."""
    content: dict[str, Any] = json.loads(open_box(_workspace_key(), _workspace(run).read_bytes(), f"workspace {run}"))
    return content


def count_begin(run: str) -> int:
    """Note that a run is begun; gives how often it was, this time included, since its rows came."""
    with _workspace(run).with_suffix(".begun").open("ab") as tally:
        tally.write(b".")
        return tally.tell()


def destroy_workspace(run: str) -> None:
    """Remove the rows of one run; nothing happens when they are gone already."""
    _workspace(run).unlink(missing_ok=True)
    _workspace(run).with_suffix(".begun").unlink(missing_ok=True)


def workspaces() -> list[str]:
    """Runs whose rows are still here."""
    return sorted(path.stem for path in directory().glob("*.run"))


def _workspace(run: str) -> Path:
    if not RUN_PATTERN.fullmatch(run):
        raise DomainError("a run id is 1 to 64 letters, digits, hyphens and underscores")
    return directory() / f"{run}.run"


def _workspace_key() -> bytes:
    return keys.map_key().derive("workspace")


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    with (directory() / name).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
