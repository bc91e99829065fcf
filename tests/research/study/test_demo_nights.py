"""In a demo the office lets a night pass; the research side sees it by the clock that both share."""

from datetime import UTC, datetime, timedelta

import pytest

from analysis.study import services
from analysis.study.models import Run, Status
from trialmgr.celery import app
from trialmgr.core import clock
from trialmgr.demo.simulator import accounts, finish
from trialmgr.demo.tasks import notice_a_night


@pytest.fixture
def rung(monkeypatch, settings, tmp_path):
    settings.CLOCK_FILE = str(tmp_path / "clock")
    rung = []
    monkeypatch.setattr(app, "send_task", rung.append)
    return rung


def test_the_nightly_work_is_done_once_for_each_day_that_the_clock_shows(rung):
    for hours in (0, 1, 2, 30, 31):
        with clock.at(datetime(2018, 3, 5, 9, tzinfo=UTC) + timedelta(hours=hours)):
            notice_a_night()
    night = ["trialmgr.core.tasks.check_audit", "trialmgr.core.tasks.anchor_audit", "surveys.answers.tasks.wait_a_day"]
    assert rung == night * 2


def test_a_run_that_one_had_approved_when_the_demo_was_stopped_gets_the_other_approval(registered):
    accounts.make(accounts.RESEARCH)
    accounts.give_roles(accounts.RESEARCH)
    asked = services.request_run(trial="tilburg", purpose="first", by=accounts.of("onderzoeker@demo.example"))
    services.approve_run(run_id=asked.pk, by=accounts.of("hoofdonderzoeker@demo.example"))
    for _time in range(2):
        finish.study()
        assert [run.status for run in Run.objects.all()] == [Status.APPROVED]
