"""Settings of all processes: TRIALMGR_PROCESS chooses which one this is, the environment gives the rest."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.utils.translation import gettext_lazy as _

from trialmgr.core import env
from trialmgr.processes import DATABASE_VARIABLE, Process, current

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = current()
STAFF = PROCESS in {Process.OFFICE, Process.RESEARCH}
SERVED = PROCESS is not Process.TOOL
DEMO = env.flag("TRIALMGR_DEMO")
DEBUG = False
SECRET_KEY = env.secret("TRIALMGR_SECRET_KEY") if SERVED else "commands on files sign nothing"
ALLOWED_HOSTS = env.words("TRIALMGR_ALLOWED_HOSTS") if SERVED else []


def database(url: str) -> dict[str, object]:
    """Django's description of a `postgresql://login:password@host:port/name?option=value` address."""
    parts = urlsplit(url)
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or parts.hostname or ""
    timeouts = "-c statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=60s"
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
            "options": timeouts if env.flag("TRIALMGR_TIMEOUTS") else "",
            # Values travel apart from the statement, so that no answer or name can stand in a server log.
            "server_side_binding": True,
            **options,
        },
    }


DATABASES = {"default": database(env.secret(DATABASE_VARIABLE[PROCESS]))} if SERVED else {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "core.User"

STAFF_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "trialmgr.core",
]
APPS = {
    Process.TOOL: [
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "trialmgr.core",
        "trialmgr.protocol",
        "randomization",
        "coaching",
        "surveys",
        "analysis",
    ],
    Process.OFFICE: [
        *STAFF_APPS,
        "trialmgr.protocol",
        "participants",
        "randomization",
        "coaching",
        "surveys.mailing",
        "analysis.monitoring",
    ],
    Process.RESEARCH: [*STAFF_APPS, "surveys.answers", "analysis.study"],
    Process.SURVEY: ["surveys.respondent"],
    Process.VAULT: ["surveys.vault"],
}
INSTALLED_APPS = ["django.contrib.staticfiles", *APPS[PROCESS]]

LANGUAGE_CODE = "nl"
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
TIME_ZONE = "Europe/Amsterdam"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
