"""Log lines that cannot be forged and carry nothing of a person."""

import logging
import traceback

CONTROL = {code: f"\\x{code:02x}" for code in [*range(32), 127, *range(128, 160), 0x2028, 0x2029]}


class LineFormatter(logging.Formatter):
    """One line an event; control characters are written out, so no value can start a line of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(CONTROL)


class BareFormatter(logging.Formatter):
    """For processes that handle answers and keys: where it went wrong and the kind of error, no values."""

    def format(self, record: logging.LogRecord) -> str:
        if not record.exc_info or record.exc_info[0] is None:
            return f"{record.levelname} {record.name} {record.getMessage()}".translate(CONTROL)
        frames = traceback.extract_tb(record.exc_info[2])
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        return f"{record.levelname} {record.name} {record.exc_info[0].__name__} at {place}"
