"""The whole demo as a process of its own, for tests that meet it from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from trialmgr.demo.environment import PORTS

ROOT = Path(__file__).resolve().parent.parent


class RunningDemo:
    """`python -m trialmgr.demo` in a directory of its own, on ports of its own, with so many invited households."""

    def __init__(self, home: Path, port_base: int | None = None, *, homes: int = 0) -> None:
        self.home, self.port_base, self.homes = home, port_base or free_ports(), homes
        self.output = home.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RunningDemo":
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("TRIALMGR_", "TESTS_"))
        }
        environment |= {"TRIALMGR_DEMO_HOME": str(self.home), "PORT_BASE": str(self.port_base)}
        environment["TRIALMGR_DEMO_HOMES"] = str(self.homes)
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trialmgr.demo"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait_until_ready(self, seconds: float = 300) -> "RunningDemo":
        assert self.process
        deadline = time.monotonic() + seconds
        while "ready in" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)
        return self

    def said(self) -> str:
        return self.output.read_text("utf-8") if self.output.exists() else ""

    def url(self, name: str, path: str = "/") -> str:
        return f"http://localhost:{self.port_base + PORTS[name]}{path}"

    def get(self, name: str, path: str = "/") -> str:
        with urllib.request.urlopen(self.url(name, path), timeout=10) as answer:
            return answer.read().decode()

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill_group(self) -> None:
        """What nobody should do: kill -9 of everything at once, the guard included."""
        assert self.process
        for pid in self.processes():
            with suppress(ProcessLookupError):  # it ended just now by itself
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.output.unlink()

    def processes(self) -> list[int]:
        """The demo's own process and those of the group it made, servers' sessions included."""
        assert self.process
        mark = str(self.home).encode()
        found = [self.process.pid] if self.process.poll() is None else []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                known += bytes(str((folder / "cwd").readlink()), "utf-8")
            except OSError:
                continue
            if mark in known and int(folder.name) not in (os.getpid(), *found):
                found.append(int(folder.name))
        return found


def free_ports() -> int:
    """A base from which all of a demo's ports are free now."""
    for base in range(20000 + os.getpid() % 500 * 40, 60000, 40):
        try:
            for offset in PORTS.values():
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return base
    raise RuntimeError("no free ports")
