"""Settings of all processes: TRIALMGR_PROCESS chooses which one this is, the environment gives the rest."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from trialmgr.core import databases, env
from trialmgr.processes import BROKER_VARIABLE, Process, current
from trialmgr.schedule import schedule

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = current()
SERVED = PROCESS is not Process.TOOL
STAFF = PROCESS in {Process.OFFICE, Process.RESEARCH}
DEMO = env.flag("TRIALMGR_DEMO")
HTTPS = not env.flag("TRIALMGR_PLAIN_HTTP")
DEBUG = False


def needed_by(*kinds: Process) -> str | None:
    """The default of a variable: none for the processes that cannot do without it, empty for the others."""
    return None if PROCESS in kinds else ""


SECRET_KEY = env.secret("TRIALMGR_SECRET_KEY") if SERVED else "commands on files sign nothing"
SECRET_KEY_FALLBACKS = env.words("TRIALMGR_OLD_SECRET_KEYS", "")
ALLOWED_HOSTS = env.words("TRIALMGR_ALLOWED_HOSTS") if SERVED else []
# Every link that is mailed or printed starts with one of these, never with what a request claims.
OFFICE_URL = env.text("TRIALMGR_OFFICE_URL", needed_by(Process.OFFICE))
SURVEY_URL = env.text("TRIALMGR_SURVEY_URL", needed_by(Process.OFFICE))
RESEARCH_URL = env.text("TRIALMGR_RESEARCH_URL", needed_by(Process.RESEARCH))
MAILBOX_URL = env.text("TRIALMGR_MAILBOX_URL", "")  # the mail catcher's page, in a demo
CLOCK_FILE = env.text("TRIALMGR_CLOCK_FILE") if DEMO else None
# Audit anchors are written outside the database, where its administrator cannot reach them.
ANCHOR_FILE = env.text("TRIALMGR_ANCHOR_FILE", needed_by(Process.OFFICE, Process.RESEARCH))
# Backups are encrypted to these public keys; the private ones are kept elsewhere.
BACKUP_TO = env.secret("TRIALMGR_BACKUP_TO", "").split()
RESTORE_KEY = env.text("TRIALMGR_RESTORE_KEY_FILE", "")  # a private one, there for the time of a restore
POSTGRES_BIN = env.text("TRIALMGR_POSTGRES_BIN", "")  # where pg_dump and pg_restore are; else they are on the PATH
OPERATOR = env.text("TRIALMGR_OPERATOR", "")  # the organisation that runs this side, as verify_privacy compares
# How far apart the sides are run (docs/privacy.md): participants are promised what holds at that level, and no more.
PRIVACY_LEVEL = env.choice("TRIALMGR_PRIVACY_LEVEL", ("L0", "L1", "L2"), "L0" if DEMO else needed_by(Process.SURVEY))
VAULT_URL = env.text("VAULT_URL", needed_by(Process.OFFICE))
VAULT_TOKEN = env.secret("VAULT_TOKEN") if PROCESS in {Process.OFFICE, Process.VAULT} else ""


DATABASES = {"default": databases.own(PROCESS)} if SERVED else {}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        # Used codes and counts of failed logins stand here: a stranger may not push them out by filling it.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
    if STAFF
    else {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "core.User"
# Each side knows its trials by what it stored of them; roles are given in those only.
SITES_OF_TRIAL = f"{'analysis.study' if PROCESS is Process.RESEARCH else 'trialmgr.protocol'}.selectors.sites_in"
# Where what stands in the tables of a side is held against what its audit chain tells.
ACCOUNTED = {
    Process.OFFICE: ["randomization.accounting.unaccounted"],
    Process.RESEARCH: ["analysis.study.accounting.unaccounted"],
}.get(PROCESS, [])

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
        "django.contrib.postgres",
        "trialmgr.core",
        "trialmgr.protocol",
        "participants",  # which the models of the next two refer to
        "randomization",
        "coaching",
        "surveys",
        "analysis",
    ],
    Process.OFFICE: [
        *STAFF_APPS,
        "django.contrib.postgres",
        "trialmgr.protocol",
        "participants",
        "randomization",
        "coaching",
        "surveys.mailing",
        "analysis.monitoring",
        "trialmgr.demo",
    ],
    Process.RESEARCH: [*STAFF_APPS, "surveys.answers", "analysis.study", "trialmgr.demo"],
    Process.SURVEY: ["surveys.respondent"],
    Process.VAULT: ["surveys.vault"],
}
INSTALLED_APPS = ["django.contrib.staticfiles", "trialmgr.deployment", *APPS[PROCESS]]

STAFF_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "trialmgr.core.middleware.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "trialmgr.core.middleware.LoginRequired",
    "trialmgr.core.middleware.SecondFactorRequired",
    "trialmgr.core.middleware.WrongMethodPage",
]
MIDDLEWARE = [
    "trialmgr.core.anonymous.NoBody",
    "trialmgr.core.anonymous.NoStore",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *{
        Process.TOOL: [],
        Process.OFFICE: STAFF_MIDDLEWARE,
        Process.RESEARCH: STAFF_MIDDLEWARE,
        Process.SURVEY: ["django.middleware.common.CommonMiddleware", "surveys.respondent.middleware.PrivatePages"],
        Process.VAULT: ["django.middleware.common.CommonMiddleware"],
    }[PROCESS],
]
ROOT_URLCONF = f"trialmgr.urls.{PROCESS}"
WSGI_APPLICATION = "trialmgr.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "trialmgr.core.anonymous.process",
                *(["django.contrib.auth.context_processors.auth"] if STAFF else []),
                *(["django.contrib.messages.context_processors.messages", "trialmgr.core.context.staff"] * STAFF),
            ],
            "builtins": ["trialmgr.core.templatetags.formats"],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
CRISPY_FAIL_SILENTLY = False

LANGUAGE_CODE = "nl"
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
# Who asks the questions, by language: on every page for participants, the same for all links.
SENDER = {code: env.text(f"SURVEY_SENDER_{code.upper()}", "") for code, _name in LANGUAGES}
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "trialmgr" / "locale"]
FORMAT_MODULE_PATH = ["trialmgr.core.locale_formats"]
TIME_ZONE = "Europe/Amsterdam"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("TRIALMGR_STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if SERVED and not env.flag("TRIALMGR_TEST")
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- who may come in ------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if env.flag("TRIALMGR_TEST")
    else "django.contrib.auth.hashers.PBKDF2PasswordHasher"
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "trialmgr.core.accounts.StaffAdapter"
SOCIALACCOUNT_ADAPTER = "trialmgr.core.accounts.InstitutionAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by an administrator, who knows the address
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# How many proxies of ours write X-Forwarded-For: logins are slowed down per address of a person, not of the proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRIALMGR_PROXIES", 1 if HTTPS else 0)
SECOND_FACTOR_KEYS = env.secret("TRIALMGR_SECOND_FACTOR_KEYS").replace(",", " ").split() if STAFF else []
MFA_ADAPTER = "trialmgr.core.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "trialmgr"
MFA_TOTP_TOLERANCE = 1  # a code that was read just before it changed, or by a clock half a minute off (RFC 6238)
MFA_FORMS = {
    "authenticate": "trialmgr.core.second_factor.LogIn",
    "reauthenticate": "trialmgr.core.second_factor.AskAgain",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "institution",
                "name": env.text("TRIALMGR_OIDC_NAME", "institution"),
                "client_id": env.text("TRIALMGR_OIDC_CLIENT", ""),
                "secret": env.secret("TRIALMGR_OIDC_SECRET"),
                "settings": {"server_url": env.text("TRIALMGR_OIDC_SERVER", ""), "uid_field": "sub"},
            }
        ]
        if STAFF and env.text("TRIALMGR_OIDC_SERVER", "")
        else []
    }
}

# --- the browser's side of safety -----------------------------------------------------------------------------
PREFIX = ("__Host-" if HTTPS else "") + f"{PROCESS}-"
SESSION_COOKIE_NAME = PREFIX + "session"
CSRF_COOKIE_NAME = PREFIX + "csrf"
LANGUAGE_COOKIE_NAME = PREFIX + "language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = 30 * 60
SECURE_SSL_REDIRECT = HTTPS and not env.flag("TRIALMGR_TEST")
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer" if PROCESS is Process.SURVEY else "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The survey judges where a form comes from by the browser's word, as a token would need a cookie before the first
# answer (surveys.respondent.middleware); the vault serves machines, which bear a token of their own.
SILENCED_SYSTEM_CHECKS = ["security.W003"] if PROCESS in {Process.SURVEY, Process.VAULT} else []
CSRF_FAILURE_VIEW = "trialmgr.core.views.form_expired" if STAFF else "django.views.csrf.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 20_000_000

# --- mail -----------------------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.text("TRIALMGR_SMTP_HOST", needed_by(Process.OFFICE, Process.RESEARCH))
EMAIL_PORT = env.integer("TRIALMGR_SMTP_PORT", 25)
EMAIL_HOST_USER = env.text("TRIALMGR_SMTP_USER", "")
EMAIL_HOST_PASSWORD = env.secret("TRIALMGR_SMTP_PASSWORD") if EMAIL_HOST_USER else ""
EMAIL_USE_TLS = not env.flag("TRIALMGR_SMTP_PLAIN")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("TRIALMGR_MAIL_FROM", needed_by(Process.OFFICE, Process.RESEARCH))
HELP_PHONE = env.text("SURVEY_HELP_PHONE", "")  # stands in mails, letters and on every page for participants

# --- work in the background -----------------------------------------------------------------------------------
# A task of a killed worker comes back after this time; it is longer than any task may run. A run of an analysis plan
# may take longer than anything else, and ends before its login is shut in any case (study.sweep_release).
REDELIVERY_SECONDS = env.integer("TRIALMGR_REDELIVERY_SECONDS", 3000 if PROCESS is Process.VAULT else 120)
CELERY_BROKER_URL = env.secret(BROKER_VARIABLE[PROCESS]) if PROCESS in BROKER_VARIABLE else "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "visibility_timeout": REDELIVERY_SECONDS,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
}
CELERY_TASK_PUBLISH_RETRY = False  # the web never waits for the broker: due work stands in the database
CELERY_TASK_DEFAULT_QUEUE = {Process.VAULT: "study"}.get(PROCESS, str(PROCESS))
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = REDELIVERY_SECONDS - 10
CELERY_TASK_SOFT_TIME_LIMIT = REDELIVERY_SECONDS - 60 if PROCESS is Process.VAULT else None
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 150_000  # kilobytes: what a run of a plan took is given back after it
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_IMPORTS = ["analysis.study.worker"] if PROCESS is Process.VAULT else []
CELERY_TIMEZONE = TIME_ZONE
# When beat last rang for what; it may be lost. The folder must be there.
CELERY_BEAT_SCHEDULE_FILENAME = env.text("TRIALMGR_BEAT_FILE", str(BASE_DIR / "var" / f"beat-{PROCESS}"))
CELERY_BEAT_SCHEDULE = schedule(PROCESS, env.integer("TRIALMGR_SWEEP_SECONDS", 60), demo=DEMO)

# --- logs: one line an event, no personal data, no link, no answer ----------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "trialmgr.core.logs.LineFormatter"},
        "bare": {"()": "trialmgr.core.logs.BareFormatter"},
    },
    "filters": {"brief": {"()": "trialmgr.core.noise.Brief"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["brief"],
            "formatter": "bare" if PROCESS in {Process.SURVEY, Process.VAULT} else "line",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO" if SERVED else "WARNING"},
    "loggers": {
        "django.request": {"level": "ERROR"},  # its warnings hold the path, and a path may be a link
        "django.security": {"level": "ERROR"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "gunicorn.error": {"handlers": ["stderr"], "propagate": False},  # at the level of its own --log-level
    },
}
