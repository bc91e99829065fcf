"""The Celery application of this process; its queue is named after the process (the vault's is `study`)."""

import ctypes
import os
import signal
import sys
from types import TracebackType
from typing import Any

from celery import Celery
from celery.signals import beat_embedded_init, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialmgr.settings")
PR_SET_PDEATHSIG = 1  # of prctl(2)

app = Celery("trialmgr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def say_what_to_set(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Celery's commands end with a wrong environment's one line, as those of Django do (manage.py)."""
    if isinstance(error, ImproperlyConfigured):
        sys.stderr.write(f"{error}\n")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = say_what_to_set


@beat_embedded_init.connect
def end_with_the_worker(**_: Any) -> None:
    """The beat of a worker that is killed ends as well: the next worker has a beat of its own."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@worker_init.connect
def miss_nothing_within_a_run(**_: Any) -> None:
    """The study worker needs one variable more than the vault's pages. Celery goes on after any other exception."""
    from django.conf import settings

    from trialmgr.core import env
    from trialmgr.processes import Process

    if settings.PROCESS is Process.VAULT and not env.given("STUDY_DATABASE_URL"):
        sys.exit("STUDY_DATABASE_URL is not set: the study worker needs it, see docs/configuration.md")
