"""From a log of what happened to participants to their flow through the trial."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analysis.estimators.refusals import Refused

SLOTS = {
    "invited": "invited",
    "excluded": "eligibility",
    "consented": "eligibility",
    "randomised": "arm",
    "received_allocated": "receipt",
    "did_not_receive": "receipt",
    "withdrew_consent": "withdrawal",
    "survey": "survey",
}
CORRECTION = "correction"
EVENTS = (*SLOTS, CORRECTION)


@dataclass(frozen=True)
class Entry:
    """One line of the log: `place` is its data row, `moment` what it is ordered by."""

    place: int
    person: str
    moment: str | float
    event: str
    detail: str | None


@dataclass
class Person:
    """What holds for a participant after all corrections."""

    arm: str | None = None
    excluded: str | None = None
    received: bool | None = None
    withdrew: bool = False
    waves: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Flow:
    """Participants by name, and what the log says twice in different ways."""

    people: dict[str, Person]
    remarks: tuple[str, ...]

    @property
    def randomised(self) -> list[Person]:
        return [person for person in self.people.values() if person.arm is not None]

    def of(self, arm: str | None) -> list[Person]:
        """The randomised of one arm, of all arms for None."""
        return [person for person in self.randomised if arm is None or person.arm == arm]

    @property
    def reasons(self) -> Counter[str]:
        """Who was excluded and not randomised, by reason."""
        return Counter(p.excluded for p in self.people.values() if p.excluded is not None and p.arm is None)

    @property
    def waves(self) -> list[str]:
        found = {wave for person in self.randomised for wave in person.waves}
        return sorted(found, key=lambda wave: (0, int(wave), "") if wave.isdigit() else (1, 0, wave))


def flow_of(entries: Iterable[Entry]) -> Flow:
    """Follow the log in order of date; equal entries count once, a correction takes the place of what it corrects."""
    by_person: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.moment, entry.event == CORRECTION, entry.place)):
        by_person.setdefault(entry.person, []).append(entry)
    people, remarks = {}, []
    for name, lines in by_person.items():
        person = Person()
        for entry in _corrected(lines):
            if entry.event == "randomised" and person.arm not in (None, entry.detail):
                remarks.append(
                    f"{name!r} is randomised to {person.arm!r} and then to {entry.detail!r}: the first counts"
                )
                continue
            _apply(person, entry)
        people[name] = person
    return Flow(people, tuple(remarks))


def _corrected(lines: Iterable[Entry]) -> list[Entry]:
    """The entries of one person, with each correction in the place of the last entry of its kind before it."""
    kept: list[Entry] = []
    for entry in lines:
        if entry.event != CORRECTION:
            kept.append(entry)
            continue
        right = _meant(entry)
        slot = SLOTS[right.event]
        before = [place for place, other in enumerate(kept) if SLOTS[other.event] == slot]
        if before:
            kept[before[-1]] = right
        else:
            kept.append(right)
    return kept


def _meant(entry: Entry) -> Entry:
    """The entry as it should have been."""
    event, _, detail = (entry.detail or "").partition(":")
    event = event.strip()
    if event not in SLOTS:
        raise Refused(
            f"the correction in data row {entry.place + 1} says {entry.detail!r}",
            f"write `event:detail` as it should have been, with one of {', '.join(SLOTS)}",
        )
    return checked(Entry(entry.place, entry.person, entry.moment, event, detail.strip() or None))


def checked(entry: Entry) -> Entry:
    """Refuse an entry of an unknown kind, or without the detail that its kind needs."""
    if entry.event not in EVENTS:
        raise Refused(f"data row {entry.place + 1} has the event {entry.event!r}", f"write one of {', '.join(EVENTS)}")
    if entry.event in ("randomised", "survey") and not entry.detail:
        what = "arm" if entry.event == "randomised" else "wave"
        raise Refused(f"data row {entry.place + 1} ({entry.event}) names no {what}", "fill in the detail")
    return entry


def _apply(person: Person, entry: Entry) -> None:
    match entry.event:
        case "randomised":
            person.arm = entry.detail
        case "excluded":
            person.excluded = entry.detail or "no reason given"
        case "consented":
            person.excluded = None
        case "received_allocated" | "did_not_receive":
            person.received = entry.event == "received_allocated"
        case "withdrew_consent":
            person.withdrew = True
        case "survey":
            person.waves.add(str(entry.detail))


def counted(flow: Flow, arm: str | None) -> Iterator[tuple[str, str | None, int]]:
    """Measure, wave and number of an arm, of all arms for None."""
    people = flow.of(arm)
    n = len(people)
    received = sum(person.received is True for person in people)
    yield from (("randomised", None, n), ("allocated", None, n))
    yield from (("received", None, received), ("not_received", None, n - received))
    yield "withdrew", None, sum(person.withdrew for person in people)
    answered = {wave: sum(wave in person.waves for person in people) for wave in flow.waves}
    for wave, count in answered.items():
        yield "answered", wave, count
        yield "not_answered", wave, n - count
    yield "analysed", None, n
    for wave, count in answered.items():
        yield "analysed", wave, count
