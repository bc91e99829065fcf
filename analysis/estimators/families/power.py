"""Power, sample size and the smallest effect that is likely to be found."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from analysis.estimators.expressions import as_list, label
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.power_formulas import (
    Design,
    Means,
    Risks,
    design_effect,
    logrank_events,
    persons_for,
    power_of,
    ratio_for,
)
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Sample

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
PerArm = Annotated[tuple[Positive, ...], BeforeValidator(as_list), Field(min_length=1, max_length=2)]


class DesignKeys(AnalysisKeys):
    alpha: Share = 0.05
    power: Share = 0.8
    sided: Literal["two", "one", "greater", "less"] = "two"  # type: ignore[assignment]  # one more than elsewhere
    contrasts: int = Field(default=1, ge=1)
    r2: float = Field(default=0.0, ge=0, lt=1)
    icc: float = Field(default=0.0, ge=0, le=1)
    cluster_size: float = Field(default=1.0, ge=1)
    cv: float = Field(default=0.0, ge=0)
    attrition: float = Field(default=0.0, ge=0, lt=1)

    @property
    def design_of(self) -> Design:
        return Design(
            alpha=self.alpha / self.contrasts,
            two=self.sided == "two",
            r2=self.r2,
            attrition=self.attrition,
            icc=self.icc,
            cluster_size=self.cluster_size,
            cv=self.cv,
        )


class PowerKeys(DesignKeys):
    DF = ("number",)

    n: PerArm | None = None
    ratio: Positive = 1.0
    delta: float | None = None
    sd: PerArm | None = None
    p1: Share | None = None
    p2: Annotated[float, Field(ge=0, le=1)] | None = None
    std_error: Positive | None = None
    distribution: Literal["t", "normal"] | None = None

    @model_validator(mode="after")
    def _one_effect(self) -> "PowerKeys":
        if self.p1 is not None and (self.sd is not None or self.std_error is not None or self.delta is not None):
            raise ValueError("has both a risk `p1` and an effect in units -> keep `p1` and `p2`, or `delta` and `sd`")
        if self.p2 is not None and self.p1 is None:
            raise ValueError("has `p2` without `p1` -> add the risk of the control")
        if self.p1 is not None and self.distribution == "t":
            raise ValueError("has `distribution: t` for risks -> leave it out, risks have the normal")
        if self.sd is not None and self.std_error is not None:
            raise ValueError("has both `sd` and `std_error` -> keep one")
        return self


class DesignEffectKeys(AnalysisKeys):
    cluster_size: float = Field(ge=1)
    cv: float = Field(default=0.0, ge=0)
    icc: float = Field(ge=0, le=1)


class EventKeys(DesignKeys):
    hazard_ratio: Positive
    allocation: Annotated[tuple[Positive, Positive], BeforeValidator(as_list)] = (0.5, 0.5)


@dataclass(frozen=True)
class _Known:
    """An effect with its noise known as one standard error (from the plan or from data), df None for the normal."""

    se: float
    normal_df: float | None
    n: tuple[float, float] | None = None
    arm: str | None = None

    def power(self, design: Design, _: Any, delta: float) -> float:
        return power_of(design, delta / self.se, self.normal_df)

    def detectable(self, design: Design, _: Any, power: float) -> float:
        return ratio_for(design, power, self.normal_df) * self.se


def reads_outcome(keys: Any) -> bool:
    return keys.outcome is not None


def _persons(keys: PowerKeys) -> tuple[float, float]:
    if keys.n is None:
        raise Refused("the number of persons is not given", "add `n: [control, arm]`")
    return (keys.n[0], keys.n[0] * keys.ratio) if len(keys.n) == 1 else (keys.n[0], keys.n[1])


def _noises(context: Context) -> list[tuple[Means | Risks | _Known, tuple[float, float] | None, str | None]]:
    """What the effect is measured against: an arm each when it comes from data."""
    keys = context.keys(PowerKeys)
    if keys.outcome is not None:
        return [_from_data(context, part, arm) for part, arm in _pairs(context)]
    if keys.p1 is not None:
        up = keys.sided != "less" if keys.p2 is None else keys.p2 > keys.p1
        return [(Risks(keys.p1, up), None, None)]
    if keys.std_error is not None:
        df = None if keys.df is None else float(keys.df)
        n = None if keys.n is None else _persons(keys)
        if keys.method == "sample_size":
            if n is None:
                raise Refused("`std_error` alone does not say how many persons it took", "add `n: [control, arm]`")
            sd = keys.std_error / math.sqrt(sum(1 / keys.design_of.effective(persons) for persons in n))
            return [(Means((sd, sd), keys.distribution == "t"), None, None)]
        return [(_Known(keys.std_error, df), n, None)]
    if keys.sd is None:
        raise Refused(
            "the spread of the outcome is not given", "add `sd`, `p1`, `std_error` or an `outcome` of the data"
        )
    return [(Means((keys.sd[0], keys.sd[-1]), keys.distribution != "normal"), None, None)]


def _pairs(context: Context) -> list[tuple[Sample, str]]:
    sample = context.sample(covariates=False, cluster=False)
    context.rows_independent()
    return [(sample.pair(arm), arm) for arm in context.reported_arms(sample)]


def _from_data(
    context: Context, pair: Sample, arm: str
) -> tuple[Means | _Known, tuple[float, float] | None, str | None]:
    """Neyman's standard error of the rows, with Welch's degrees of freedom; for a sample size the two deviations."""
    keys = context.keys(PowerKeys)
    name = label(context.outcome_refs()[0])
    groups = [pair.y[pair.arm == code] for code in (0, 1)]
    if min(len(group) for group in groups) < 2:
        raise Refused(f"fewer than two rows of {arm!r} or the control have the outcome {name!r}", "compare other arms")
    refuse_constant(pair.y, name)
    several = arm if keys.treatment is None and len(context.details["arms"]) > 2 else None
    n = (float(len(groups[0])), float(len(groups[1])))
    if keys.method == "sample_size" or keys.n is not None:
        sds = (float(groups[0].std(ddof=1)), float(groups[1].std(ddof=1)))
        return Means(sds, keys.distribution != "normal"), None, several
    parts = [float(group.var(ddof=1)) / len(group) for group in groups]
    welch = sum(parts) ** 2 / sum(part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True))
    design = keys.design_of
    se = math.sqrt(sum(parts) * (1 - design.r2) * design.deff / (1 - design.attrition))
    return _Known(se, None if keys.distribution == "normal" else welch), n, several


def _effect(keys: PowerKeys) -> float:
    """The size of the effect in the direction of the test."""
    if keys.p1 is not None:
        if keys.p2 is None:
            raise Refused("the risk of the arm is not given", "add `p2`")
        delta = keys.p2 - keys.p1
    elif keys.delta is None:
        raise Refused("the size of the effect is not given", "add `delta`, or `p1` and `p2`")
    else:
        delta = keys.delta
    if delta == 0:
        raise Refused("the effect is 0", "give the effect that is worth finding")
    if (keys.sided == "greater" and delta < 0) or (keys.sided == "less" and delta > 0):
        raise Refused(f"the effect {delta:g} lies on the other side of the test", f"turn it, or `sided: {keys.sided}`")
    return abs(delta)


def _details(keys: PowerKeys) -> dict[str, Any]:
    design = keys.design_of
    return {"alpha": design.alpha, "design_effect": design.deff}


@method(
    "power",
    keys=PowerKeys,
    reads_rows=reads_outcome,
    nl="Berekend is hoe groot de kans is dat een effect van deze grootte wordt gevonden.",
    en="The chance that an effect of this size is found is computed.",
)
def power(context: Context) -> Report:
    """Power of the comparison of an arm with the control."""
    keys = context.keys(PowerKeys)
    delta, rows = _effect(keys), []
    for noise, known, arm in _noises(context):
        n = known or (None if isinstance(noise, _Known) else _persons(keys))
        value = noise.power(keys.design_of, n, delta)  # type: ignore[arg-type]  # persons are there where needed
        rows.append(Row("power", "power", subgroup=arm, n=None if n is None else round(sum(n)), estimate=value))
    return Report(tuple(rows), _details(keys))


@method(
    "minimum_detectable_effect",
    keys=PowerKeys,
    reads_rows=reads_outcome,
    nl="Berekend is het kleinste effect dat met deze aantallen waarschijnlijk wordt gevonden.",
    en="The smallest effect that is likely to be found with these numbers is computed.",
)
def minimum_detectable_effect(context: Context) -> Report:
    """The effect that is found with the power asked for, in the unit of the outcome."""
    keys = context.keys(PowerKeys)
    if keys.power <= keys.design_of.tail:
        raise Refused("the power asked for is not above alpha", "ask for more power")
    rows = []
    for noise, known, arm in _noises(context):
        n = known or (None if isinstance(noise, _Known) else _persons(keys))
        size = noise.detectable(keys.design_of, n, keys.power)  # type: ignore[arg-type]  # persons are there where needed
        mde = -size if keys.sided == "less" else size
        rows.append(Row("mde", "mde", subgroup=arm, n=None if n is None else round(sum(n)), estimate=mde))
    return Report(tuple(rows), _details(keys))


@method(
    "sample_size",
    keys=PowerKeys,
    reads_rows=reads_outcome,
    nl="Berekend is hoeveel deelnemers nodig zijn om een effect van deze grootte waarschijnlijk te vinden.",
    en="The number of participants needed to find an effect of this size is computed.",
)
def sample_size(context: Context) -> Report:
    """Persons to randomise to the control and to the arm."""
    keys = context.keys(PowerKeys)
    delta, rows = _effect(keys), []
    for noise, _, arm in _noises(context):
        assert not isinstance(noise, _Known)
        sizes = persons_for(noise, keys.design_of, delta, keys.power, keys.ratio)
        for term, size in zip(("control", "arm"), sizes, strict=True):
            rows.append(Row(term, term, subgroup=arm, n=math.ceil(size - 1e-9), estimate=size))
    return Report(tuple(rows), _details(keys))


@method(
    "design_effect",
    keys=DesignEffectKeys,
    reads_rows=False,
    nl="Berekend is hoeveel groter de onzekerheid wordt doordat deelnemers in groepen bij elkaar horen.",
    en="By how much uncertainty grows because participants belong together in groups is computed.",
)
def design_effect_of(context: Context) -> Report:
    """The design effect of clusters of varying size."""
    keys = context.keys(DesignEffectKeys)
    return Report(
        (Row("design_effect", "design_effect", estimate=design_effect(keys.cluster_size, keys.cv, keys.icc)),)
    )


@method(
    "events_logrank",
    keys=EventKeys,
    reads_rows=False,
    nl="Berekend is hoeveel gebeurtenissen nodig zijn om dit verschil in snelheid te vinden.",
    en="The number of events needed to find this difference in speed is computed.",
)
def events_logrank(context: Context) -> Report:
    """Events of both arms together for the log-rank test (Schoenfeld)."""
    keys = context.keys(EventKeys)
    if keys.hazard_ratio == 1:
        raise Refused("a hazard ratio of 1 is no effect", "give the ratio that is worth finding")
    if keys.power <= keys.design_of.tail:
        raise Refused("the power asked for is not above alpha", "ask for more power")
    events = logrank_events(keys.hazard_ratio, keys.allocation[1] / sum(keys.allocation), keys.design_of, keys.power)
    return Report(
        (Row("events", "events", n=math.ceil(events - 1e-9), estimate=events),), {"alpha": keys.design_of.alpha}
    )
