"""Addresses of databases in the environment: whether this process may use them, and Django's description of one."""

from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from trialmgr.core import env
from trialmgr.processes import DATABASE_VARIABLE, LOGINS, RELEASE_LOGIN, Process, refuse_foreign_login


def own(process: Process) -> dict[str, object]:
    """The database of this process. Raises ImproperlyConfigured for an address or a login that it may not use."""
    if env.given("STUDY_DATABASE_URL"):
        address(process, "STUDY_DATABASE_URL", RELEASE_LOGIN)
    return described(address(process, DATABASE_VARIABLE[process], LOGINS[process]))


def address(process: Process, variable: str, logins: tuple[str, ...]) -> SplitResult:
    """`postgresql://login:password@host:port/name?option=value`, with one of these logins; tests may use any."""
    parts = urlsplit(env.secret(variable))
    if parts.scheme != "postgresql":
        raise ImproperlyConfigured(f"{variable} does not begin with postgresql://, see docs/configuration.md")
    if not env.flag("TRIALMGR_TEST"):
        refuse_foreign_login(process, variable, unquote(parts.username or ""), logins)
    return parts


def described(parts: SplitResult) -> dict[str, object]:
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname or ""
    limits = "-c lock_timeout=3s -c idle_in_transaction_session_timeout=60s"
    seconds = env.integer("TRIALMGR_STATEMENT_SECONDS", 5)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(options.pop("port", None) or parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "options": f"-c statement_timeout={seconds}s {limits}",
            # Values travel apart from the statement, so that no answer or name can stand in a server log.
            "server_side_binding": True,
            # A machine that is gone without a word is noticed within what a person waits for.
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            **options,
        },
    }
