"""Doing the same thing many times at the same moment, each on a connection of its own."""

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls at one moment; give what each returned, or the exception it ended with."""
    gate = threading.Barrier(len(calls))

    def one(call: Callable[[], Any], context: contextvars.Context) -> Any:
        gate.wait()
        try:
            return context.run(call)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        waiting = [pool.submit(one, call, contextvars.copy_context()) for call in calls]
        return [one.result() for one in waiting]


def faults(results: Sequence[Any]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]
