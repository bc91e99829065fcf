"""Prepare a bare machine: virtual environment, packages, browser; then hand over. Standard library only;
the Makefile picks a Python that is new enough.

python3 trialmgr/demo/bootstrap.py run -m trialmgr.demo        what a demo needs, then that module
python3 trialmgr/demo/bootstrap.py dev tests/run.py            the tools for tests and checks as well
python3 trialmgr/demo/bootstrap.py browser tests/run.py        and Chromium for the browser tests
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
ROOM = {"run": 1500, "dev": 2200, "browser": 2800}  # megabytes for packages and data
ROOM_FOR_DATA = 300  # once the packages are there
RUN = ("requirements.txt",)
REQUIREMENTS = {"run": RUN, "dev": (*RUN, "requirements-dev.txt")}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(kind: str, *command: str) -> None:
    os.chdir(ROOT)
    if not VENV.is_symlink():  # a link is somebody's own environment: used as it is
        install("run" if kind == "run" else "dev", room=ROOM[kind])
    check_room(ROOM_FOR_DATA)
    if kind == "browser":
        ensure_browser()
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    variables = {**os.environ, "VIRTUAL_ENV": str(VENV), "PATH": path}
    # Packages come uncompiled: who first imports one keeps what it compiled, for the dozens of processes that follow.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execve(PYTHON, [str(PYTHON), *command], variables)


def install(kind: str, *, room: int) -> None:
    """Make the environment agree with the locked requirements; nothing is done when it does already."""
    if any(stamp(known).exists() and stamp(known).read_text() == fingerprint(known) for known in {kind, "dev"}):
        return
    check_room(room)
    begin, uv = time.monotonic(), shutil.which("uv")
    if not works():
        make_environment(uv)
    pip = [uv, "pip"] if uv else [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    into = ["--python", str(PYTHON)] if uv else ["--progress-bar", "off", "--no-compile"]
    files = [part for name in REQUIREMENTS[kind] for part in ("--requirement", name)]
    run_with_progress([*pip, "install", *into, "--require-hashes", *files], packages(kind))
    if kind == "dev":  # the tests load nearly all of it, three groups at a time
        progress("compiling packages")
        subprocess.run([str(PYTHON), "-m", "compileall", "-qq", "-j", "0", str(VENV / "lib")], check=False)
    stamp(kind).write_text(fingerprint(kind))
    say(f"packages installed in {time.monotonic() - begin:.0f} s")


def check_room(needed: int) -> None:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < needed:
        fail(f"{free} MB is free at {ROOT}: {needed} MB is needed")


def stamp(kind: str) -> Path:
    return VENV / f"installed-{kind}"


def fingerprint(kind: str) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in REQUIREMENTS[kind]:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def packages(kind: str) -> int:
    text = "".join((ROOT / name).read_text("utf-8") for name in REQUIREMENTS[kind])
    return len(set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", text, re.MULTILINE)))


def works() -> bool:
    """Whether the environment's Python runs, and is of the version that made it."""
    show = [str(PYTHON), "-c", "import sys; print(sys.version)"]
    if not PYTHON.exists():
        return False
    found = subprocess.run(show, capture_output=True, text=True, check=False)
    return found.stdout.strip() == sys.version.strip()


def make_environment(uv: str | None) -> None:
    say(f"making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, VENV], check=True)
        return
    try:
        import ensurepip  # noqa: F401 -- Debian keeps it in a package of its own
        import venv
    except ImportError:
        fail("Python's venv module is incomplete: run `apt-get install python3-venv`")
    venv.EnvBuilder(with_pip=True).create(VENV)


def run_with_progress(command: list[str], total: int) -> None:
    """Run pip or uv; show how far it is, and its own words only when it fails."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen, shown, words = 0, 0.0, []
    for line in process.stdout or ():
        words.append(line)
        seen += line.startswith(("Collecting ", " + "))
        if line.startswith("Installing collected"):
            progress(f"unpacking {total} packages")
            shown = float("inf")
        elif time.monotonic() - shown > (0.2 if sys.stdout.isatty() else 10):
            shown = time.monotonic()
            progress(f"installing packages: {min(seen, total)} of {total}")
    if sys.stdout.isatty():
        progress("")
    if process.wait():
        fail(f"the packages could not be installed: {reason(words)}")


def reason(words: list[str]) -> str:
    found = [line.strip() for line in words if re.match(r"\s*(ERROR|error|×)", line)]
    return found[-1] if found else " ".join(words[-1:]).strip()


def ensure_browser() -> None:
    if any(map(shutil.which, BROWSERS)):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing Chromium for the browser tests")
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "-y", "--no-install-recommends"]
        for work in (["update"], [*install, "chromium-headless-shell"], [*install, "chromium"]):
            if not any(map(shutil.which, BROWSERS)):  # the first is the lighter one, where the distribution has it
                subprocess.run(["apt-get", *work], stdout=subprocess.DEVNULL, env=quietly, check=False)
    if not any(map(shutil.which, BROWSERS)):
        fail("Chromium is missing, which the browser tests need: run `sudo apt-get install chromium`")


def progress(line: str) -> None:
    sys.stdout.write(f"\r\033[K{line}" if sys.stdout.isatty() else f"{line}\n")
    sys.stdout.flush()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fail(line: str) -> NoReturn:
    sys.exit(line)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"set-up stopped: {error}")
