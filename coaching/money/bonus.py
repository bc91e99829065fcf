"""The premium ledger: how much of each payment is left out of the means, within the year's ceiling and number."""

from dataclasses import dataclass
from decimal import Decimal

from coaching.money.case import Case, Payment
from coaching.money.facts import ZERO
from coaching.money.fields import month_of
from coaching.money.rulebook import BonusRule, BonusVersion, RuleBook


@dataclass(frozen=True)
class Entry:
    """One payment: what is free of it, what counts as income, and what is left of the year after it.

    `why` is the first of: free, not-known, not-for-you, payments-used, ceiling, amount.
    """

    payment: Payment
    rule: BonusRule
    version: BonusVersion | None
    free: Decimal
    ceiling_left: Decimal
    payments_left: int
    why: str

    @property
    def counted(self) -> Decimal:
        return self.payment.amount - self.free


Ledger = tuple[Entry, ...]


def ledger_of(case: Case, book: RuleBook) -> Ledger:
    """Every payment in order of day; payments of one day count in order of amount, the largest first."""
    spent: dict[tuple[str, str, int], tuple[Decimal, int]] = {}
    entries = []
    for payment in sorted(case.bonuses, key=lambda paid: (paid.on, -paid.amount, paid.rule, paid.member or "")):
        rule = book.bonuses[payment.rule]
        version = rule.at(month_of(payment.on))
        whose = "" if version is None or version.unit == "household" else payment.member or case.members[0].name
        key = (payment.rule, whose, payment.on.year)
        entry = _entry(case, payment, rule, version, spent.get(key, (ZERO, 0)))
        if entry.free:
            total, number = spent.get(key, (ZERO, 0))
            spent[key] = (total + entry.free, number + 1)
        entries.append(entry)
    return tuple(entries)


def _entry(
    case: Case, payment: Payment, rule: BonusRule, version: BonusVersion | None, spent: tuple[Decimal, int]
) -> Entry:
    if version is None:
        return Entry(payment, rule, None, ZERO, ZERO, 0, "not-known")
    left, payments = version.ceiling - spent[0], version.payments - spent[1]
    if not _fits(case, payment, rule):
        return Entry(payment, rule, version, ZERO, left, payments, "not-for-you")
    if payments <= 0:
        return Entry(payment, rule, version, ZERO, left, 0, "payments-used")
    most = payment.amount
    if version.per_month is not None:
        most = min(most, version.per_month * (payment.months or 0))
    free = min(most, left)
    why = "free" if free == payment.amount else "ceiling" if free == left < most else "amount"
    return Entry(payment, rule, version, free, left - free, payments - (1 if free else 0), why)


def _fits(case: Case, payment: Payment, rule: BonusRule) -> bool:
    member = next((m for m in case.members if m.name == payment.member), case.members[0])
    held = {h.trait for h in member.traits if h.start <= payment.on and (h.end is None or payment.on <= h.end)}
    return held.isdisjoint(rule.excludes) or not held.isdisjoint(rule.unless)
