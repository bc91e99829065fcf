"""The charts of the leader's page: contacts by month against the norm, exits by quarter without small numbers."""

from datetime import UTC, date, datetime

import pytest

from analysis.monitoring import trends
from analysis.monitoring.charts import FOOT, TOP, Chart, Count, round_top
from coaching.models import ContactCount
from participants.models import Exit
from randomization.selectors import arm_sizes
from tests.office import factories as make
from trialmgr.core import clock
from trialmgr.core.models import Role
from trialmgr.protocol.selectors import current_protocol

PAGE = "/t/tilburg/progress/"


def counts(*numbers, norm=None):
    return [Count(date(2018, month, 1), date(2018, month, 28), n, norm) for month, n in enumerate(numbers, 1)]


@pytest.mark.parametrize(("highest", "top"), [(0, 10), (10, 10), (11, 20), (183, 200), (219, 300), (801, 1000)])
def test_a_scale_ends_at_a_round_number(highest, top):
    assert round_top(highest) == top


def test_a_bar_is_as_high_as_its_count():
    full, half, none = Chart(counts(200, 100, 0), 200).bars
    assert (full.y, full.height) == (TOP, FOOT - TOP)
    assert half.height * 2 == full.height
    assert (none.y, none.height) == (FOOT, 0)
    assert full.x + full.width < half.x


def test_a_hidden_count_stands_as_high_as_the_smallest_that_is_shown():
    hidden, least = Chart(counts(None, 10), 40, hidden=10).bars
    assert hidden.height == least.height


def test_the_norm_is_drawn_from_the_first_period_that_it_asks_something_of():
    chart = Chart([*counts(0, norm=0), *counts(3, 4, norm=10)], 20)
    assert chart.norm_line.count(",") == 4
    assert {point.split(",")[1] for point in chart.norm_line.split()} == {str(chart.middle)}
    assert Chart(counts(5), 10).norm_line == ""


@pytest.fixture
def drawn(tilburg):
    """Forty persons, drawn on the last of January."""
    with clock.at(datetime(2018, 1, 31, 9, tzinfo=UTC)):
        return make.make_drawn(40)


@pytest.mark.django_db
def test_the_norm_counts_the_days_after_the_draw(drawn):
    sizes = arm_sizes("tilburg")
    charts = {one.code: one.chart.counts for one in trends.contact_charts("tilburg", "en")}
    for arm in current_protocol("tilburg").arms:
        *_before, january, february, march = charts[arm.code]
        a_day = sizes[arm.code][1] / (7 * arm.contact.every_weeks)
        assert [january.norm, february.norm, march.norm] == pytest.approx([0, 28 * a_day, 5 * a_day])
        assert (february.first, february.last, march.last) == (date(2018, 2, 1), date(2018, 2, 28), make.TODAY)
        assert len(charts[arm.code]) == 12


@pytest.mark.django_db
def test_contacts_are_those_of_the_group_and_the_month(drawn):
    for day, held in ((date(2018, 2, 1), 3), (date(2018, 2, 28), 4), (date(2018, 3, 5), 1), (date(2017, 3, 31), 9)):
        ContactCount.objects.create(trial_id="tilburg", arm="control", day=day, held=held, in_person=0, missed=5)
    charts = {one.code: one.chart for one in trends.contact_charts("tilburg", "en")}
    assert [one.number for one in charts["control"].counts][-3:] == [0, 7, 1]
    assert {one.number for code, chart in charts.items() if code != "control" for one in chart.counts} == {0}
    assert len(charts["control"].counts) == 12


@pytest.mark.django_db
def test_few_exits_in_a_quarter_are_not_shown_nor_can_they_be_worked_out(drawn):
    noted = {"reason": "moved", "recorded_at": make.NOW, "recorded_by": make.someone()}
    days = [date(2017, 10, 1)] * 12 + [date(2018, 1, 1)] * 11 + [date(2017, 9, 30)] * 3
    Exit.objects.bulk_create(Exit(household=home, day=day, **noted) for home, day in zip(drawn, days, strict=False))
    found = {one.first: one.number for one in trends.exit_chart("tilburg").counts}
    assert len(found) == 3
    assert [found[date(2017, 7, 1)], found[date(2017, 10, 1)], found[date(2018, 1, 1)]] == [None, 12, None]


@pytest.mark.django_db
def test_each_chart_has_its_words_and_its_table(drawn):
    Exit.objects.create(
        household=drawn[0], day=make.TODAY, reason="moved", recorded_at=make.NOW, recorded_by=make.someone()
    )
    ContactCount.objects.create(trial_id="tilburg", arm="control", day=make.TODAY, held=1234, in_person=0, missed=0)
    shown = make.log_in(make.make_user(Role.LEADER)).get(PAGE).content.decode()
    assert shown.count('<svg class="chart"') == shown.count("As a table") == len(current_protocol("tilburg").arms) + 1
    assert shown.count("</title>") == shown.count("</desc>") + 1
    assert '<td class="number">1,234</td>' in shown
    assert "style=" not in shown
    assert "Feb 2018" in shown


@pytest.mark.django_db
def test_before_a_draw_there_is_no_chart(tilburg):
    assert trends.contact_charts("tilburg", "nl") == []
    assert trends.exit_chart("tilburg") is None
    assert 'class="chart"' not in make.log_in(make.make_user(Role.LEADER)).get(PAGE).content.decode()
