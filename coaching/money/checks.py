"""Reading a case: every fault with its place and what would be right, before anything is worked out."""

from collections.abc import Iterator
from pathlib import Path

from coaching.money.case import Case, Held, Member
from coaching.money.facts import months_of
from coaching.money.fields import first_day, last_day, month_of, month_text
from coaching.money.rulebook import rulebook
from trialmgr.core.documents import Document, read_document, validate
from trialmgr.core.errors import BadInput, Fault


def read_case(path: str | Path) -> Case:
    """Read and check a case file. Raises BadInput with the place of every fault."""
    return case_of(read_document(path))


def case_of(document: Document) -> Case:
    case = validate(Case, document)
    faults = list(_setting_faults(case, document))
    if not faults:
        faults = [*_name_faults(case, document), *_rule_faults(case, document), *_earning_faults(case, document)]
    if faults:
        raise BadInput(faults)
    return case


def _setting_faults(case: Case, document: Document) -> Iterator[Fault]:
    book = rulebook()
    for place, setting in enumerate(case.settings):
        try:
            book = book.with_settings([setting])
        except ValueError as error:
            what, _, remedy = str(error).partition(" -> ")
            yield document.fault(("settings", place), what, remedy)


def _name_faults(case: Case, document: Document) -> Iterator[Fault]:
    names = [member.name for member in case.members]
    known = ", ".join(names)
    for place, name in enumerate(names):
        if name in names[:place]:
            yield document.fault(("members", place, "name"), f"is used twice: {name}", "give each member an own name")
    for part in ("earnings", "bonuses"):
        for place, entry in enumerate(getattr(case, part)):
            if entry.member is None and len(names) > 1:
                yield document.fault((part, place), "does not say whose it is", f"add member: one of {known}")
            elif entry.member is not None and entry.member not in names:
                yield document.fault((part, place, "member"), f"is no member: {entry.member}", f"use one of {known}")
    for place, member in enumerate(case.members):
        yield from _member_faults(case, document, place, member)


def _member_faults(case: Case, document: Document, place: int, member: Member) -> Iterator[Fault]:
    key = ("members", place)
    if member.start and member.end and member.end < member.start:
        yield document.fault((*key, "until"), "ends before it starts", "mend `until`")
    joined = member.start is not None and member.start > first_day(case.first)
    if joined and member.in_trial is None and case.provisions:
        yield document.fault(
            key, f"{member.name} joins later and it is not said whether in the trial", "add in_trial: true or false"
        )
    rules = {rule.id for regime in case.book().regimes.values() for rule in regime.rules}
    for name in sorted(set(member.used) - rules):
        yield document.fault((*key, "used", name), "is no rule on file", f"use one of {', '.join(sorted(rules))}")
    for number, held in enumerate(member.traits):
        if held.trait == "lone-parent" and _lives_with_another(case, member, held):
            yield document.fault(
                (*key, "traits", number), "a lone parent lives with another member", "end the trait, or the membership"
            )


def _lives_with_another(case: Case, member: Member, held: Held) -> bool:
    start, end = max(held.start, first_day(case.first)), min(held.end or last_day(case.last), last_day(case.last))
    return any(
        other.name != member.name and max(start, other.start or start) <= min(end, other.end or end, member.end or end)
        for other in case.members
    )


def _rule_faults(case: Case, document: Document) -> Iterator[Fault]:
    book = case.book()
    trials = sorted(name for name, regime in book.regimes.items() if regime.role == "trial")
    ordinary = sorted(name for name, regime in book.regimes.items() if regime.role == "regular")
    if case.regular not in ordinary:
        yield document.fault(("regular",), f"is no ordinary regime: {case.regular}", f"use {', '.join(ordinary)}")
        return
    if missing := [month for month in case.months() if not book.regime(case.regular).known_in(month)]:
        yield document.fault(
            ("from",),
            f"no ordinary rule is on file for {_span(missing)}",
            "choose other months, or give the rule of that time under `settings`",
        )
    for place, provision in enumerate(case.provisions):
        key = ("provisions", place)
        if provision.regime not in trials:
            yield document.fault(
                (*key, "regime"), f"is no trial regime: {provision.regime}", f"use one of {', '.join(trials)}"
            )
            continue
        regime = book.regime(provision.regime)
        last = min(provision.end or last_day(case.last), last_day(case.last))
        months = [month for month in case.months() if provision.start <= last_day(month) and first_day(month) <= last]
        if outside := [month for month in months if not regime.known_in(month)]:
            yield document.fault(key, f"{provision.regime} did not hold in {_span(outside)}", "end the provision")
        for other in case.provisions[:place]:
            if month_of(other.start) <= month_of(last) and month_of(provision.start) <= month_of(other.end or last):
                yield document.fault(key, "shares a month with another provision", "let one begin a month later")
    for place, payment in enumerate(case.bonuses):
        if payment.rule not in book.bonuses:
            yield document.fault(
                ("bonuses", place, "rule"), f"is no premium: {payment.rule}", f"use one of {', '.join(book.bonuses)}"
            )
            continue
        version = book.bonuses[payment.rule].at(month_of(payment.on))
        if version is not None and version.per_month is not None and payment.months is None:
            yield document.fault(("bonuses", place), "is a premium per month without its months", "add months: 3")


def _span(months: list[int]) -> str:
    return month_text(months[0]) + (f" to {month_text(months[-1])}" if len(months) > 1 else "")


def _earning_faults(case: Case, document: Document) -> Iterator[Fault]:
    start, end = first_day(case.first), last_day(case.last)
    hourly = _hourly_months(case)
    for place, entry in enumerate(case.earnings):
        first, last = entry.days()
        if last < start or first > end:
            yield document.fault(("earnings", place), "lies outside the months of the case", "widen from and until")
        if entry.hours is None and any(month_of(first) <= month <= month_of(last) for month in hourly):
            yield document.fault(("earnings", place), "has no hours, and the rule goes by the hour", "add hours: 12")
    yield from _negative_faults(case, document)


def _negative_faults(case: Case, document: Document) -> Iterator[Fault]:
    """Corrections that take off more than was entered, at the first entry below zero that touches the month."""
    for facts in months_of(case):
        for name, pay in facts.pay.items():
            if min(pay.in_trial, pay.outside, pay.not_counted) < 0:
                place = next(
                    place
                    for place, entry in enumerate(case.earnings)
                    if entry.amount < 0
                    and (entry.member or name) == name
                    and month_of(entry.days()[0]) <= facts.month <= month_of(entry.days()[1])
                )
                what = f"brings the pay of {name} in {month_text(facts.month)} below zero"
                yield document.fault(("earnings", place), what, "correct no more than was entered")


def _hourly_months(case: Case) -> set[int]:
    """The months in which a rule goes by hours of work: the ordinary one, or that of a provision."""
    book = case.book()
    spans = [(case.regular, first_day(case.first), last_day(case.last))]
    spans += [(p.regime, p.start, p.end or last_day(case.last)) for p in case.provisions]
    return {
        month
        for regime, start, end in spans
        for rule in (book.regimes[regime].rules if regime in book.regimes else ())
        for month in case.months()
        if month_of(start) <= month <= month_of(end)
        if (version := rule.at(month)) is not None and version.per_hour is not None
    }
