"""Waves, outcomes, analysis and embargo refer to what exists, in an order that can happen."""

from collections.abc import Iterator

from trialmgr.core.documents import Key
from trialmgr.protocol.rules.finding import Finding, known
from trialmgr.protocol.schema import Protocol, ScoreOutcome, Wave


def baseline_first(protocol: Protocol) -> Iterator[Finding]:
    for place, wave in enumerate(protocol.waves):
        if place == 0 and wave.counts_from != "consent":
            yield Finding(
                ("waves", 0, "counts_from"),
                "is draw, but the first wave comes before the lot is drawn",
                "write consent",
            )
        if place > 0 and wave.counts_from != "draw":
            yield Finding(
                ("waves", place, "counts_from"), "is consent, but only the first wave is a baseline", "write draw"
            )


def windows(protocol: Protocol) -> Iterator[Finding]:
    before: Wave | None = None
    for place, wave in enumerate(protocol.waves):
        if wave.closes_after_days <= wave.opens_after_days:
            yield Finding(
                ("waves", place, "closes_after_days"),
                f"is {wave.closes_after_days}, not after it opens on day {wave.opens_after_days}",
                "give a later day",
            )
        if before is not None and before.counts_from == "draw" and wave.opens_after_days <= before.closes_after_days:
            yield Finding(
                ("waves", place, "opens_after_days"),
                f"is {wave.opens_after_days}, when wave {before.code} is open until day {before.closes_after_days}",
                "let the waves follow each other",
            )
        before = wave


def waves_in_trial(protocol: Protocol) -> Iterator[Finding]:
    length = (protocol.end - protocol.start).days
    for place, wave in enumerate(protocol.waves):
        if wave.opens_after_days > length:
            yield Finding(
                ("waves", place, "opens_after_days"),
                f"is {wave.opens_after_days}, but the trial lasts {length} days",
                "open the wave before the end",
            )


def reminders(protocol: Protocol) -> Iterator[Finding]:
    for place, wave in enumerate(protocol.waves):
        days, open_for = [0], wave.closes_after_days - wave.opens_after_days
        for at, reminder in enumerate(wave.reminders):
            key = ("waves", place, "reminders", at, "after_days")
            if reminder.after_days <= days[-1]:
                yield Finding(key, f"is {reminder.after_days}, not after day {days[-1]}", "put the reminders in order")
            if reminder.after_days >= open_for:
                yield Finding(
                    key, f"is {reminder.after_days}, but the wave is open for {open_for} days", "remind earlier"
                )
            days.append(reminder.after_days)


def hours(protocol: Protocol) -> Iterator[Finding]:
    if protocol.surveys.send_until_hour <= protocol.surveys.send_from_hour:
        yield Finding(("surveys", "send_until_hour"), "is not after send_from_hour", "for example from 8 until 20")
    if not {"nl"} <= set(protocol.surveys.languages):
        yield Finding(("surveys", "languages"), "have no nl", "add nl: the participants' texts are Dutch first")


def instruments_known(protocol: Protocol) -> Iterator[Finding]:
    for place, wave in enumerate(protocol.waves):
        yield from known(wave.instruments, protocol.instruments, ("waves", place, "instruments"), "instrument")


def scores_asked(protocol: Protocol) -> Iterator[Finding]:
    waves = {wave.code: wave for wave in protocol.waves}
    for place, outcome in enumerate(protocol.outcomes):
        measure = outcome.measure
        if not isinstance(measure, ScoreOutcome):
            continue
        key = ("outcomes", place, "measure")
        if measure.wave not in waves:
            yield Finding(
                (*key, "wave"), f"{measure.wave!r} is no wave of this protocol", f"write one of {', '.join(waves)}"
            )
        elif measure.instrument not in waves[measure.wave].instruments:
            yield Finding(
                (*key, "instrument"),
                f"{measure.instrument!r} is not asked in wave {measure.wave}",
                "add it to the wave's instruments",
            )


