"""The secrets of a demo: made once, kept in files that only their owner can read."""

import os
import secrets
from pathlib import Path

# Each 32 random bytes as hexadecimal digits. Who may hold which is decided in trialmgr.processes.
NAMES = (
    "office-secret",
    "survey-secret",
    "research-secret",
    "vault-secret",
    "vault-map",
    "survey-link",
    "vault-token",
)


def ensure(directory: Path) -> None:
    """Make every key that is not there yet; one that exists is never replaced."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in NAMES:
        draft = directory / f".{name}.{os.getpid()}"
        if (directory / name).exists():
            continue
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32) + "\n", "ascii")
        draft.replace(directory / name)
