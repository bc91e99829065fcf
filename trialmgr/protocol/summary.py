"""A protocol in one screen, for who has just checked it."""

from collections.abc import Iterator

from trialmgr.protocol.reading import sha256
from trialmgr.protocol.regimes import REGIMES
from trialmgr.protocol.schema import Arm, Protocol, Round, Wave

WIDTH = 13


def summary(protocol: Protocol) -> Iterator[str]:
    """The lines of the summary, in English."""
    months = round((protocol.end - protocol.start).days / 30.4)
    analysis, embargo = protocol.analysis, protocol.embargo
    rows = [
        ("trial", f"{protocol.name.nl} / {protocol.name.en} ({protocol.code})"),
        ("legal", f"{REGIMES[protocol.legal.regime].name}, {protocol.start} to {protocol.end} ({months} months)"),
        ("sites", ", ".join(site.name.nl for site in protocol.sites)),
        *(("round", _round(entry)) for entry in protocol.rounds),
        *(("arm", _arm(protocol, arm)) for arm in protocol.arms),
        ("lottery", _lottery(protocol)),
        *(("wave", _wave(wave)) for wave in protocol.waves),
        ("primary", f"{', '.join(analysis.primary)}; against {analysis.comparator}, {analysis.analysis_set}"),
        ("embargo", f"until {embargo.until}, {_count(len(embargo.interim_looks), 'agreed interim look')}"),
        ("sha256", sha256(protocol)),
    ]
    before = ""
    for name, text in rows:
        yield f"{'' if name == before else name:{WIDTH}}{text}"
        before = name


def _round(entry: Round) -> str:
    ratio = ":".join(str(share) for share in entry.template.values())
    return f"{entry.code}, {entry.opens} to {entry.closes}, {entry.entry} entry, {entry.target} persons, ratio {ratio}"


def _arm(protocol: Protocol, arm: Arm) -> str:
    provisions = ", ".join(provision.kind for provision in arm.provisions)
    persons = sum(protocol.targets(entry.code).get(arm.code, 0) for entry in protocol.rounds)
    contact = f"contact every {arm.contact.every_weeks} weeks ({arm.contact.by})"
    return f"{arm.code}: {provisions}; {persons} persons; {contact}"


def _lottery(protocol: Protocol) -> str:
    strata = _count(protocol.allocation.strata_count, "stratum", "strata")
    return f"{protocol.allocation.method} by {protocol.allocation.unit}, {strata}"


def _wave(wave: Wave) -> str:
    asked = _count(len(wave.instruments), "instrument")
    days = f"day {wave.opens_after_days} to {wave.closes_after_days} after {wave.counts_from}"
    return f"{wave.code}, {days}, {asked}, {_count(len(wave.reminders), 'reminder')}"


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number or 'no'} {one if number == 1 else more or one + 's'}"
