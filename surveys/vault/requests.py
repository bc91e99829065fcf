"""What the office may ask, in its exact form; anything else is refused before any work."""

from datetime import date, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from surveys.sealing import PID_PATTERN
from trialmgr.core import clock

Pid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MOST_LINKS = 5_000
LONGEST = timedelta(days=800)
LATE = timedelta(days=1)
MOST_PERSONS = 1_000_000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SealRequest(Strict):
    study: Code
    wave: Code
    last_day: date
    pids: list[Pid] = Field(min_length=1, max_length=MOST_LINKS)

    @field_validator("last_day")
    @classmethod
    def _a_link_is_for_now(cls, last_day: date) -> date:
        """The office's day may have passed a moment ago; no questionnaire stays open for years."""
        if not clock.today() - LATE <= last_day <= clock.today() + LONGEST:
            raise ValueError("the last day lies within the next two years")
        return last_day


class StatusRequest(Strict):
    study: Code
    wave: Code
    pids: list[Pid] = Field(max_length=MOST_PERSONS)


class CountsRequest(Strict):
    study: Code


class EraseRequest(Strict):
    study: Code
    pid: Pid


class ResultsRequest(Strict):
    """Which results the office has already."""

    known: list[RunId] = Field(max_length=MOST_PERSONS)


class LoadRequest(Strict):
    """Outcome rows of one approved run: each a `pid` and any columns; `extra` is what concerns all rows."""

    run: RunId
    study: Code
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_PERSONS)
    extra: dict[str, Any] = {}

    @model_validator(mode="after")
    def _each_row_is_a_person(self) -> Self:
        if any(not PID_PATTERN.fullmatch(str(row.get("pid"))) or "pseud" in row for row in self.rows):
            raise ValueError("each row needs the pid of a person, and no pseud")
        return self