def outcomes_known(protocol: Protocol) -> Iterator[Finding]:
    analysis = protocol.analysis
    lists: list[tuple[Key, tuple[str, ...]]] = [
        (("analysis", "primary"), analysis.primary),
        (("analysis", "secondary"), analysis.secondary),
        *((("analysis", "families", i, "outcomes"), family.outcomes) for i, family in enumerate(analysis.families)),
    ]
    for key, codes in lists:
        yield from known(codes, protocol.outcomes, key, "outcome")
    for place, code in enumerate(analysis.secondary):
        if code in analysis.primary:
            yield Finding(("analysis", "secondary", place), f"{code!r} is primary already", "leave it in one list")


def one_family_each(protocol: Protocol) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, family in enumerate(protocol.analysis.families):
        for at, code in enumerate(family.outcomes):
            if code in seen:
                key = ("analysis", "families", place, "outcomes", at)
                yield Finding(key, f"{code!r} is in family {seen[code]} already", "leave it in one family")
            seen[code] = family.name


def plan_agrees(protocol: Protocol) -> Iterator[Finding]:
    plan, comparator = protocol.analysis.plan, protocol.analysis.comparator
    key: Key = ("analysis", "plan", "analyses")
    if plan.data.get("control") != comparator:
        given = plan.data.get("control")
        where = ("analysis", "plan", "data", "control")
        yield Finding(where, f"is {given!r}, but the comparator is {comparator!r}", "write the comparator")
    ids: set[str] = set()
    for place, item in enumerate(plan.analyses):
        if item.id in ids:
            yield Finding((*key, place, "id"), f"{item.id!r} is used twice", "give each its own")
        ids.add(item.id)
        if getattr(item, "control", comparator) != comparator:
            what = f"is not the comparator {comparator!r}"
            yield Finding((*key, place, "control"), what, "leave it out, or write the comparator")


def plan_covers_primary(protocol: Protocol) -> Iterator[Finding]:
    planned = planned_outcomes(protocol)
    for place, code in enumerate(protocol.analysis.primary):
        if code not in planned:
            yield Finding(
                ("analysis", "primary", place),
                f"{code!r} is primary, but no analysis of the plan has it as outcome",
                "add one under analysis: plan: analyses:",
            )


def planned_outcomes(protocol: Protocol) -> set[object]:
    """The columns that the plan has as outcome; one analysis may have several."""
    planned: set[object] = set()
    for item in protocol.analysis.plan.analyses:
        several = getattr(item, "outcomes", None)
        planned.update(several if isinstance(several, list) else [getattr(item, "outcome", None)])
    return planned


def families_in_plan(protocol: Protocol) -> Iterator[Finding]:
    planned = {str(family.get("name")): family for family in protocol.analysis.plan.families}
    outcome_of = {item.id: getattr(item, "outcome", None) for item in protocol.analysis.plan.analyses}
    for place, family in enumerate(protocol.analysis.families):
        given = planned.get(family.name, {})
        tested = {outcome_of.get(name) for name in given.get("analyses", ())}
        if given.get("adjust") != family.adjust or not set(family.outcomes) <= tested:
            yield Finding(
                ("analysis", "families", place),
                f"{family.name!r} is not the family of that name in the plan",
                "give both the same adjust, and an analysis of each outcome",
            )


def embargo_after_start(protocol: Protocol) -> Iterator[Finding]:
    if protocol.embargo.until <= protocol.start:
        what = f"is {protocol.embargo.until}, when the trial has not begun on {protocol.start}"
        yield Finding(("embargo", "until"), what, "give the day after which results by arm may be known")


def looks(protocol: Protocol) -> Iterator[Finding]:
    for place, look in enumerate(protocol.embargo.interim_looks):
        key = ("embargo", "interim_looks", place)
        yield from known(look.outcomes, protocol.outcomes, (*key, "outcomes"), "outcome")
        if not protocol.start < look.day < protocol.embargo.until:
            yield Finding(
                (*key, "day"),
                f"is {look.day}, not between the start and the end of the embargo",
                "give a day between them",
            )
        if look.agreed_on >= look.day:
            yield Finding(
                (*key, "agreed_on"),
                f"is {look.agreed_on}, not before the look on {look.day}",
                "agree on a look beforehand",
            )


RULES = (
    baseline_first,
    windows,
    waves_in_trial,
    reminders,
    hours,
    instruments_known,
    scores_asked,
    outcomes_known,
    one_family_each,
    plan_agrees,
    plan_covers_primary,
    families_in_plan,
    embargo_after_start,
    looks,
)
