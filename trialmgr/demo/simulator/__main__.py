"""`python -m trialmgr.demo.simulator`, with the environment of a process: plays each step that it reads.

A step is a line with a JSON list: a module of this package and the arguments of its `run`. A played step is answered
with `done`; one that fails ends the process.
"""

import json
import os
import sys
from importlib import import_module

import django
from django.db import connections


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialmgr.settings")
    django.setup()
    for line in sys.stdin:
        step, *arguments = json.loads(line)
        import_module(f"trialmgr.demo.simulator.{step}").run(*arguments)
        connections.close_all()
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
