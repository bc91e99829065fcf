"""Log lines that cannot be forged and carry nothing of a person.

The text of an error is never among them: the database puts the row at fault in it, with its name and address.
"""

import copy
import logging
import traceback
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

CONTROL = {code: f"\\x{code:02x}" for code in [*range(32), 127, *range(128, 160), 0x2028, 0x2029]}
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LineFormatter(logging.Formatter):
    """One line an event; control characters are written out, so no value can start a line of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_without_texts(record)).translate(CONTROL)

    def formatException(self, ei: ErrorInfo) -> str:  # noqa: N802 -- the name that logging calls
        """The frames and the kind of an error and of those that led to it, the first of them first."""
        if ei[1] is None:
            return "no error"
        told = [_told(ei[1], ei[2]), *(_told(error, error.__traceback__) for error in _causes(ei[1]))]
        return "\n".join(reversed(told))


class BareFormatter(logging.Formatter):
    """For processes that handle answers and keys: where it went wrong and the kind of error, no values."""

    def format(self, record: logging.LogRecord) -> str:
        if not record.exc_info or record.exc_info[0] is None:
            return f"{record.levelname} {record.name} {_without_texts(record).getMessage()}".translate(CONTROL)
        frames = traceback.extract_tb(record.exc_info[2])
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        return f"{record.levelname} {record.name} {record.exc_info[0].__name__} at {place}"


def kind_of(error: BaseException) -> str:
    """What an error is, without what it says; of a constraint in the database also which."""
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    return f"{type(error).__name__} ({constraint})" if constraint else type(error).__name__


def _without_texts(record: logging.LogRecord) -> logging.LogRecord:
    """The record as if no formatter had seen it yet, with the kinds of errors in the place of the errors."""
    plain = copy.copy(record)
    plain.exc_text, plain.msg = None, _plain(record.msg)
    if isinstance(record.args, Mapping):
        plain.args = {name: _plain(value) for name, value in record.args.items()}
        if "exc" in plain.args:  # so Celery tells the error of a task, as text
            plain.args["exc"] = kind_of(record.exc_info[1]) if record.exc_info and record.exc_info[1] else "error"
    elif record.args:
        plain.args = tuple(_plain(value) for value in record.args)
    return plain


def _plain(value: Any) -> Any:
    return kind_of(value) if isinstance(value, BaseException) else value


def _told(error: BaseException, place: TracebackType | None) -> str:
    frames = (f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(place))
    return "\n".join([*frames, kind_of(error)])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The errors that led to an error, the newest first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        if found is not None:
            yield found
