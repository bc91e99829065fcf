"""Sites, rounds, people and lots fit together."""

from collections.abc import Iterator

from trialmgr.core.documents import Key
from trialmgr.protocol.rules.finding import Finding, unique
from trialmgr.protocol.schema import HOUSEHOLD_TYPES, Factor, Protocol


def codes_unique(protocol: Protocol) -> Iterator[Finding]:
    yield from unique(protocol.sites, ("sites",), "site")
    yield from unique(protocol.rounds, ("rounds",), "round")
    yield from unique(protocol.arms, ("arms",), "arm")


def other_codes_unique(protocol: Protocol) -> Iterator[Finding]:
    yield from unique(protocol.eligibility, ("eligibility",), "check")
    yield from unique(protocol.consent.purposes, ("consent", "purposes"), "purpose")
    yield from unique(protocol.allocation.strata, ("allocation", "strata"), "stratum factor")
    for place, factor in enumerate(protocol.allocation.strata):
        yield from unique(factor.levels, ("allocation", "strata", place, "levels"), "level")


def measured_codes_unique(protocol: Protocol) -> Iterator[Finding]:
    yield from unique(protocol.instruments, ("instruments",), "instrument")
    yield from unique(protocol.waves, ("waves",), "wave")
    yield from unique(protocol.outcomes, ("outcomes",), "outcome")
    yield from unique(protocol.embargo.interim_looks, ("embargo", "interim_looks"), "look")


def ends_after_start(protocol: Protocol) -> Iterator[Finding]:
    if protocol.end <= protocol.start:
        yield Finding(("end",), f"is {protocol.end}, not after the start on {protocol.start}", "give a later day")


def rounds_in_time(protocol: Protocol) -> Iterator[Finding]:
    for place, entry in enumerate(protocol.rounds):
        if entry.closes <= entry.opens:
            yield Finding(
                ("rounds", place, "closes"),
                f"is {entry.closes}, not after it opens on {entry.opens}",
                "give a later day",
            )
        if entry.closes >= protocol.end:
            yield Finding(
                ("rounds", place, "closes"),
                f"is {entry.closes}, when the trial is over ({protocol.end})",
                "close the round before the end",
            )


def ratios_name_arms(protocol: Protocol) -> Iterator[Finding]:
    arms = [arm.code for arm in protocol.arms]
    for place, entry in enumerate(protocol.rounds):
        for code in entry.ratio:
            if code not in arms:
                yield Finding(
                    ("rounds", place, "ratio", code),
                    f"{code!r} is no arm of this protocol",
                    f"write one of {', '.join(arms)}",
                )


def every_arm_drawn(protocol: Protocol) -> Iterator[Finding]:
    drawn = {code for entry in protocol.rounds for code in entry.ratio}
    for place, arm in enumerate(protocol.arms):
        if arm.code not in drawn:
            yield Finding(
                ("arms", place), f"{arm.code!r} has no share in the ratio of any round", "add it to rounds: ratio:"
            )


def comparator_in_each_round(protocol: Protocol) -> Iterator[Finding]:
    comparator = protocol.analysis.comparator
    for place, entry in enumerate(protocol.rounds):
        if comparator not in entry.ratio:
            yield Finding(
                ("rounds", place, "ratio"),
                f"has no {comparator!r}, so that nobody of this round can be compared",
                "give the comparator a share",
            )


def one_leads(protocol: Protocol) -> Iterator[Finding]:
    leads = sum(site.lead for site in protocol.sites)
    if len({site.municipality for site in protocol.sites}) > 1 and leads != 1:
        yield Finding(
            ("sites",), f"are of several municipalities, of which {leads} lead", "write lead: yes at one of them"
        )


def someone_must_agree(protocol: Protocol) -> Iterator[Finding]:
    if protocol.consent.model != "statutory" and not any(purpose.required for purpose in protocol.consent.purposes):
        yield Finding(("consent", "purposes"), "are all optional", "write required: yes at taking part in the trial")


def method_fits_entry(protocol: Protocol) -> Iterator[Finding]:
    rolling = [place for place, entry in enumerate(protocol.rounds) if entry.entry == "rolling"]
    if rolling and protocol.allocation.method == "complete":
        yield Finding(
            ("allocation", "method"),
            f"is complete, which needs a closed list, but round {protocol.rounds[rolling[0]].code} has rolling entry",
            "write blocks",
        )
    multipliers = protocol.allocation.multipliers
    if protocol.allocation.method == "blocks" and not multipliers:
        yield Finding(("allocation", "multipliers"), "are empty", "write for example [1, 2]")
    if len(set(multipliers)) < len(multipliers):
        yield Finding(("allocation", "multipliers"), f"are {list(multipliers)}, with one twice", "name each once")


def levels_cover(protocol: Protocol) -> Iterator[Finding]:
    sites = tuple(site.code for site in protocol.sites)
    for place, factor in enumerate(protocol.allocation.strata):
        key: Key = ("allocation", "strata", place, "levels")
        if factor.counts:
            yield from _numbers_cover(factor, key)
        else:
            yield from _words_cover(factor, sites if factor.trait == "site" else HOUSEHOLD_TYPES, key)


def _words_cover(factor: Factor, words: tuple[str, ...], key: Key) -> Iterator[Finding]:
    held = [value for level in factor.levels for value in level.values]
    for place, level in enumerate(factor.levels):
        if not level.values or level.at_least is not None or level.below is not None:
            yield Finding((*key, place), f"is a level of {factor.trait}, which is no number", "give it values: only")
        for value in level.values:
            if value not in words:
                yield Finding(
                    (*key, place, "values"), f"{value!r} is no {factor.trait}", f"write one of {', '.join(words)}"
                )
    for word in words:
        if held.count(word) != 1:
            yield Finding(key, f"hold {word!r} {held.count(word)} times", "put it in one level")


def _numbers_cover(factor: Factor, key: Key) -> Iterator[Finding]:
    """A fault unless the levels, in the order of the file, take in every number from 0 once."""
    low: int | None = 0
    for place, level in enumerate(factor.levels):
        if level.values:
            yield Finding(
                (*key, place, "values"), f"are words, but {factor.trait} is a number", "give at_least: and below:"
            )
        elif low is None or (level.at_least or 0) != low:
            where = "is open at the top" if low is None else f"ends at {low}"
            yield Finding(
                (*key, place, "at_least"), f"is {level.at_least or 0}, but the level before it {where}", "let them join"
            )
        low = level.below
    if low is not None:
        yield Finding((*key, len(factor.levels) - 1, "below"), f"leaves out {low} and more", "leave below: out here")


RULES = (
    codes_unique,
    other_codes_unique,
    measured_codes_unique,
    ends_after_start,
    rounds_in_time,
    ratios_name_arms,
    every_arm_drawn,
    comparator_in_each_round,
    one_leads,
    someone_must_agree,
    method_fits_entry,
    levels_cover,
)
