"""What beat rings for, per process. Each entry finds due rows in the database and does or enqueues them."""

from typing import Any

from trialmgr.processes import Process


def schedule(process: Process, sweep: float, *, demo: bool = False) -> dict[str, dict[str, Any]]:
    """Beat's entries of a process; `sweep` is the number of seconds between two looks for what is due."""
    if process is Process.TOOL:
        return {}
    from celery.schedules import crontab

    night = crontab(hour="2", minute="30")
    entries: dict[Process, dict[str, tuple[str, crontab | float]]] = {
        Process.OFFICE: {
            "check the audit chain": ("trialmgr.core.tasks.check_audit", night),
            "anchor the audit chain": ("trialmgr.core.tasks.anchor_audit", night),
            "ask who answered, queue what is due": ("surveys.mailing.tasks.nightly", night),
            "send what is queued": ("surveys.mailing.tasks.send_due", sweep),
            "exchange with the study": ("analysis.monitoring.tasks.exchange", sweep),
            "make lists, draw lots": ("randomization.tasks.go_on_with_draws", sweep),
            "drop imports that nobody confirmed": ("participants.tasks.drop_old_imports", 600.0),
        },
        Process.RESEARCH: {
            "check the audit chain": ("trialmgr.core.tasks.check_audit", night),
            "anchor the audit chain": ("trialmgr.core.tasks.anchor_audit", night),
            "pour submitted answers": ("surveys.answers.tasks.pour", sweep),
            "let few answers wait a day": ("surveys.answers.tasks.wait_a_day", night),
            "score poured answers": ("surveys.answers.tasks.score_due", sweep),
            "shut the release login": ("analysis.study.tasks.sweep_release", 60.0),
        },
        Process.VAULT: {
            "do runs that wait": ("analysis.study.sweep", sweep),
        },
    }
    if demo:
        entries[Process.RESEARCH]["notice a night that the office let pass"] = (
            "trialmgr.demo.tasks.notice_a_night",
            sweep,
        )
    return {words: {"task": task, "schedule": when} for words, (task, when) in entries.get(process, {}).items()}
