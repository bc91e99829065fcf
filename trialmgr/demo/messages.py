"""Translations: compile them for use, and find what is not translated. Needs no gettext tools."""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_all(root: Path) -> int:
    """Write each .mo that is missing or older than its .po; gives how many were written."""
    stale = [source for source in sources(root) if not _is_fresh(source.with_suffix(".mo"), source)]
    for source in stale:
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name)
        draft = source.with_suffix(".new")
        with draft.open("wb") as file:
            write_mo(file, catalogue)
        draft.replace(source.with_suffix(".mo"))
    return len(stale)


def sources(root: Path) -> Iterator[Path]:
    for directory in sorted(root.glob("*/locale")) + sorted(root.glob("*/*/locale")):
        if ".venv" not in directory.parts:
            yield from sorted(directory.glob("*/LC_MESSAGES/*.po"))


def _is_fresh(compiled: Path, source: Path) -> bool:
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime
