"""Interim looks: boundaries, alpha spent, and the chance that the end will still cross."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from analysis.estimators.group_sequential import (
    NARROWEST,
    SPENDING,
    Boundary,
    boundary,
    conditional_power,
    spent_by,
)
from analysis.estimators.inference import t_tail
from analysis.estimators.plan import AnalysisKeys, Numbers
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row


class LookKeys(AnalysisKeys):
    boundary: Literal["obrien_fleming", "pocock", "spending_obrien_fleming", "spending_pocock"]
    looks: int | None = Field(default=None, ge=1, le=50)
    information: Annotated[Numbers, Field(min_length=1, max_length=50)] | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    sided: Literal["two", "one"] = "two"  # type: ignore[assignment]  # of a boundary, not of a test

    @model_validator(mode="after")
    def _looks(self) -> "LookKeys":
        if (self.looks is None) == (self.information is None):
            raise ValueError("needs one of `looks` and `information` -> give the number of looks, or their fractions")
        steps = self.information or ()
        if any(later - sooner < NARROWEST for sooner, later in zip((0.0, *steps), steps, strict=False)):
            raise ValueError(
                "has an `information` that does not rise -> give fractions above 0 that rise by 0.005 or more"
            )
        return self

    @property
    def fractions(self) -> tuple[float, ...]:
        if self.information is not None:
            return self.information
        assert self.looks is not None
        return tuple(place / self.looks for place in range(1, self.looks + 1))


class ConditionalKeys(AnalysisKeys):
    z: float
    information: float = Field(gt=0, lt=1)
    final_z: float
    drift: Literal["trend"] | float = "trend"


@method(
    "group_sequential",
    keys=LookKeys,
    reads_rows=False,
    nl="Berekend is hoe groot het verschil bij elke tussentijdse blik moet zijn om te mogen stoppen.",
    en="How large the difference must be at each interim look to be allowed to stop is computed.",
)
def group_sequential(context: Context) -> Report:
    """Critical values at each look, with their one-sided p-value and the alpha spent so far."""
    keys = context.keys(LookKeys)
    found = boundary(keys.boundary, keys.fractions, keys.alpha, keys.sided == "two")
    rows = [
        Row(str(place), measure, at=t, estimate=value)
        for place, (t, z, spent) in enumerate(zip(keys.fractions, found.z, found.spent, strict=True), start=1)
        for measure, value in (("z", z), ("nominal_p", t_tail(z, None)), ("alpha_spent", spent))
    ]
    return Report(tuple(rows))


@method(
    "spending",
    keys=LookKeys,
    reads_rows=False,
    nl="Berekend is hoeveel van de toegestane kans op een fout bij elke tussentijdse blik is verbruikt.",
    en="How much of the allowed chance of an error is used up at each interim look is computed.",
)
def spending(context: Context) -> Report:
    """Alpha spent so far at each look."""
    keys = context.keys(LookKeys)
    two = keys.sided == "two"
    if keys.boundary in SPENDING:
        spent = tuple(spent_by(SPENDING[keys.boundary], keys.fractions, keys.alpha, two).tolist())
    else:
        found: Boundary = boundary(keys.boundary, keys.fractions, keys.alpha, two)
        spent = found.spent
    looks = enumerate(zip(keys.fractions, spent, strict=True), start=1)
    return Report(tuple(Row(str(place), "alpha_spent", at=t, estimate=value) for place, (t, value) in looks))


@method(
    "conditional_power",
    keys=ConditionalKeys,
    reads_rows=False,
    nl="Berekend is hoe groot de kans nog is dat het eindresultaat de grens haalt.",
    en="The chance that the final result will still reach the boundary is computed.",
)
def conditional_power_of(context: Context) -> Report:
    """The chance to cross at the end, given what is seen, if the effect goes on as seen or is as planned."""
    keys = context.keys(ConditionalKeys)
    drift = keys.z / math.sqrt(keys.information) if keys.drift == "trend" else keys.drift
    if not math.isfinite(drift):
        raise Refused("the drift is not a number", "give `trend`, or the mean of z at the end")
    value = conditional_power(keys.z, keys.information, keys.final_z, drift)
    return Report(
        (Row("conditional_power", "conditional_power", at=keys.information, estimate=value),), {"drift": drift}
    )
