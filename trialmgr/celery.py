"""The Celery application of this process; its queue is named after the process (the vault's is `study`)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialmgr.settings")

app = Celery("trialmgr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
