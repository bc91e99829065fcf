"""Let the demo's clock jump to the next morning and ring for everything that a night does."""

from datetime import date, datetime, time, timedelta

from celery.schedules import crontab
from django.conf import settings
from django.utils import timezone

from trialmgr.celery import app
from trialmgr.core import clock

MORNING = time(6, 0)


def pass_one() -> date:
    """Set the clock to six o'clock of the next day, ring for the nightly work, and give that day."""
    now = clock.now()
    day = clock.today() + timedelta(days=1)
    morning = datetime.combine(day, MORNING, timezone.get_default_timezone())
    clock.set_offset(clock.offset() + (morning - now))
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        if isinstance(entry["schedule"], crontab):
            app.send_task(entry["task"])
    return day
