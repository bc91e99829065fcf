"""Databases and real roles for the tests that `python tests/run.py` starts; see there for the groups."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROCESSES = ("office", "research", "survey", "vault")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


def pytest_configure(config: pytest.Config) -> None:
    process = os.environ.get("TRIALMGR_PROCESS")
    for argument in config.args:
        group = group_of(Path(config.invocation_params.dir, argument.split("::")[0]))
        if group in PROCESSES and group != process:
            raise pytest.UsageError(f"tests of the {group} process run by: python tests/run.py {group} -- {argument}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    group = group_of(collection_path)
    return True if group in PROCESSES and group != os.environ.get("TRIALMGR_PROCESS") else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays: looking through it for garbage again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped") and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("\nskipped tests count as failures in a complete run", red=True)


def group_of(path: Path) -> str:
    """The directory under tests/ that a path is in, or ''."""
    parts = path.relative_to(HERE).parts if path.is_relative_to(HERE) else ()
    return parts[0] if parts else ""


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The database is there already: a fresh copy of the migrated one, made by tests/run.py."""
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = lambda self: renew_database()


def renew_database() -> None:
    """Put back the database after a test that commits: everything as migrated, the audit chain included."""
    from django.db import connections

    from trialmgr.demo.servers import copy_database

    connections.close_all()
    copy_database(os.environ["TESTS_SUPERUSER"], os.environ["TESTS_CLUSTER"], os.environ["TESTS_DATABASE"])


@pytest.fixture(scope="session")
def dsn_of() -> Callable[[str], str]:
    """The address of this group's database for a real login, such as `dsn_of("survey_app")`."""

    def address(login: str) -> str:
        return f"postgresql://{login}@/{os.environ['TESTS_DATABASE']}?host={os.environ['TESTS_SOCKETS']}"

    return address


_role: ContextVar[str] = ContextVar("role", default="NONE")
"""The role that this thread's session took on; without one it has the rights that it was opened with."""


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Give Django's own connection the rights of a role, and no more, within the block."""
    from django.db import DatabaseError, connection

    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
    before = _role.set(role)
    try:
        yield
    finally:
        _role.reset(before)
        # In a failed transaction nothing can be set; its end takes the role back as well.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {_role.get()}")


@pytest.fixture
def as_role(db: None) -> Callable[[str], AbstractContextManager[None]]:
    """`with as_role("office_worker"):` runs what follows with the rights of that role."""
    return acting_as


@pytest.fixture(autouse=True)
def requests_run_under_the_real_login(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test client asks for is done with the rights that the process has in production."""
    if "TESTS_LOGIN" not in os.environ or request.node.get_closest_marker("django_db") is None:
        return
    from django.test.client import ClientHandler

    respond = ClientHandler.get_response

    def respond_as_login(handler: ClientHandler, http_request: Any) -> Any:
        with acting_as(os.environ["TESTS_LOGIN"]):
            return respond(handler, http_request)

    monkeypatch.setattr(ClientHandler, "get_response", respond_as_login)
