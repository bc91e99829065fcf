"""The secrets of a demo: made once, kept in files that only their owner can read."""

import os
import secrets
from pathlib import Path

from trialmgr.core import age

# Each 32 random bytes as hexadecimal digits. Who may hold which is decided in trialmgr.processes.
NAMES = (
    "office-secret",
    "survey-secret",
    "research-secret",
    "vault-secret",
    "vault-map",
    "survey-link",
    "vault-token",
    "office-second-factor",
    "research-second-factor",
)


# A pair each: backups are encrypted to the public key, NAME.pub. In production the private one is kept elsewhere.
PAIRS = ("office-backup", "research-backup")


def ensure(directory: Path) -> None:
    """Make every key that is not there yet; one that exists is never replaced."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in NAMES:
        if not (directory / name).exists():
            _write(directory / name, secrets.token_hex(32))
    for name in PAIRS:
        if not (directory / f"{name}.pub").exists():
            identity = age.new_identity()
            _write(directory / name, str(identity))
            _write(directory / f"{name}.pub", str(identity.to_public()))


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text + "\n", "ascii")
    draft.replace(path)
