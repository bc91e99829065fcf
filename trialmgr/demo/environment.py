"""The environment variables of each process, with no other process's secrets in them."""

import os
from dataclasses import dataclass
from pathlib import Path

from trialmgr.demo.errors import LaunchError
from trialmgr.demo.servers import POSTGRES, SUPERUSER, Broker, Cluster, carried

# What a process takes over from the shell that started it.
INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONWARNINGS")
# The processes share the cores; threads of linear algebra would only wait for each other, spinning.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
PORTS = {"office": 0, "survey": 1, "research": 2, "vault": 3, "mail": 25, "smtp": 26}
KEEPERS = ("office", "research")  # the processes that look after a database: migrations, backups
CLUSTER = {"office": "office", "survey": "research", "research": "research", "vault": "research"}
KEYS: dict[str, dict[str, str]] = {
    "office": {"VAULT_TOKEN": "vault-token"},
    "survey": {"SURVEY_LINK_KEY": "survey-link"},
    "research": {},
    "vault": {"VAULT_TOKEN": "vault-token", "VAULT_MAP_KEY": "vault-map", "SURVEY_LINK_KEY": "survey-link"},
}
LOGIN = {"office": "office_web", "survey": "survey_app", "research": "research_web", "vault": "research_vault"}


@dataclass(frozen=True)
class Place:
    """Where one set of servers, keys and ports is to be found. `home` holds the data, as var/ does for the demo."""

    home: Path
    clusters: dict[str, Cluster]
    brokers: dict[str, Broker]
    port_base: int = 8000

    @classmethod
    def at(cls, home: Path, *, port_base: int = 8000, sync: bool = True) -> "Place":
        clusters = {name: Cluster(name, home, sync=sync) for name in ("office", "research")}
        brokers = {name: Broker(name, home) for name in ("office", "research", "vault")}
        return cls(home, clusters, brokers, port_base)

    def port(self, name: str) -> int:
        return self.port_base + PORTS[name]

    def address(self, name: str) -> str:
        return f"http://localhost:{self.port(name)}"


def port_base() -> int:
    text = os.environ.get("PORT_BASE", "8000")
    if not text.isdecimal() or not 1024 <= int(text) <= 65000:
        raise LaunchError(f"PORT_BASE is {text!r}: write a number from 1024 to 65000")
    return int(text)


def of(process: str, place: Place, *, login: str | None = None) -> dict[str, str]:
    """The environment of a process of this kind in a demo, under its ordinary database login or another."""
    cluster = place.clusters[CLUSTER[process]]
    variables = {name: os.environ[name] for name in INHERITED if name in os.environ}
    variables |= ONE_THREAD
    variables |= {
        "DJANGO_SETTINGS_MODULE": "trialmgr.settings",
        "PYTHONUNBUFFERED": "1",
        "TRIALMGR_PROCESS": process,
        "TRIALMGR_DEMO": "1",
        "TRIALMGR_PLAIN_HTTP": "1",
        "TRIALMGR_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "TRIALMGR_SECRET_KEY_FILE": str(place.home / "keys" / f"{process}-secret"),
        "TRIALMGR_CLOCK_FILE": str(place.home / "clock"),
        "TRIALMGR_STATIC_ROOT": str(place.home / "static"),
        "TRIALMGR_SWEEP_SECONDS": "5",
        "TRIALMGR_BEAT_FILE": str(place.home / f"{process}-beat"),
        f"{CLUSTER[process].upper()}_DATABASE_URL": cluster.dsn(login or LOGIN[process]),
    }
    variables |= {f"{name}_FILE": str(place.home / "keys" / file) for name, file in KEYS[process].items()}
    variables |= {f"TRIALMGR_{name.upper()}_URL": place.address(name) for name in ("office", "survey", "research")}
    if process in place.brokers:
        variables[f"{process.upper()}_BROKER_URL"] = place.brokers[process].url
    if process in {"office", "research"}:
        variables |= _mail(place)
        variables["TRIALMGR_SECOND_FACTOR_KEYS_FILE"] = str(place.home / "keys" / f"{process}-second-factor")
        variables["TRIALMGR_BACKUP_TO_FILE"] = str(place.home / "keys" / f"{process}-backup.pub")
        variables["TRIALMGR_POSTGRES_BIN"] = str(carried(*POSTGRES).parent)
        variables["TRIALMGR_ANCHOR_FILE"] = str(place.home / "anchors" / process)
        variables["TRIALMGR_MAILBOX_URL"] = place.address("mail")
    if process in {"office", "survey"}:
        variables["SURVEY_HELP_PHONE"] = "013 000 00 00"  # nobody's
        variables["TRIALMGR_PRIVACY_LEVEL"] = "L0"
    if process == "survey":
        variables |= {"SURVEY_SENDER_NL": "Universiteit van Tilburg", "SURVEY_SENDER_EN": "Tilburg University"}
    if process == "office":
        variables["VAULT_URL"] = place.address("vault")
    if process == "vault":
        variables["VAULT_STATE_DIR"] = str(place.home / "vault-state")
    return variables


def _mail(place: Place) -> dict[str, str]:
    return {
        "TRIALMGR_SMTP_HOST": "localhost",
        "TRIALMGR_SMTP_PORT": str(place.port("smtp")),
        "TRIALMGR_SMTP_PLAIN": "1",
        "TRIALMGR_MAIL_FROM": "proef@localhost",
    }


def study(place: Place) -> dict[str, str]:
    """The study worker's: the vault's, and the login that answers only during an approved run."""
    return of("vault", place) | {"STUDY_DATABASE_URL": place.clusters["research"].dsn("research_release")}


def migrate(cluster: str, place: Place) -> dict[str, str]:
    """For migrations and grants: statements may take longer than a request's."""
    return of(cluster, place, login=f"{cluster}_migrate") | {"TRIALMGR_STATEMENT_SECONDS": "600"}


def tests(process: str, place: Place, database: str) -> dict[str, str]:
    """For a group of tests in a database of its own.

    Its session belongs to the superuser, so that a test may prepare anything and take on any role (`as_role`);
    tests/conftest.py lets every request of a test client run under the process's real login.
    """
    cluster = place.clusters[CLUSTER[process]]
    variables = study(place) if process == "vault" else of(process, place)
    for name in ("TRIALMGR_DEMO", "TRIALMGR_CLOCK_FILE", "TRIALMGR_MAILBOX_URL"):
        variables.pop(name, None)
    if process == "vault":
        variables["STUDY_DATABASE_URL"] = cluster.dsn("research_release", database)
    return variables | {
        "TRIALMGR_TEST": "1",
        f"{cluster.name.upper()}_DATABASE_URL": cluster.dsn(SUPERUSER, database),
        "TESTS_CLUSTER": cluster.name,
        "TESTS_DATABASE": database,
        "TESTS_LOGIN": LOGIN[process],
        "TESTS_SUPERUSER": cluster.superuser_dsn,
        "TESTS_SOCKETS": str(cluster.sockets),
    }
