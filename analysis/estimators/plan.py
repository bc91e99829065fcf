"""The plan file: its keys, and the place of every fault."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from analysis.estimators.expressions import ColumnList, ColumnRef, Condition, Level, Name, as_list

HC = ("classical", "HC0", "HC1", "HC2", "HC3")
CR = ("CR0", "CR1", "CR1S", "CR2", "CR3")
COMMON_SE = ("neyman", *HC, *CR)
COMMON_DF = ("n-k", "welch", "G-1", "satterthwaite", "normal")
P_PROCEDURES = (
    "bonferroni holm hochberg hommel sidak holm_sidak BH BY sharpened_q sharpened_q_exact".split()  # noqa: SIM905
)
FAMILY_ADJUST = ("dunnett", "dunnett_stepdown", "romano_wolf", *P_PROCEDURES)

Numbers = Annotated[tuple[float, ...], BeforeValidator(as_list)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_list)]
Levels = Annotated[tuple[Level, ...], BeforeValidator(as_list)]
Columns = Annotated[tuple[ColumnRef, ...], BeforeValidator(as_list)]


class Keys(BaseModel):
    """A part of a plan: unknown keys are faults, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Acceptance(Keys):
    """A rule that a draw must meet: a largest difference of means, or a largest Mahalanobis distance."""

    column: ColumnRef | None = None
    max_difference: float | None = Field(default=None, ge=0)
    mahalanobis: Columns | None = None
    max: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_rule(self) -> "Acceptance":
        difference = self.column is not None and self.max_difference is not None
        distance = self.mahalanobis is not None and self.max is not None
        if difference == distance:
            raise ValueError(
                "is not a rule of acceptance -> give `column` with `max_difference`, or `mahalanobis` with `max`"
            )
        return self


class DesignKeys(Keys):
    """How the arms were drawn, for inference by drawing again."""

    method: Literal["complete", "blocks", "file", "lottery"] = "complete"
    unit: ColumnRef | None = None
    strata: Columns | None = None
    block: ColumnRef | None = None
    arms: Levels | None = None
    ratio: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    acceptance: tuple[Acceptance, ...] = ()
    file: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> "DesignKeys":
        if (self.arms is None) != (self.ratio is None):
            raise ValueError("has only one of `arms` and `ratio` -> give both, or neither")
        if self.arms is not None and self.ratio is not None and len(self.arms) != len(self.ratio):
            raise ValueError("has `arms` and `ratio` of different lengths -> give one number for each arm")
        if (self.method in ("file", "lottery")) != (self.file is not None):
            raise ValueError(
                "needs `file` for the methods `file` and `lottery`, and only there -> name the CSV file of draws, "
                "or the record or design of the lottery"
            )
        if self.method == "lottery" and (self.acceptance or self.arms is not None):
            raise ValueError("has a lottery, whose own file has its rule, arms and ratio -> leave them out here")
        return self


class AnalysisKeys(Keys):
    """The keys that every analysis may have; a family adds its own in a subclass.

    A subclass names other choices for `se` and `df` in `SE` and `DF`.
    """

    SE: ClassVar[tuple[str, ...]] = COMMON_SE
    DF: ClassVar[tuple[str, ...]] = COMMON_DF

    id: Name
    method: str
    exploratory: bool = False
    outcome: ColumnRef | None = None
    outcomes: ColumnList | None = None
    subset: dict[Name, Condition] = Field(default_factory=dict)
    arm: ColumnRef | None = None
    control: Level | None = None
    treatment: Level | None = None
    covariates: Columns = ()
    fixed_effects: tuple[Annotated[tuple[ColumnRef, ...], BeforeValidator(as_list)], ...] = ()
    terms: Columns = ()
    cluster: ColumnRef | None = None
    strata: Columns | None = None
    block: ColumnRef | None = None
    site: Any = None
    weights: ColumnRef | None = None
    se: str | None = None
    df: Any = None
    level: float = Field(default=0.95, gt=0, lt=1)
    sided: Literal["two", "greater", "less"] = "two"
    missing: Literal["indicator", "complete_case"] = "indicator"
    time: ColumnRef | None = None
    event: ColumnRef | None = None
    status: ColumnRef | None = None
    events: Levels | None = None
    at: Numbers | None = None
    tau: float | None = None
    ties: Literal["efron", "breslow"] = "efron"
    draws: int = Field(default=9999, ge=1)
    seed: int = Field(default=1, ge=0)
    enumerate: bool = False
    hypothesis: Literal["pairwise", "complete"] = "pairwise"
    statistic: Any = None
    keep: int = Field(default=0, ge=0)
    design: DesignKeys | None = None

    @field_validator("fixed_effects", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return as_list(value)

    @field_validator("se")
    @classmethod
    def _known_se(cls, value: str | None) -> str | None:
        if value is not None and value not in cls.SE:
            raise ValueError(f"is not a standard error of this method -> choose one of {', '.join(cls.SE)}")
        return value

    @field_validator("df")
    @classmethod
    def _known_df(cls, value: Any) -> Any:
        if value is not None and value not in cls.DF and not ("number" in cls.DF and isinstance(value, int | float)):
            raise ValueError(f"is not a choice of this method -> choose one of {', '.join(cls.DF)}")
        return value

    @model_validator(mode="after")
    def _one_outcome_key(self) -> "AnalysisKeys":
        if self.outcome is not None and self.outcomes is not None:
            raise ValueError("has both `outcome` and `outcomes` -> keep one")
        return self


class DataKeys(Keys):
    """Columns that hold for every analysis that has the key."""

    id: Name | None = None
    arm: ColumnRef | None = None
    control: Level | None = None
    cluster: ColumnRef | None = None
    strata: Columns | None = None
    block: ColumnRef | None = None
    site: ColumnRef | None = None
    weights: ColumnRef | None = None


class Family(Keys):
    """Analyses that answer one question together."""

    name: Name
    analyses: Names
    adjust: str
    alpha: float = Field(default=0.05, gt=0, lt=1)
    draws: int = Field(default=9999, ge=1)
    seed: int = Field(default=1, ge=0)

    @field_validator("adjust")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in FAMILY_ADJUST:
            raise ValueError(f"is not a procedure -> choose one of {', '.join(FAMILY_ADJUST)}")
        return value


class Shell(Keys):
    """A plan before its analyses are read by the keys of their methods."""

    version: Literal[1] = 1
    data: DataKeys = DataKeys()
    columns: dict[Name, ColumnRef] = Field(default_factory=dict)
    families: tuple[Family, ...] = ()
    analyses: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]


@dataclass(frozen=True)
class Plan:
    """A validated plan; `path` is where the files it names are found, `names` are the texts in it."""

    path: Path
    data: DataKeys
    columns: dict[str, ColumnRef]
    families: tuple[Family, ...]
    analyses: tuple[AnalysisKeys, ...]
    names: frozenset[str]

    def family_of(self, analysis: str) -> str | None:
        return next((family.name for family in self.families if analysis in family.analyses), None)
