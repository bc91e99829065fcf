"""Processes that start in one environment after another, without loading Django anew for each."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_EACH = """
import json, os, sys
# what all of them load, once
import celery.app.base, celery.schedules, csp.constants, django.db.models, django.forms, django.http, pydantic
from django.core.exceptions import ImproperlyConfigured

for variables in json.load(sys.stdin):
    if os.fork() == 0:
        os.environ.clear()
        os.environ.update(variables)
        try:
            django.setup()
            print("started")
        except ImproperlyConfigured as error:
            print(error)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


def starts(environments: list[dict[str, str]]) -> list[str]:
    """What becomes of a process of Django in each of these environments: `started`, or why not."""
    argv = [sys.executable, "-c", START_EACH]
    wanted = json.dumps(environments)
    done = subprocess.run(argv, cwd=ROOT, env={}, input=wanted, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
