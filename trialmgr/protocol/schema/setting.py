"""Where and when a trial runs, on which legal basis, and with whom."""

from collections.abc import Mapping
from enum import StrEnum
from math import gcd
from typing import Annotated, Literal

from pydantic import Field

from trialmgr.protocol.schema.base import Bilingual, Code, Day, Part, Whole, at_least


class Regime(StrEnum):
    """The legal footing of a trial; `trialmgr.protocol.regimes` says what each allows."""

    DECREE_2017 = "decree_2017"
    OUTSIDE_DECREE = "outside_decree"
    OTHER = "other"


class Legal(Part):
    """The regime, and in words what it rests on (compulsory under `other`)."""

    regime: Regime
    basis: Bilingual | None = None
    article_83: bool = True
    """Whether an `other` basis is an order in council under article 83 of the Participatiewet."""


class Site(Part):
    """A municipality, or a part of one, where people take part."""

    code: Code
    name: Bilingual
    municipality: Annotated[str, Field(min_length=1)]
    lead: bool = False


class Team(Part):
    """The people who carry the trial out, and what a coach is called here."""

    coaches: Annotated[Whole, Field(ge=1)]
    support: Annotated[Whole, Field(ge=0)] = 0
    coach_called: Bilingual


class Round(Part):
    """One round of recruitment; `ratio` gives each arm its share of the households of this round.

    Entry `batch`: one draw after the closing date. Entry `rolling`: a draw as people come in.
    `target` is the number of persons hoped for. A ratio may be shares (2, 1) or planned numbers (100, 50).
    """

    code: Code
    name: Bilingual
    entry: Literal["batch", "rolling"]
    opens: Day
    closes: Day
    target: Annotated[Whole, Field(ge=1)]
    ratio: Annotated[Mapping[str, Annotated[Whole, Field(ge=1, le=1000)]], at_least(2)]

    @property
    def template(self) -> dict[str, int]:
        """The ratio in its lowest terms, which the lottery repeats: 100 and 50 become 2 and 1."""
        common = gcd(*self.ratio.values())
        return {arm: share // common for arm, share in self.ratio.items()}
