"""A protocol to change in one place, and the faults that follow."""

import copy
import json

import pytest
import yaml

from trialmgr.core.documents import parse_document
from trialmgr.protocol.reading import PRESETS, check

TILBURG = yaml.safe_load((PRESETS / "tilburg.yaml").read_text("utf-8"))


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
        return check(parse_document(json.dumps(self.data, default=str, indent=1), "draft.yaml"))

    def faults(self):
        """Each fault as `key: what: remedy`, without file and line."""
        return [_without_line(fault) for fault in self.checked().faults]

    def remarks(self):
        return [_without_line(fault) for fault in self.checked().remarks]


def _without_line(fault):
    return str(fault).split(": ", 1)[1]


@pytest.fixture
def draft():
    return Draft()
