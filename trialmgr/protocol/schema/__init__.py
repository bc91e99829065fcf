"""The protocol document: everything that makes a trial, in one file that a leader can read."""

from typing import Annotated, Literal, TypeVar

from django.utils.translation import gettext as _
from pydantic import Field

from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema.allocation import HOUSEHOLD_TYPES, Allocation, Factor, Level
from trialmgr.protocol.schema.analysis import (
    Analysis,
    Embargo,
    Family,
    InterimLook,
    Plan,
    PlannedAnalysis,
    Privacy,
    Reports,
    Retention,
)
from trialmgr.protocol.schema.arms import (
    Arm,
    ArmTexts,
    Bonus,
    Caseload,
    Choice,
    ContactNorm,
    Disregard,
    Exemption,
    Intensification,
    Nothing,
    PlainTexts,
    Provision,
)
from trialmgr.protocol.schema.base import Bilingual, Code, Day, Part, at_least
from trialmgr.protocol.schema.measuring import Instrument, Measure, Outcome, Reminder, ScoreOutcome, Surveys, Wave
from trialmgr.protocol.schema.people import Consent, EligibilityCheck, Purpose
from trialmgr.protocol.schema.setting import Legal, Regime, Round, Site, Team

__all__ = [
    "HOUSEHOLD_TYPES",
    "Allocation",
    "Analysis",
    "Arm",
    "ArmTexts",
    "Bilingual",
    "Bonus",
    "Caseload",
    "Choice",
    "Code",
    "Consent",
    "ContactNorm",
    "Day",
    "Disregard",
    "EligibilityCheck",
    "Embargo",
    "Exemption",
    "Factor",
    "Family",
    "Instrument",
    "Intensification",
    "InterimLook",
    "Legal",
    "Level",
    "Measure",
    "Nothing",
    "Outcome",
    "Part",
    "PlainTexts",
    "Plan",
    "PlannedAnalysis",
    "Privacy",
    "Protocol",
    "Provision",
    "Purpose",
    "Regime",
    "Reminder",
    "Reports",
    "Retention",
    "Round",
    "ScoreOutcome",
    "Site",
    "Surveys",
    "Team",
    "Wave",
]


Coded = TypeVar("Coded", Arm, Round, Wave, Outcome)


class Protocol(Part):
    """A whole trial. Built by `trialmgr.protocol.reading`, which also holds it against the rules of its regime."""

    protocol: Literal[1]
    """The version of this format."""
    code: Code
    name: Bilingual
    summary: Bilingual
    unknown: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Facts about the real trial that were not found, so that what stands in the file was chosen."""
    legal: Legal
    start: Day
    end: Day
    sites: Annotated[tuple[Site, ...], at_least(1)]
    team: Team
    rounds: Annotated[tuple[Round, ...], at_least(1)]
    arms: Annotated[tuple[Arm, ...], at_least(2)]
    eligibility: tuple[EligibilityCheck, ...] = ()
    consent: Consent
    allocation: Allocation
    instruments: Annotated[tuple[Instrument, ...], at_least(1)]
    surveys: Surveys
    waves: Annotated[tuple[Wave, ...], at_least(1)]
    outcomes: Annotated[tuple[Outcome, ...], at_least(1)]
    analysis: Analysis
    embargo: Embargo
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    reports: Reports = Reports()

    def arm(self, code: str) -> Arm:
        return _by_code(self.arms, code)

    def round(self, code: str) -> Round:
        return _by_code(self.rounds, code)

    def wave(self, code: str) -> Wave:
        return _by_code(self.waves, code)

    def outcome(self, code: str) -> Outcome:
        return _by_code(self.outcomes, code)

    @property
    def control(self) -> Arm:
        return self.arm(self.analysis.comparator)

    @property
    def baseline(self) -> Wave:
        return self.waves[0]

    def targets(self, round_code: str) -> dict[str, int]:
        """Persons hoped for in each arm of a round, by its ratio; what cannot be divided goes to the first arms."""
        entry = self.round(round_code)
        whole = sum(entry.ratio.values())
        counts = {arm: entry.target * share // whole for arm, share in entry.ratio.items()}
        for arm in list(counts)[: entry.target - sum(counts.values())]:
            counts[arm] += 1
        return counts


def _by_code(parts: tuple[Coded, ...], code: str) -> Coded:
    for part in parts:
        if part.code == code:
            return part
    raise DomainError(_("%(code)s is not in the protocol.") % {"code": code})
