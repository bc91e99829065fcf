"""Ends the other processes of its group when the supervisor is gone, however it went. Standard library only.

Its standard input is a pipe that the supervisor holds: the end of the pipe is the end of the supervisor, even
after kill -9. It keeps the supervisor's lock until all are gone, so a new start waits for that.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

ROUNDS = ((signal.SIGTERM, 1.0), (signal.SIGINT, 9.0), (signal.SIGKILL, 0.0))  # SIGINT is PostgreSQL's fast stop


def others() -> bool:
    """Whether another process of this group is alive."""
    mine, group = os.getpid(), os.getpgrp()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
            state, _, found = rest.split()[:3]
            if int(found) == group and int(stat.parent.name) != mine and state != "Z":
                return True
    return False


def main() -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    sys.stdin.buffer.read()
    for signum, seconds in ROUNDS:
        deadline = time.monotonic() + seconds
        if not others():
            return
        os.killpg(os.getpgrp(), signum)
        while others() and time.monotonic() < deadline:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
