"""Start processes, keep them running, and stop them in order, whatever happens to the one that watches."""

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from trialmgr.demo.errors import LaunchError
from trialmgr.demo.servers import Server

LARGE_LOG = 10_000_000
STEADY_SECONDS = 60  # a child that ran this long is not blamed for earlier crashes
LONGEST_PAUSE = 30.0


class Lock:
    """One supervisor per data directory."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a+")

    def acquire(self, seconds: float, waiting: Callable[[], None]) -> None:
        """Take the lock; waits for an earlier run that is still stopping."""
        deadline, told = time.monotonic() + seconds, False
        while True:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline or self._in_use():
                    holder = self._holder()
                    self.file.close()
                    raise LaunchError(f"the demo is already running here ({holder}): stop it first") from None
                if not told:
                    waiting()
                    told = True
                time.sleep(0.1)
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()}")
        self.file.flush()

    def stopping(self) -> None:
        """Say to who wants the lock that it is worth waiting for."""
        self.file.write(", which is stopping")
        self.file.flush()

    def _in_use(self) -> bool:
        """Whether the holder lives and goes on; a guard keeps the lock of one that was killed, until all is stopped."""
        found = re.fullmatch(r"process (\d+)", self._holder())
        return found is not None and Path("/proc", found[1]).exists()

    def _holder(self) -> str:
        self.file.seek(0)
        return self.file.read() or "process unknown"


@dataclass
class Child:
    """A process of ours, and how it has been doing."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    again: float = field(default=0.0)  # not before this moment

    def start(self, cwd: Path, group: int) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGE_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                cwd=cwd,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=group,
            )
        self.started = time.monotonic()

    def crashed(self) -> int | None:
        """The exit code when it has just ended by itself."""
        return self.process.poll() if self.process else None


class Supervisor:
    """All processes of one demo, in a process group of their own, so that Ctrl-C reaches only us."""

    def __init__(self, cwd: Path, logs: Path, lock: Lock, say: Callable[[str], None]) -> None:
        self.cwd, self.logs, self.lock, self.say = cwd, logs, lock, say
        self.servers: list[Server] = []
        self.children: list[Child] = []
        self.lifeline, self.pipe = self._guard()
        self.group = self.lifeline.pid

    def _guard(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("lifeline.py")],
            stdin=subprocess.PIPE,
            process_group=0,
            pass_fds=[self.lock.file.fileno()],
            cwd="/",
        )
        assert process.stdin
        return process, process.stdin

    def serve(self, server: Server) -> None:
        """Make and start a server, and keep it running from now on."""
        server.create()
        server.start(process_group=self.group)
        self.servers.append(server)

    def add(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        child = Child(name, argv, environment, self.logs / f"{name}.log")
        child.start(self.cwd, self.group)
        self.children.append(child)

    def child(self, name: str) -> Child:
        return next(child for child in self.children if child.name == name)

    def watch(self) -> None:
        """One look around: start again what ended by itself, each time after a longer pause."""
        for server in self.servers:
            code = server.process.poll() if server.process else None
            if server.process is None or code is not None:
                self.say(f"{server.name} ended ({describe(code)}) and is started again, see {server.log}")
                server.process = None
                server.start(process_group=self.group)
        now = time.monotonic()
        for child in self.children:
            code = child.crashed()
            if code is not None and child.process:
                child.process = None
                child.crashes = 1 if now - child.started > STEADY_SECONDS else child.crashes + 1
                child.again = now + min(2.0 ** (child.crashes - 1), LONGEST_PAUSE)
                self.say(f"{child.name} ended ({describe(code)}) and is started again, see {child.log}")
            if child.process is None and now >= child.again:
                child.start(self.cwd, self.group)
        if self.lifeline.poll() is not None:
            raise LaunchError("the process that guards the others is gone: stopping")

    def run_once(self, argv: list[str], environment: dict[str, str], log: Path) -> int:
        """Run a command to its end within the group, its output in a log."""
        with log.open("ab") as output:
            done = subprocess.run(
                argv,
                cwd=self.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                process_group=self.group,
            )
        return done.returncode

    def stop(self, seconds: float = 15) -> None:
        """Stop the children together, then the servers they use, then the guard."""
        self.lock.stopping()
        running = [child for child in self.children if child.process and child.process.poll() is None]
        for child in running:
            if child.process:
                child.process.terminate()
        deadline = time.monotonic() + seconds
        for child in running:
            if child.process:
                _wait(child.process, deadline)
        for server in reversed(self.servers):
            server.stop()
        self.pipe.close()
        self.lifeline.wait()


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def describe(code: int | None) -> str:
    if code is None:
        return "it did not answer"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
