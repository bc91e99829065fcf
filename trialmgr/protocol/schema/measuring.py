"""What is measured: questionnaires in waves, and the outcomes that the trial is judged by."""

from typing import Annotated, Literal

from pydantic import Field

from trialmgr.protocol.schema.base import Bilingual, Code, Days, Part, Whole, at_least

Month = Annotated[Whole, Field(ge=1, le=120)]


class Instrument(Part):
    """A questionnaire scale by its code and version; `sealed` answers can be read by no web process."""

    code: Code
    version: Annotated[str, Field(min_length=1, max_length=20)]
    sealed: bool = False


class Reminder(Part):
    """A reminder so many days after the invitation; the same for every arm."""

    after_days: Annotated[Whole, Field(ge=1, le=365)]
    by: Literal["email", "letter"]


class Wave(Part):
    """One wave of questionnaires; days count from consent for the baseline, from the draw for the others."""

    code: Code
    name: Bilingual
    counts_from: Literal["consent", "draw"]
    opens_after_days: Days
    closes_after_days: Days
    instruments: Annotated[tuple[Code, ...], at_least(1)]
    minutes: Annotated[Whole, Field(ge=1, le=120)]
    reminders: tuple[Reminder, ...] = ()


class Surveys(Part):
    """Who asks which questionnaire, in which languages, between which hours, and whom a reminder goes to.

    The questionnaire file has a wave for each wave of the protocol, by the same code.
    """

    questionnaire: Code
    sender: Bilingual
    languages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...], at_least(1)] = ("nl", "en")
    send_from_hour: Annotated[Whole, Field(ge=6, le=22)] = 8
    send_until_hour: Annotated[Whole, Field(ge=7, le=23)] = 20
    reminders_to: Literal["not_answered", "everybody"] = "not_answered"


class WorkOutcome(Part):
    """Work, exit and benefit as the register knows them, a fact of each month; looked at in month `month`.

    `full_exit` benefit ended because of work; `any_work`; `parttime_with_benefit`; `other_exit` moved, study,
    partner, pension, prison, death or sanction; `return` back on benefit; `self_employed`.
    """

    kind: Literal["full_exit", "any_work", "parttime_with_benefit", "other_exit", "return", "self_employed"]
    month: Month


class HoursOutcome(Part):
    """Works more than `over` hours a week in month `month`."""

    kind: Literal["hours"]
    over: Annotated[Whole, Field(ge=0, le=80)]
    month: Month


class EarningsOutcome(Part):
    """Earns more than `over_percent` of the minimum wage that held in month `month`."""

    kind: Literal["earnings"]
    over_percent: Annotated[Whole, Field(ge=0, le=500)]
    month: Month


class TimeOutcome(Part):
    """Months until the first exit to work, cut off at `month`."""

    kind: Literal["months_to_exit"]
    month: Month


class ScoreOutcome(Part):
    """A score of an instrument in a wave; left out, `score` is the one that bears the instrument's name."""

    kind: Literal["score"]
    instrument: Code
    wave: Code
    score: Code | None = None

    @property
    def score_code(self) -> str:
        return self.score or self.instrument


class LadderOutcome(Part):
    """The rung of the participation ladder, 1 to 6, as a professional rates it at `month`."""

    kind: Literal["ladder"]
    month: Month


Measure = Annotated[
    WorkOutcome | HoursOutcome | EarningsOutcome | TimeOutcome | ScoreOutcome | LadderOutcome,
    Field(discriminator="kind"),
]


class Outcome(Part):
    """One outcome: a column of this name in the data that the analysis plan reads."""

    code: Code
    name: Bilingual
    definition: Bilingual
    better: Literal["higher", "lower", "neither"]
    measure: Measure
