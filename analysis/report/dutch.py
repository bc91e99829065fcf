"""What the estimators say of an analysis, in Dutch.

The estimators speak English, as JSON and CSV keep it. A page in Dutch looks the sentence up in `notes_nl.yaml` by its
wording, with what was filled in taken over. A sentence may be several joined by `; ` (a refusal and its remedy).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trialmgr.core.documents import read_document

CATALOGUE = Path(__file__).with_name("notes_nl.yaml")
HOLE = re.compile(r"\{\d*\}")
JOIN = "; "
NUMBER = re.compile(r"-?\d+\.\d+(e-?\d+)?")


Reading = tuple[int, str | None]  # how many letters are fixed ones of the catalogue, and the Dutch


@dataclass(frozen=True)
class Sentence:
    """One sentence of the catalogue; `weight` is how many letters of it are fixed."""

    english: re.Pattern[str]
    dutch: str
    weight: int


def dutch(text: str) -> str | None:
    """The Dutch of a note, message or refusal; None when the catalogue does not hold it."""
    return _best(text)[1]


@cache
def catalogue() -> dict[str, str]:
    """English, with `{}` for what is filled in, to Dutch."""
    found: dict[str, str] = read_document(CATALOGUE).data
    return found


@cache
def _sentences() -> tuple[Sentence, ...]:
    made = []
    for english, translated in catalogue().items():
        parts = [part.replace("{{", "{").replace("}}", "}") for part in HOLE.split(english)]
        pattern = re.compile("(.+?)".join(re.escape(part) for part in parts), re.DOTALL)
        made.append(Sentence(pattern, translated, sum(len(part) for part in parts)))
    return tuple(made)


@cache
def _best(text: str) -> Reading:
    """The reading of which most letters are fixed: `the arm {} has {}` gives way to a longer sentence."""
    return max(_readings(text), key=lambda reading: reading[0], default=(0, None))


def _readings(text: str) -> Iterator[Reading]:
    for sentence in _sentences():
        if match := sentence.english.fullmatch(text):
            filled = [_filled(value) for value in match.groups()]
            yield (
                sentence.weight + sum(weight for weight, _ in filled),
                sentence.dutch.format(*(to for _, to in filled)),
            )
    for place in (found.start() for found in re.finditer(re.escape(JOIN), text)):
        first, rest = _best(text[:place]), _best(text[place + len(JOIN) :])
        if first[1] is not None and rest[1] is not None:
            yield first[0] + len(JOIN) + rest[0], first[1] + JOIN + rest[1]


def _filled(value: str) -> tuple[int, str]:
    """What stands in a hole: a sentence of its own, a number, or what is the same in every language."""
    weight, translated = _best(value)
    if translated is not None:
        return weight, translated
    return 0, value.replace(".", ",") if NUMBER.fullmatch(value) else value
