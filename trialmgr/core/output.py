"""Files that are there whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trialmgr.core.errors import BadInput, Fault


@contextmanager
def written_whole(target: Path) -> Iterator[Any]:
    """A text file that appears under its name only when everything went well."""
    if target.is_dir():
        raise BadInput(Fault(str(target), "is a folder", "add the name of the file"))
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise BadInput(Fault(str(target), f"cannot be written ({error.strerror})", "check the folder")) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_whole(target: Path, text: str) -> None:
    """The same for a text that is there already."""
    with written_whole(target) as file:
        file.write(text)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
