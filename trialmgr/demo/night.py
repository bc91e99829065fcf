"""Let the demo's clock jump to the next morning and ring, on either side, for everything that a night does."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

from celery.schedules import crontab
from django.conf import settings
from django.utils import timezone

from trialmgr.celery import app
from trialmgr.core import clock

MORNING = time(9, 0)  # when mail may go out


def pass_one() -> date:
    """Set the clock to nine o'clock of the next day, ring for the nightly work, and give that day."""
    now = clock.now()
    day = clock.today() + timedelta(days=1)
    morning = datetime.combine(day, MORNING, timezone.get_default_timezone())
    clock.set_offset(clock.offset() + (morning - now))
    _ring()
    return day


def notice_one() -> bool:
    """On the other side, which no page of the office can reach: ring when the shared clock came to another day."""
    seen = Path(settings.CLOCK_FILE).with_name(f"night-{settings.PROCESS}")
    day = clock.today().isoformat()
    if seen.exists() and seen.read_text("ascii") == day:
        return False
    seen.write_text(day, "ascii")
    _ring()
    return True


def _ring() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if isinstance(entry["schedule"], crontab):
            app.send_task(entry["task"])
