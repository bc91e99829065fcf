"""The arms of a trial: what is allowed, done and paid in each, and what people are told."""

from typing import Annotated, Literal

from pydantic import Field

from trialmgr.protocol.schema.base import Bilingual, Code, Euro, Part, Percent, Whole, at_least

Months = Annotated[Whole, Field(ge=1, le=120)]


class Nothing(Part):
    """The ordinary rules: what a control arm lives under."""

    kind: Literal["none"]


class Exemption(Part):
    """Temporary release from duties; the effort reviews come due in the months given."""

    kind: Literal["exemption"]
    duties: Annotated[tuple[Literal["work", "reintegration", "unpaid_service"], ...], at_least(1)]
    review_months: tuple[Months, ...] = ()
    max_months: Months | None = None


class Intensification(Part):
    """More contact and more obligations; `factor` times the ordinary number."""

    kind: Literal["intensification"]
    factor: Annotated[float, Field(gt=1, le=20)] = 2


class Disregard(Part):
    """Part of the earnings is kept beside the benefit, per month, up to a ceiling.

    `money` names the regime under `coaching/money/rules` that works the amounts out.
    """

    kind: Literal["disregard"]
    percent: Percent
    monthly_cap: Euro | None
    """None: no ceiling."""
    max_months: Months
    joint_for_couples: bool = True
    money: Code | None = None


class Bonus(Part):
    """A premium for work that does not count as means; `money` names the bonus that works it out."""

    kind: Literal["bonus"]
    yearly_max: Euro
    payments_per_year: Annotated[Whole, Field(ge=1, le=12)]
    condition: Bilingual
    money: Code | None = None


class Choice(Part):
    """The household chooses one of the named arms' provisions; analysis stays by this arm."""

    kind: Literal["choice"]
    options: Annotated[tuple[Code, ...], at_least(2)]
    may_change: bool = False


Provision = Annotated[
    Nothing | Exemption | Intensification | Disregard | Bonus | Choice,
    Field(discriminator="kind"),
]


class ContactNorm(Part):
    """How often the municipality speaks with each participant of the arm; the same log measures every arm.

    More than `alarm_per_year` contacts warn the leader that the arm drifts towards another one.
    """

    every_weeks: Annotated[Whole, Field(ge=1, le=104)]
    by: Literal["in_person", "phone", "any"]
    first_within_weeks: Annotated[Whole, Field(ge=1, le=52)] | None = None
    alarm_per_year: Annotated[Whole, Field(ge=1, le=365)] | None = None

    @property
    def per_year(self) -> float:
        return 52 / self.every_weeks


class Caseload(Part):
    """Participants per worker, from `low` to `high`; `worker` says who guides this arm."""

    worker: Literal["trial_coach", "regular"]
    low: Annotated[Whole, Field(ge=1, le=1000)]
    high: Annotated[Whole, Field(ge=1, le=1000)]


class PlainTexts(Part):
    """What a participant of the arm is told, in one language; Dutch at level B1."""

    changes: Annotated[str, Field(min_length=1)]
    stays: Annotated[str, Field(min_length=1)]
    earn: Annotated[str, Field(min_length=1)]
    stop: Annotated[str, Field(min_length=1)]


class ArmTexts(Part):
    nl: PlainTexts
    en: PlainTexts

    def texts(self, language: str) -> PlainTexts:
        return self.en if language == "en" else self.nl


class Arm(Part):
    """One group of the lottery."""

    code: Code
    name: Bilingual
    provisions: Annotated[tuple[Provision, ...], at_least(1)]
    contact: ContactNorm
    caseload: Caseload
    texts: ArmTexts

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of provision in this arm."""
        return frozenset(provision.kind for provision in self.provisions)
