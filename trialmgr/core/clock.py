"""The one clock. In demo and tests it can be set forward; elsewhere it is the machine's."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

_fixed: ContextVar[datetime | None] = ContextVar("fixed_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC) + offset()


def machine_now() -> datetime:
    """The machine's own moment, for leases and time limits, which no demo clock may stretch."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in the trial's time zone: rules about days follow the calendar, not 24-hour steps."""
    return timezone.localdate(now())


def offset() -> timedelta:
    """How far the shared demo clock runs ahead; zero outside a demo."""
    if settings.CLOCK_FILE is None:
        return timedelta()
    try:
        return timedelta(seconds=int(Path(settings.CLOCK_FILE).read_text("ascii")))
    except (FileNotFoundError, ValueError):
        return timedelta()


def set_offset(ahead: timedelta) -> None:
    """Move the shared demo clock of every process on this machine."""
    if settings.CLOCK_FILE is None:
        raise RuntimeError("only a demo has a clock that can be set")
    path = Path(settings.CLOCK_FILE)
    draft = path.with_suffix(".new")
    draft.write_text(str(int(ahead.total_seconds())), "ascii")
    draft.replace(path)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let `now()` be this moment within the block; for the demo's simulator and for tests."""
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
