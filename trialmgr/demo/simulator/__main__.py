"""`python -m trialmgr.demo.simulator STEP`, with the environment of the step's process."""

import os
import sys
from importlib import import_module

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialmgr.settings")
    django.setup()
    import_module(f"trialmgr.demo.simulator.{sys.argv[1]}").run(*sys.argv[2:])


if __name__ == "__main__":
    main()
