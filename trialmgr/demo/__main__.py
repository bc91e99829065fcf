"""`make demo`: the whole of trialmgr on one machine, with servers, workers and a mail catcher."""

import hashlib
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import FrameType

from trialmgr.core import messages
from trialmgr.demo import environment, keys
from trialmgr.demo.environment import Place
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.loading import load
from trialmgr.demo.reset import HOME, ROOT
from trialmgr.demo.servers import differences, last_line, provision
from trialmgr.demo.supervisor import Lock, Supervisor

PYTHON = sys.executable
WEB = ("office", "survey", "research", "vault")
WORKERS = {"office": "office_worker", "research": "research_scoring"}
READY_SECONDS = 90.0
HOPELESS = 3  # crashes of one process while starting


class Stopped(Exception):
    """Somebody asked the demo to stop."""


def main() -> int:
    begin = time.monotonic()
    os.umask(0o077)
    place = Place.at(HOME, port_base=environment.port_base())
    with stopping_on_signals():
        lock = make_home()
        lock.acquire(25, lambda: say("waiting for an earlier run to stop"))
        ports_are_free(place)
        supervisor = Supervisor(ROOT, HOME / "log", lock, say)
        try:
            start(supervisor, place)
            load(place, supervisor.group, say)
            say(f"ready in {time.monotonic() - begin:.0f} s\n\n{welcome(place)}")
            while True:
                supervisor.watch()
                time.sleep(0.5)
        except Stopped:
            say("stopping")
        finally:
            supervisor.stop()
    say("stopped; `make demo` goes on where you left off")
    return 0


def make_home() -> Lock:
    """Make the directory of the demo's data, and give its lock."""
    try:
        HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        HOME.chmod(0o755)  # PostgreSQL's account must get through to its own directory; the rest of var/ is closed
        (HOME / "log").mkdir(mode=0o700, exist_ok=True)
        return Lock(HOME / "lock")
    except OSError as error:
        raise LaunchError(
            f"{error.filename} cannot be written ({error.strerror}): "
            "put the repository where you may write, or name another place: TRIALMGR_DEMO_HOME=/tmp/trialmgr make demo"
        ) from None


def ports_are_free(place: Place) -> None:
    for name in environment.PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", place.port(name)))
            except OSError:
                raise LaunchError(
                    f"port {place.port(name)} ({name}) is in use: stop what uses it, "
                    f"or choose other ports: PORT_BASE={place.port_base + 1000} make demo"
                ) from None


def start(supervisor: Supervisor, place: Place) -> None:
    say("starting PostgreSQL (2 clusters) and Valkey (3 brokers)")
    keys.ensure(HOME / "keys")
    with ThreadPoolExecutor() as pool:
        list(pool.map(supervisor.serve, [*place.clusters.values(), *place.brokers.values()]))
        preparing = [pool.submit(prepare, supervisor, place, name) for name in place.clusters]
        preparing.append(pool.submit(prepare_release, supervisor, place))
        for work in preparing:
            work.result()
    say("starting 7 processes and the mail catcher")
    for name, argv, variables in processes(place):
        supervisor.add(name, argv, variables)
    for name in (*WEB, "mail"):
        wait_until_healthy(supervisor, place, name)


def prepare(supervisor: Supervisor, place: Place, cluster: str) -> None:
    """Roles, database, migrations, rights: done when the code changed since the last time, or the rights differ."""
    stamp = HOME / f"prepared-{cluster}"
    wanted = fingerprint("*/migrations/*.py", "core/grants.*", "../requirements.txt")
    if stamp.exists() and stamp.read_text("ascii") == wanted and not differences(place.clusters[cluster]):
        return
    say(f"preparing the {cluster} database")
    provision(place.clusters[cluster])
    for work in (["migrate", "--verbosity=1"], ["grants", "--apply"]):
        manage(supervisor, work, environment.migrate(cluster, place), f"prepare-{cluster}")
    stamp.write_text(wanted, "ascii")


