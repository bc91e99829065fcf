"""What beat rings for, per process. Each entry finds due rows in the database and does or enqueues them."""

from typing import Any

from celery.schedules import crontab

from trialmgr.processes import Process

NIGHT = crontab(hour="2", minute="30")
SCHEDULE: dict[Process, dict[str, dict[str, Any]]] = {
    Process.OFFICE: {
        "anchor the audit chain": {"task": "trialmgr.core.tasks.anchor_audit", "schedule": NIGHT},
    },
    Process.RESEARCH: {
        "anchor the audit chain": {"task": "trialmgr.core.tasks.anchor_audit", "schedule": NIGHT},
    },
    Process.VAULT: {},
}
