"""Secrets and records on disk: never readable by others, never half written."""

import os
from pathlib import Path

from randomization.lottery.names import HEX64
from randomization.lottery.record import Record
from trialmgr.core.errors import BadInput, Fault


def read_secret(path: Path) -> bytes:
    """The secret of a file that holds 64 hex digits. Raises BadInput, which never quotes the file."""
    try:
        text = path.read_text("ascii").strip()
    except OSError as error:
        raise BadInput(Fault(str(path), f"cannot be read ({error.strerror})", "give the secret file")) from None
    except UnicodeDecodeError:
        text = ""
    if not HEX64.fullmatch(text):
        raise BadInput(Fault(path.name, "does not hold a secret", "it must hold 64 lower-case hex digits"))
    return bytes.fromhex(text)


def write_secret(path: Path, secret: bytes) -> None:
    """A new file that only its owner can read. Raises BadInput when there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        remedy = "move the old secret away" if isinstance(error, FileExistsError) else "check the folder"
        raise BadInput(Fault(str(path), f"cannot be made ({error.strerror})", remedy)) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(handle)


def is_open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def read_record(path: Path) -> Record:
    """Raises BadInput when the file is not a record."""
    return Record.from_json(read_text(path), path.name)


def read_text(path: Path) -> str:
    """Raises BadInput when the file cannot be read or is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadInput(Fault(str(path), f"cannot be read ({error.strerror})", "give a record file")) from None
    except UnicodeDecodeError:
        raise BadInput(Fault(path.name, "is not UTF-8 text", "give the file that commit or draw wrote")) from None


def write_whole(path: Path, text: str, *, private: bool = False) -> None:
    """Replace `path` by `text` at once, on disk before this returns; `private` files are for the owner only.

    Raises BadInput when it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(Fault(str(path), f"cannot be written ({error.strerror})", "check the folder")) from None
