"""What beat rings for, per process. Each entry finds due rows in the database and does or enqueues them."""

from typing import Any

from celery.schedules import crontab

from trialmgr.processes import Process

NIGHT = crontab(hour="2", minute="30")
MINUTE = 60.0
SCHEDULE: dict[Process, dict[str, dict[str, Any]]] = {
    Process.OFFICE: {
        "anchor the audit chain": {"task": "trialmgr.core.tasks.anchor_audit", "schedule": NIGHT},
        "ask who answered, queue what is due": {"task": "surveys.mailing.tasks.nightly", "schedule": NIGHT},
        "send what is queued": {"task": "surveys.mailing.tasks.send_due", "schedule": MINUTE},
        "exchange with the study": {"task": "analysis.monitoring.tasks.exchange", "schedule": MINUTE},
        "make lists of draws": {"task": "randomization.tasks.freeze_requested", "schedule": MINUTE},
        "drop imports that nobody confirmed": {"task": "participants.tasks.drop_old_imports", "schedule": 10 * MINUTE},
    },
    Process.RESEARCH: {
        "anchor the audit chain": {"task": "trialmgr.core.tasks.anchor_audit", "schedule": NIGHT},
        "pour submitted answers": {"task": "surveys.answers.tasks.pour", "schedule": 60},
        "let few answers wait a day": {"task": "surveys.answers.tasks.wait_a_day", "schedule": NIGHT},
        "score poured answers": {"task": "surveys.answers.tasks.score_due", "schedule": 60},
    },
    Process.VAULT: {
        "do runs that wait": {"task": "analysis.study.sweep", "schedule": MINUTE},
    },
}
