"""What is to be simulated: a trial as a protocol describes it, with the effects that are taken to be true."""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from analysis.estimators.expressions import Name, as_list
from analysis.estimators.plan import Keys
from trialmgr.core.documents import read_document, validate

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
PerWave = Annotated[tuple[float, ...], BeforeValidator(as_list)]


class Households(Keys):
    """Share of households with two participants, and how alike these two are."""

    couples: Share = 0.0
    correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Waves(Keys):
    """A scale measured several times; the first name is the baseline. `effects`: arm to one number a wave."""

    names: tuple[Name, ...] = Field(min_length=1)
    mean: PerWave = (0.0,)
    sd: Positive = 1.0
    correlation: Annotated[float, Field(ge=0, lt=1)] = 0.5
    strata: dict[Name, float] = Field(default_factory=dict)
    effects: dict[Name, PerWave] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _lengths(self) -> "Waves":
        waves = len(self.names)
        if len(self.mean) not in (1, waves):
            raise ValueError(f"has {len(self.mean)} means for {waves} waves -> give one, or one a wave")
        for arm, effects in self.effects.items():
            if len(effects) != waves:
                raise ValueError(f"has {len(effects)} effects of {arm!r} for {waves} waves -> give one a wave")
        return self


class Attrition(Keys):
    """Share that does not answer, by wave and arm; `slope`: on the logit, for each sd of the baseline."""

    missing: dict[Name, dict[Name, Annotated[float, Field(ge=0, lt=1)]]]
    slope: float = 0.0
    stays_away: bool = False


class Exits(Keys):
    """Exits with competing causes at constant speeds: `yearly` events a person-year in the control."""

    yearly: dict[Name, Positive] = Field(min_length=1)
    hazard_ratios: dict[Name, dict[Name, Positive]] = Field(default_factory=dict)
    follow_up: Annotated[int, Field(ge=1)] = 730


class Description(Keys):
    """A trial to be simulated; `truth` (analysis, then arm) where a true value cannot be worked out from the rest."""

    version: Literal[1] = 1
    persons: Annotated[int, Field(ge=4, le=1_000_000)]
    arms: tuple[Name, ...] = Field(min_length=2)
    ratio: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    control: Name
    lots: Literal["complete", "blocks"] = "complete"
    strata: dict[Name, Positive] = Field(default_factory=lambda: {"all": 1.0})
    households: Households = Households()
    recruitment_days: Annotated[int, Field(ge=0)] = 0
    waves: Waves | None = None
    attrition: Attrition | None = None
    exits: Exits | None = None
    received: dict[Name, Share] = Field(default_factory=dict)
    truth: dict[Name, dict[Name, float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_names(self) -> "Description":
        if self.control not in self.arms:
            raise ValueError(f"has the control {self.control!r}, which is not an arm -> name one of its arms")
        if self.ratio is not None and len(self.ratio) != len(self.arms):
            raise ValueError("has a `ratio` of another length than `arms` -> give one number for each arm")
        named = [*self.received]
        named += [*self.waves.effects] if self.waves else []
        named += [*self.exits.hazard_ratios] if self.exits else []
        named += [arm for part in self.attrition.missing.values() for arm in part] if self.attrition else []
        unknown = [arm for arm in named if arm not in self.arms]
        if unknown:
            raise ValueError(f"names the arm {unknown[0]!r}, which is not an arm -> check its spelling")
        if self.attrition and set(self.attrition.missing) - set(self.waves.names if self.waves else ()):
            raise ValueError("has attrition at a wave that is not measured -> use the names of `waves`")
        if self.waves and any(e and self.received.get(a) == 0 for a, v in self.waves.effects.items() for e in v):
            raise ValueError("has an effect of an arm that nobody receives -> change `received` or `effects`")
        return self

    @property
    def template(self) -> tuple[str, ...]:
        """The arms as often as the ratio says."""
        ratio = self.ratio or (1,) * len(self.arms)
        return tuple(arm for arm, times in zip(self.arms, ratio, strict=True) for _ in range(times))

    def effect(self, arm: str, wave: str) -> float:
        """The true difference in means of an arm and the control at a wave."""
        if self.waves is None:
            return 0.0
        place = self.waves.names.index(wave)
        return self._shift(arm, place) - self._shift(self.control, place)

    def _shift(self, arm: str, place: int) -> float:
        effects = self.waves.effects.get(arm) if self.waves else None
        return effects[place] if effects else 0.0

    def daily(self, arm: str) -> dict[str, float]:
        """The hazard of each cause a day."""
        if self.exits is None:
            return {}
        ratios = self.exits.hazard_ratios.get(arm, {})
        return {cause: rate / 365.25 * ratios.get(cause, 1.0) for cause, rate in self.exits.yearly.items()}

    def incidence(self, arm: str, cause: str, at: float) -> float:
        """The true share that has left by a cause at a day."""
        hazards = self.daily(arm)
        total = sum(hazards.values())
        return hazards[cause] / total * -math.expm1(-total * at)

    def received_share(self, arm: str) -> float:
        """Who receives what the arm offers; everybody but the control unless said otherwise."""
        return self.received.get(arm, 0.0 if arm == self.control else 1.0)


def read_description(path: str | Path) -> Description:
    """Read and check a description; BadInput holds every fault with its line."""
    return validate(Description, read_document(path))
