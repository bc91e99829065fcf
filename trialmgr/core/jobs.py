"""Work in the background: a bell that may get lost, and transactions that may take as long as a job."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import OperationalError

log = logging.getLogger("trialmgr.jobs")


def ring_on_commit(task: Task, *arguments: object) -> None:
    """Start a task when the transaction commits. Without its broker the work waits: a sweep finds the row."""
    transaction.on_commit(partial(_ring, task, *arguments))


def _ring(task: Any, *arguments: object) -> None:
    try:
        task.delay(*arguments)
    except OperationalError as error:
        log.warning("%s waits for its broker: %s", task.name, type(error).__name__)


def allow_long_statements() -> None:
    """Let the statements of this transaction take as long as a job may run, and calculate in between."""
    limit = f"{settings.CELERY_TASK_TIME_LIMIT}s"
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute("SELECT set_config(%s, %s, true)", [name, limit])
