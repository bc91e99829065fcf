"""The Celery application of this process; its queue is named after the process (the vault's is `study`)."""

import ctypes
import os
import signal
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_embedded_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialmgr.settings")
PR_SET_PDEATHSIG = 1  # of prctl(2)

app = Celery("trialmgr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


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
