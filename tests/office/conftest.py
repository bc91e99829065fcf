from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.office import factories
from trialmgr.core import audit, clock


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    """The fifth of March 2018, in the middle of Tilburg's recruitment."""
    with clock.at(factories.NOW), translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def own_anchors(settings: Any, tmp_path: Path) -> None:
    """Anchors of a test's own: those of another test tell of a chain that is gone."""
    settings.ANCHOR_FILE = str(tmp_path / "anchors")


@pytest.fixture
def tilburg(db: None) -> str:
    return factories.make_trial()


@pytest.fixture
def queries() -> Callable[[Callable[[], object]], int]:
    """How many statements a call needs."""

    def count(call: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len([one for one in captured if not one["sql"].startswith("SET ")])

    return count


@pytest.fixture
def page_queries(queries: Callable[[Callable[[], object]], int]) -> Callable[[Client, str], int]:
    """How many statements a page needs for somebody who has been there before."""

    def count(client: Client, url: str) -> int:
        assert client.get(url).status_code == 200
        return queries(lambda: client.get(url))

    return count


@pytest.fixture
def recorded() -> Callable[[], AbstractContextManager[list[str]]]:
    """`with recorded() as verbs:` collects the verbs of the audit events written within."""

    @contextmanager
    def collecting() -> Iterator[list[str]]:
        before = (audit.head() or (0, ""))[0]
        verbs: list[str] = []
        yield verbs
        verbs.extend(event.verb for event in audit.events(after=before))

    return collecting
