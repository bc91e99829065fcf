"""What is compared, when results may be seen, and how long data are kept."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from trialmgr.protocol.schema.base import Bilingual, Code, Day, Part, Whole, at_least


class Family(Part):
    """Outcomes whose tests are corrected together."""

    name: Code
    outcomes: Annotated[tuple[Code, ...], at_least(1)]
    adjust: Literal[
        "dunnett", "dunnett_stepdown", "romano_wolf", "bonferroni", "holm", "hochberg", "hommel", "BH", "BY"
    ]


class PlannedAnalysis(Part):
    """One analysis of the plan. The other keys are those of its method; the analysis package checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Code
    method: Code


class Plan(Part):
    """The analysis plan in the format of `manage.py analyse`; its columns are the outcome codes."""

    version: Literal[1] = 1
    data: Mapping[str, str | None] = {}
    columns: Mapping[str, Any] = {}
    families: tuple[Mapping[str, Any], ...] = ()
    analyses: Annotated[tuple[PlannedAnalysis, ...], at_least(1)]

    def as_data(self) -> dict[str, Any]:
        """The plan as the plain data that `analyse` reads from a file."""
        return self.model_dump(mode="json", exclude_unset=True) | {"version": self.version}


class Analysis(Part):
    """What is registered before anybody sees an outcome by arm; outcomes in neither list are exploratory."""

    comparator: Code
    analysis_set: Literal["as_assigned", "as_received"] = "as_assigned"
    primary: Annotated[tuple[Code, ...], at_least(1)]
    secondary: tuple[Code, ...] = ()
    families: tuple[Family, ...] = ()
    plan: Plan


class InterimLook(Part):
    """A look at outcomes by arm before the embargo ends, agreed beforehand."""

    code: Code
    day: Day
    outcomes: Annotated[tuple[Code, ...], at_least(1)]
    agreed_on: Day
    agreed_with: Bilingual
    spending: Literal["none", "obrien_fleming", "pocock"] = "none"


class Embargo(Part):
    """Outcomes by arm stay sealed until this day; a release needs two persons and a recorded ground."""

    until: Day
    ground: Bilingual
    interim_looks: tuple[InterimLook, ...] = ()


class Privacy(Part):
    """The smallest groups that may be shown, and the traits by which a person might be recognised in a release."""

    minimum_arm: Annotated[Whole, Field(ge=2, le=100_000)] = 100
    """Persons per arm below which the leader is warned."""
    minimum_cell: Annotated[Whole, Field(ge=5, le=1000)] = 10
    release_k: Annotated[Whole, Field(ge=3, le=100)] = 5
    recognisable_by: tuple[Code, ...] = ()


class Retention(Part):
    """Months and years after the end of the trial that data are kept."""

    contact_months: Annotated[Whole, Field(ge=0, le=60)] = 6
    treatment_years: Annotated[Whole, Field(ge=0, le=30)] = 7
    research_years: Annotated[Whole, Field(ge=1, le=50)] = 10


class Reports(Part):
    """The periodic report to the minister or council: every so many months, by this day of the month after."""

    every_months: Annotated[Whole, Field(ge=1, le=24)] = 6
    due_day: Annotated[Whole, Field(ge=1, le=28)] = 20