def prepare_release(supervisor: Supervisor, place: Place) -> None:
    stamp, wanted = HOME / "prepared-static", fingerprint("*/static/**/*", "../static/**/*", "../requirements.txt")
    if stamp.exists() and stamp.read_text("ascii") == wanted and not messages.stale(ROOT):
        return
    manage(supervisor, ["prepare_release"], environment.of("office", place), "prepare-static")
    stamp.write_text(wanted, "ascii")


def fingerprint(*patterns: str) -> str:
    """A digest of the files that match, anywhere below the repository's packages."""
    packages = ("trialmgr", "participants", "randomization", "coaching", "surveys", "analysis")
    found = {path for name in packages for pattern in patterns for path in (ROOT / name).glob(f"**/{pattern}")}
    found |= {path for pattern in patterns if pattern.startswith("../") for path in ROOT.glob(pattern[3:])}
    digest = hashlib.sha256()
    for path in sorted(path for path in found if path.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def manage(supervisor: Supervisor, work: list[str], variables: dict[str, str], log: str) -> None:
    path = HOME / "log" / f"{log}.log"
    if supervisor.run_once([PYTHON, "manage.py", *work], variables, path):
        raise LaunchError(f"manage.py {' '.join(work)} failed: {last_line(path)} (see {path})")


def processes(place: Place) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Name, command and environment of every process of ours."""
    for name in WEB:
        yield f"{name}-web", gunicorn(place, name), environment.of(name, place)
    for name, login in WORKERS.items():
        yield f"{name}-worker", celery(name, name), environment.of(name, place, login=login)
    yield "study-worker", celery("study", "study"), environment.study(place)
    ports = ["--page", str(place.port("mail")), "--smtp", str(place.port("smtp"))]
    catcher = [PYTHON, "-m", "trialmgr.demo.mailcatcher", str(HOME / "mail"), *ports]
    yield "mail", catcher, {name: os.environ[name] for name in environment.INHERITED if name in os.environ}


def gunicorn(place: Place, name: str) -> list[str]:
    """A web server. No access log, and no warnings of bad requests: an address may be a link, and a log has IPs."""
    listen = ["--bind", f"127.0.0.1:{place.port(name)}", "--workers", "1" if name == "vault" else "2", "--preload"]
    listen += ["--threads", "4"]  # browsers keep idle connections open, which would hold a worker each
    level = "critical" if name == "survey" else "error"  # gunicorn's errors hold the address that went wrong
    quiet = ["--log-level", level, "--no-control-socket", "--graceful-timeout", "10"]
    return [PYTHON, "-m", "gunicorn", "trialmgr.wsgi", *listen, *quiet]


def celery(name: str, queue: str) -> list[str]:
    """A worker with its beat, which costs half of what it does as a process of its own."""
    alone = ["--beat", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        *[PYTHON, "-m", "celery", "-A", "trialmgr", "worker", "--queues", queue, "--hostname", f"{name}@localhost"],
        *["--concurrency", "1", "--loglevel", "WARNING", *alone],
    ]


def wait_until_healthy(supervisor: Supervisor, place: Place, name: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    child = supervisor.child(f"{name}-web" if name in WEB else name)
    while not healthy(f"{place.address(name)}/healthz"):
        if time.monotonic() > deadline or child.crashes == HOPELESS:
            raise LaunchError(f"{child.name} does not start: {last_line(child.log)} (see {child.log})")
        supervisor.watch()
        time.sleep(0.1)


def healthy(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=3) as answer:  # noqa: S310 -- our own address
        return bool(answer.status == 200)
    return False


def welcome(place: Place) -> str:
    lines = [
        f"office      {place.address('office')}/    coaches, leaders; demo accounts are listed there",
        f"survey      {place.address('survey')}/    participants, by the link in a mail",
        f"research    {place.address('research')}/    researchers",
        f"mail        {place.address('mail')}/    every mail of the demo",
    ]
    return "\n".join([*lines, "", f"logs are in {HOME / 'log'}; Ctrl-C stops everything"])


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # once is enough: stopping in order takes a few seconds
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped:
        sys.exit("stopped")
    except LaunchError as error:
        sys.exit(str(error))
