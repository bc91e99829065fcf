from collections.abc import Callable
from typing import Any

import pytest

from coaching.money.case import Case
from coaching.money.checks import case_of
from coaching.money.history import History, history
from trialmgr.core.documents import parse_document


@pytest.fixture
def case_from() -> Callable[[str], Case]:
    """A case from its YAML text, checked as a file would be."""

    def build(text: str) -> Case:
        return case_of(parse_document(text, "case.yaml"))

    return build


@pytest.fixture
def worked_out(case_from: Callable[[str], Case]) -> Callable[..., History]:
    """The history of a case given as YAML text."""

    def build(text: str, **unused: Any) -> History:
        return history(case_from(text))

    return build
