from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import connection


@pytest.fixture
def login(django_db_blocker) -> Callable[[str], AbstractContextManager[None]]:
    """`with login("research_scoring"):` lets Django connect as that login and no other; nothing is rolled back."""

    @contextmanager
    def connected(name: str) -> Iterator[None]:
        before = connection.settings_dict["USER"]
        with django_db_blocker.unblock():
            connection.close()
            connection.settings_dict["USER"] = name
            try:
                yield
            finally:
                connection.close()
                connection.settings_dict["USER"] = before

    return connected
