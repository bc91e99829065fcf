"""The figures of the leader's page. Processes are shown; outcomes by group are not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from analysis.monitoring.models import ReleasedResult, SentRun
from analysis.study.reading import Opening
from coaching.selectors import contact_counts
from participants.models import Exit, ExitReason, StepKind
from participants.selectors import counts_by_step, exclusion_counts
from randomization.selectors import arm_sizes, households_in
from trialmgr.core import clock
from trialmgr.core.small_counts import hidden
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol, protocol_of, version_at, version_named

WINDOW = timedelta(weeks=12)
FLOW = (
    StepKind.SOLICITED,
    StepKind.SIGNED_UP,
    StepKind.DECLINED,
    StepKind.EXCLUDED,
    StepKind.ELIGIBLE,
    StepKind.CONSENTED,
    StepKind.RANDOMISED,
    StepKind.STOPPED_TREATMENT,
    StepKind.STOPPED_SURVEYS,
    StepKind.WITHDREW_DATA,
)


@dataclass(frozen=True, slots=True)
class ArmState:
    """One group: persons drawn against the target, and contacts per person and year against the norm."""

    code: str
    name_nl: str
    name_en: str
    households: int
    persons: int
    target: int
    minimum: int
    held: int
    in_person: int
    missed: int
    per_year: float | None
    norm_per_year: float
    alarm: bool

    @property
    def share(self) -> int:
        """Percent of the target; more than 100 when more persons were drawn."""
        return round(100 * self.persons / self.target) if self.target else 0

    @property
    def bar(self) -> int:
        """The share as a length between 0 and 100."""
        return min(100, self.share)

    @property
    def below_minimum(self) -> bool:
        return self.persons < self.minimum


def arm_states(trial: str) -> list[ArmState]:
    """Every group in the order of the protocol. Contacts are those of the last twelve weeks."""
    protocol, today = current_protocol(trial), clock.today()
    sizes = arm_sizes(trial)
    targets = _targets(protocol)
    contacts = contact_counts(trial, since=today - WINDOW, until=today)
    states = []
    for arm in protocol.arms:
        homes, persons = sizes.get(arm.code, (0, 0))
        talks = contacts[arm.code]
        per_year = talks["held"] / persons * 52 / (WINDOW.days / 7) if persons else None
        alarm = arm.contact.alarm_per_year
        states.append(
            ArmState(
                code=arm.code,
                name_nl=arm.name.nl,
                name_en=arm.name.en,
                households=homes,
                persons=persons,
                target=targets.get(arm.code, 0),
                minimum=protocol.privacy.minimum_arm,
                held=talks["held"],
                in_person=talks["in_person"],
                missed=talks["missed"],
                per_year=per_year,
                norm_per_year=arm.contact.per_year,
                alarm=bool(alarm and per_year and per_year > alarm),
            )
        )
    return states


def _targets(protocol: Protocol) -> dict[str, int]:
    targets: dict[str, int] = {}
    for entry in protocol.rounds:
        for arm, persons in protocol.targets(entry.code).items():
            targets[arm] = targets.get(arm, 0) + persons
    return targets


def flow(trial: str) -> list[tuple[str, int]]:
    """Persons who took each step, from invited on."""
    counts = counts_by_step(trial)
    return [(StepKind(kind).label, counts[kind]) for kind in FLOW]


def exclusions(trial: str, language: str) -> list[tuple[str, int | None]]:
    """Persons excluded by reason, without small numbers."""
    protocol = current_protocol(trial)
    reasons = {check.code: check.reason.text(language) for check in protocol.eligibility}
    counts = hidden(exclusion_counts(trial), protocol.privacy.minimum_cell)
    return [(reasons.get(code, code), n) for code, n in counts.items()]


@dataclass(frozen=True, slots=True)
class Exits:
    """Drawn households that ever left the benefit, over all groups, and by reason; None where too few to show."""

    households: int | None
    reasons: Sequence[tuple[str, int | None]]


def exits(trial: str) -> Exits:
    """By group exits are an outcome."""
    smallest, drawn = current_protocol(trial).privacy.minimum_cell, drawn_exits(trial)
    homes = Count("household", distinct=True)
    total = drawn.aggregate(n=homes)["n"]
    rows = hidden(dict(drawn.values_list("reason").annotate(n=homes).order_by("reason")), smallest)
    reasons = [(str(ExitReason(code).label), rows[code]) for code in ExitReason.values if code in rows]
    return Exits(None if 0 < total < smallest else total, reasons)


def drawn_exits(trial: str) -> QuerySet[Exit]:
    return Exit.objects.filter(household__in=households_in(trial))


def opening_of(result: ReleasedResult) -> Opening | None:
    """How a result was opened before the embargo ended, as the research side told; None when it was not."""
    if not result.opened_early:
        return None
    told = json.loads(result.opened_early)
    return Opening(date.fromisoformat(told["on"]), told["by"], told["ground"])


def protocol_under(result: ReleasedResult, document: Mapping[str, Any]) -> Protocol:
    """The protocol that a result was made under, whose names it is read by.

    It may be one that the office never stored; then that of the day on which the outcomes left the office.
    """
    version = version_named(result.trial_id, document.get("protocol", ""))
    if version is None:
        sent = SentRun.objects.filter(run=result.run).first()
        version = version_at(result.trial_id, sent.sent_at if sent else result.received_at)
    return protocol_of(version) if version else current_protocol(result.trial_id)
