"""How lots are drawn, and which households are drawn together."""

from collections.abc import Mapping
from typing import Annotated, Literal

from django.utils.translation import gettext as _
from pydantic import Field

from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema.base import Bilingual, Code, Part, Whole, at_least

HOUSEHOLD_TYPES = ("single", "lone_parent", "couple", "couple_children")


class Level(Part):
    """One group of a factor: the `values` it takes in, or the numbers from `at_least` up to, not including, `below`."""

    code: Code
    name: Bilingual
    values: tuple[str, ...] = ()
    at_least: Whole | None = None
    below: Whole | None = None

    def holds(self, value: str | int) -> bool:
        if isinstance(value, str):
            return value in self.values
        low, high = self.at_least, self.below
        return not self.values and (low is None or value >= low) and (high is None or value < high)


class Factor(Part):
    """A trait that the office knows of every household before the draw, cut into a few coarse levels."""

    code: Code
    name: Bilingual
    trait: Literal["site", "household_type", "benefit_months"]
    levels: Annotated[tuple[Level, ...], at_least(2)]

    @property
    def counts(self) -> bool:
        """Whether the trait is a number."""
        return self.trait == "benefit_months"

    def level_of(self, value: str | int) -> Level:
        """The level that holds `value`. Raises DomainError when none does."""
        for level in self.levels:
            if level.holds(value):
                return level
        raise DomainError(
            _("%(trait)s %(value)s is in no level of the stratum factor %(factor)s.")
            % {"trait": self.trait, "value": value, "factor": self.code}
        )


class Allocation(Part):
    """The lottery: `blocks` for people who come in one by one, `complete` for one draw of a closed list.

    A block is the ratio's template times a multiplier; which multiplier is drawn too, so that nobody can count along.
    """

    method: Literal["blocks", "complete"]
    unit: Literal["household", "person"]
    multipliers: tuple[Annotated[Whole, Field(ge=1, le=20)], ...] = (1,)
    strata: tuple[Factor, ...] = ()

    @property
    def strata_count(self) -> int:
        count = 1
        for factor in self.strata:
            count *= len(factor.levels)
        return count

    def stratum_of(self, traits: Mapping[str, str | int]) -> str:
        """The stratum of a household with these traits, such as `long/single`; `all` without factors.

        Raises DomainError when a trait is missing or in no level.
        """
        missing = [factor.trait for factor in self.strata if factor.trait not in traits]
        if missing:
            raise DomainError(_("The stratum cannot be told without %(traits)s.") % {"traits": ", ".join(missing)})
        return "/".join(factor.level_of(traits[factor.trait]).code for factor in self.strata) or "all"
