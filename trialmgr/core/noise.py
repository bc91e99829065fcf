"""What a stranger may make a process write: a short line, and nothing that they sent."""

import logging


class Brief(logging.Filter):
    """A request that Django refuses, as for a host name that is not ours, is told by its kind only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security.") and record.exc_info and record.exc_info[0]:
            record.msg, record.args = "refused: %s", (record.exc_info[0].__name__,)
            record.exc_info = record.exc_text = None
        return True
