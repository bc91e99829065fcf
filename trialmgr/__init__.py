"""trialmgr: a trial office for social-policy experiments."""

import os

if os.environ.get("TRIALMGR_PROCESS"):  # the commands on files have no queue, and start a quarter sooner without
    import trialmgr.celery  # noqa: F401 -- so that tasks belong to this application, not to Celery's default

__version__ = "0.1.0"
