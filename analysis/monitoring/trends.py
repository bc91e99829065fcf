"""How contacts and exits went from month to month, as charts of the leader's page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count as Number
from django.db.models.functions import TruncQuarter

from analysis.monitoring.charts import Chart, Count, round_top
from analysis.monitoring.selectors import drawn_exits
from coaching.selectors import contacts_by_month
from randomization.selectors import arm_sizes_by_day
from trialmgr.core import clock
from trialmgr.core.small_counts import hidden
from trialmgr.protocol.schema import Arm
from trialmgr.protocol.selectors import current_protocol

MONTHS, QUARTERS = 12, 8
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GroupChart:
    """The contacts of one group."""

    code: str
    name: str
    chart: Chart


def contact_charts(trial: str, language: str) -> list[GroupChart]:
    """Contacts of each group by month against its norm, each to its own scale; none before lots were drawn."""
    today, sizes = clock.today(), arm_sizes_by_day(trial)
    if not sizes:
        return []
    months = list(_periods(today, MONTHS, 1))
    held = contacts_by_month(trial, since=months[0][0], until=today)
    charts = []
    for arm in current_protocol(trial).arms:
        counts = [
            Count(first, last, held.get((arm.code, first), 0), _norm(arm, sizes, first, last)) for first, last in months
        ]
        top = round_top(max(max(one.number or 0, one.norm or 0) for one in counts))
        charts.append(GroupChart(arm.code, arm.name.text(language), Chart(counts, top, every=3)))
    return charts


def _norm(arm: Arm, sizes: list[tuple[str, date, int]], first: date, last: date) -> float:
    """The contacts that the norm asks of who was drawn by then, from the day after their draw."""
    days = sum(
        persons * max((last - max(first - DAY, drawn)).days, 0) for code, drawn, persons in sizes if code == arm.code
    )
    return days / (7 * arm.contact.every_weeks)


def exit_chart(trial: str) -> Chart | None:
    """Exits of drawn households by quarter from the first on, over all groups, without small numbers; None without."""
    smallest = current_protocol(trial).privacy.minimum_cell
    quarters = list(_periods(clock.today(), QUARTERS, 3))
    since = drawn_exits(trial).filter(day__gte=quarters[0][0], day__lte=quarters[-1][1])
    rows = since.annotate(quarter=TruncQuarter("day")).values_list("quarter").annotate(n=Number("pk"))
    found = hidden(dict(rows.order_by("quarter")), smallest)
    if not found:
        return None
    counts = [Count(first, last, found.get(first, 0)) for first, last in quarters if first >= min(found)]
    top = round_top(max(smallest, *(one.number or 0 for one in counts)))
    return Chart(counts, top, hidden=smallest)


def _periods(today: date, number: int, months: int) -> Iterator[tuple[date, date]]:
    """The first and the last day of so many periods of so many months, the last of which ends today."""
    now = today.year * 12 + today.month - 1
    for start in range(now - now % months - (number - 1) * months, now + 1, months):
        first, after = _first_of(start), _first_of(start + months)
        yield first, min(after - DAY, today)


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
