"""A protocol to change in one place, and the faults that follow."""

import copy
from pathlib import Path

import pytest

from trialmgr.core.documents import Document, read_document
from trialmgr.protocol.reading import PRESETS, check

TILBURG = read_document(PRESETS / "tilburg.yaml").data


class Draft:
    """The Tilburg protocol as plain data, with a way to put another value at a place."""

    def __init__(self):
        self.data = copy.deepcopy(TILBURG)

    def put(self, place, value):
        """Set `a.b.0` to a value; `...` removes it."""
        *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
        part = self.data
        for step in path:
            part = part[step]
        if value is ...:
            del part[last]
        else:
            part[last] = value
        return self

    def get(self, place):
        part = self.data
        for step in place.split("."):
            part = part[int(step) if step.isdigit() else step]
        return part

    def checked(self):
        lines = {key: number for number, key in enumerate(keys(self.data))}
        return check(Document(Path("draft.yaml"), self.data, lines))

    def faults(self):
        """Each fault as `key: what: remedy`, without file and line."""
        return [_without_line(fault) for fault in self.checked().faults]

    def remarks(self):
        return [_without_line(fault) for fault in self.checked().remarks]


def keys(part, at=()):
    """The key of every part, in the order of the file."""
    yield at
    for step in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
        yield from keys(part[step], (*at, step))


def _without_line(fault):
    return str(fault).split(": ", 1)[1]


@pytest.fixture
def draft():
    return Draft()
