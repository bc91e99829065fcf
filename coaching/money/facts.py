"""From dated entries to months: who was there, what was earned on days with benefit, in the trial or outside it.

A period's pay is spread evenly over its days and only then rounded, once a member and a month; so the order of
entries, or a month's pay in two entries, changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from coaching.money.case import Case, Earning, Member
from coaching.money.fields import CENT, days_in, first_day, last_day, month_of

ZERO = Decimal("0.00")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pay:
    """What one member earned in one month, in euros; hours are a week's average over the whole month."""

    in_trial: Decimal = ZERO
    outside: Decimal = ZERO
    not_counted: Decimal = ZERO
    hours_in_trial: Decimal = ZERO
    hours_outside: Decimal = ZERO
    new_job: bool = False

    @property
    def counted(self) -> Decimal:
        return self.in_trial + self.outside


@dataclass(frozen=True)
class Month:
    """One month of one household. `pay` and `traits` hold the members present, in the order of the case."""

    month: int
    days: int
    benefit_days: int
    regime: str | None
    pay: Mapping[str, Pay]
    traits: Mapping[str, frozenset[str]]
    in_trial: frozenset[str]
    other_disregards: Decimal = ZERO

    @property
    def counted(self) -> Decimal:
        return sum((pay.counted for pay in self.pay.values()), ZERO)


Entries = Mapping[tuple[str, int], list[Earning]]


def months_of(case: Case) -> list[Month]:
    """Every month of the case, in order."""
    started = {member.name: set(member.jobs_before) for member in case.members}
    entries = _entries(case)
    return [_month(case, month, entries, started) for month in case.months()]


def _entries(case: Case) -> Entries:
    """The entries of each member that touch each month."""
    entries: dict[tuple[str, int], list[Earning]] = {}
    for entry in case.earnings:
        first, last = map(month_of, entry.days())
        for month in range(max(first, case.first), min(last, case.last) + 1):
            entries.setdefault((entry.member or case.members[0].name, month), []).append(entry)
    return entries


def _month(case: Case, month: int, entries: Entries, started: dict[str, set[str]]) -> Month:
    days = [first_day(month) + DAY * offset for offset in range(days_in(month))]
    benefit = {day for day in days if not case.benefit or _within(day, case.benefit)}
    pay: dict[str, Pay] = {}
    traits: dict[str, frozenset[str]] = {}
    in_trial: set[str] = set()
    for member in case.members:
        present = [day for day in days if _present(member, day)]
        if present:
            with_benefit = [day for day in present if day in benefit]
            covered = {day for day in with_benefit if member.in_trial is not False and _within(day, case.provisions)}
            own = entries.get((member.name, month), [])
            pay[member.name] = _pay(month, own, set(with_benefit), covered, started[member.name])
            on = (with_benefit or present)[0]
            traits[member.name] = frozenset(held.trait for held in member.traits if _within(on, [held]))
            if covered:
                in_trial.add(member.name)
    regime = next((p.regime for p in case.provisions for day in days if _within(day, [p])), None)
    other = sum((entry.amount for entry in case.other_disregards if entry.month == month), ZERO)
    return Month(month, len(days), len(benefit), regime, pay, traits, frozenset(in_trial), other)


def _within(day: date, periods: Iterable[object]) -> bool:
    return any(
        period.start <= day and (period.end is None or day <= period.end)  # type: ignore[attr-defined]
        for period in periods
    )


def _present(member: Member, day: date) -> bool:
    return (member.start is None or member.start <= day) and (member.end is None or day <= member.end)


def _pay(month: int, entries: list[Earning], benefit: set[date], covered: set[date], started: set[str]) -> Pay:
    inside = outside = lost = hours_inside = hours_outside = Fraction(0)
    new_job = False
    for entry in entries:
        first, last = entry.days()
        days = _overlap(month, first, last)
        in_trial, no_trial = len(covered.intersection(days)), len((benefit - covered).intersection(days))
        euros_a_day = Fraction(entry.amount) / ((last - first).days + 1)
        hours_a_day = Fraction(entry.hours or 0) / days_in(month)
        inside += euros_a_day * in_trial
        outside += euros_a_day * no_trial
        lost += euros_a_day * (len(days) - in_trial - no_trial)
        hours_inside += hours_a_day * in_trial
        hours_outside += hours_a_day * no_trial
        if in_trial + no_trial and entry.amount > 0 and entry.job not in started:
            started.add(entry.job)
            new_job = True
    return Pay(
        in_trial=_round(inside),
        outside=_round(outside),
        not_counted=_round(lost),
        hours_in_trial=_round(hours_inside),
        hours_outside=_round(hours_outside),
        new_job=new_job,
    )


def _overlap(month: int, first: date, last: date) -> list[date]:
    start, end = max(first, first_day(month)), min(last, last_day(month))
    return [start + DAY * offset for offset in range((end - start).days + 1)]


def _round(value: Fraction) -> Decimal:
    """To two decimals, halves up; exact, since the fraction is."""
    hundredths = (value * 200 + 1).__floor__() // 2
    return (Decimal(hundredths) * CENT).quantize(CENT, ROUND_HALF_UP)
