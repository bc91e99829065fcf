"""Translations: compile them for use, and find what is not translated. Needs no gettext tools."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

PACKAGES = ("trialmgr", "participants", "randomization", "coaching", "surveys", "analysis")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
TEXT = r"""(u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))"""
PLAIN = re.compile(rf"\b(?:gettext|_)\({TEXT}\)", re.DOTALL)
PLURAL = re.compile(rf"\bngettext\({TEXT}, ?{TEXT}", re.DOTALL)
IN_CONTEXT = re.compile(rf"\bn?pgettext\({TEXT}, ?{TEXT}", re.DOTALL)

Key = tuple[str, str]  # context or '', and the English text


def compile_all(root: Path) -> int:
    """Write each .mo that is missing or older than its .po; gives how many were written."""
    found = stale(root)
    for source in found:
        draft = source.with_suffix(f".{os.getpid()}")  # two demos may start at once in one folder
        with draft.open("wb") as file:
            write_mo(file, catalogue(source))
        draft.replace(source.with_suffix(".mo"))
    return len(found)


def stale(root: Path) -> list[Path]:
    """The catalogues whose compiled form is missing or older than they are."""
    return [source for source in sources(root) if not _is_fresh(source.with_suffix(".mo"), source)]


def untranslated(root: Path) -> list[str]:
    """A line for each text of pages and code that the Dutch catalogue lacks, leaves empty or calls fuzzy."""
    known: set[Key] = set()
    for source in sources(root):
        if source.parent.parent.name == "nl":
            known |= {_key(message) for message in catalogue(source) if _is_done(message)}
    found = sorted({(place, key) for place, key in used(root) if key not in known})
    return [f"{place}: {text!r}{f' ({context})' if context else ''} has no Dutch" for place, (context, text) in found]


def used(root: Path) -> Iterator[tuple[str, Key]]:
    """Every text that is marked for translation, with the file it stands in."""
    for path in sorted(path for name in PACKAGES for path in (root / name).rglob("*.py")):
        for _, texts, _, context in extract_from_file("python", path, keywords=KEYWORDS):
            first = texts if isinstance(texts, str) else texts[0]
            yield str(path.relative_to(root)), (context or "", first)
    for path in sorted((root / "templates").rglob("*.html")) + sorted(root.glob("*/**/templates/**/*.html")):
        if ".venv" not in path.parts:
            code = templatize(path.read_text("utf-8"), origin=str(path))
            yield from ((str(path.relative_to(root)), message) for message in _in_template(code))


def catalogue(source: Path) -> Catalog:
    with source.open("rb") as file:
        return read_po(file, locale=source.parent.parent.name)


def sources(root: Path) -> Iterator[Path]:
    for name in PACKAGES:
        yield from sorted((root / name).glob("**/locale/*/LC_MESSAGES/*.po"))


def _in_template(code: str) -> Iterator[Key]:
    for pattern in (PLAIN, PLURAL):
        yield from (("", ast.literal_eval(match[1])) for match in pattern.finditer(code))
    yield from ((ast.literal_eval(match[1]), ast.literal_eval(match[2])) for match in IN_CONTEXT.finditer(code))


def _is_done(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(texts) and not message.fuzzy


def _key(message: Message) -> Key:
    return message.context or "", message.id if isinstance(message.id, str) else message.id[0]


def _is_fresh(compiled: Path, source: Path) -> bool:
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime
