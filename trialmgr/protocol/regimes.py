"""What each legal regime allows, as data. A new legal basis is a new entry here, not new code.

Sources: Tijdelijk besluit experimenten Participatiewet (Stb. 2017, 69), articles 1, 2, 5, 6 and 7, as consolidated
(the amendment Stb. 2019, 300 could not be read); Participatiewet article 83 as in force in 2015 and on 1-1-2026;
article 31(2)(j) as in force on 1-1-2026; Tilburg University on the trials outside the decree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trialmgr.protocol.schema import Regime


@dataclass(frozen=True, kw_only=True)
class DisregardLimit:
    """The most that may be kept of earnings. `monthly_cap` in euro, jointly for a couple."""

    percent: Decimal
    monthly_cap: Decimal
    months: int
    article: str


@dataclass(frozen=True, kw_only=True)
class RegimeRules:
    """The limits of one regime; None means that the regime sets none. Months are calendar months."""

    name: str
    in_force: tuple[date, date] | None = None
    max_months: int | None = None
    max_months_article: str = ""
    control_required: bool = False
    household_only: bool = False
    written_consent: bool = False
    intensification_beside_exemption: bool = False
    exemption_and_intensification_apart: bool = False
    max_combination_arms: int | None = None
    doubled_contacts: bool = False
    effort_reviews: tuple[int, ...] | None = None
    disregard: DisregardLimit | None = None
    disregard_allowed: bool = True
    report_months: int | None = None
    report_day: int | None = None


REGIMES: Mapping[Regime, RegimeRules] = {
    Regime.DECREE_2017: RegimeRules(
        name="the 2017 decree",
        in_force=(date(2017, 4, 1), date(2021, 3, 31)),
        max_months=24,
        max_months_article="art. 2",
        control_required=True,
        household_only=True,
        written_consent=True,
        intensification_beside_exemption=True,
        exemption_and_intensification_apart=True,
        max_combination_arms=2,
        doubled_contacts=True,
        effort_reviews=(6, 12),
        disregard=DisregardLimit(percent=Decimal(50), monthly_cap=Decimal(199), months=24, article="art. 5(1)(c)"),
        report_months=6,
        report_day=20,
    ),
    Regime.OUTSIDE_DECREE: RegimeRules(name="a trial outside the decree", disregard_allowed=False),
    Regime.OTHER: RegimeRules(name="another legal basis"),
}

# Longest duration of an experiment under article 83, by the text in force at its start. The day on which 3 years
# became 5 was not found: the later text is only known to hold on 1-1-2026.
ARTICLE_83_MONTHS = ((date(2015, 1, 1), 36), (date(2026, 1, 1), 60))

# Premiums under article 31(2)(j): how many a calendar year, and in all, in euro. Earlier ceilings were not found.
PREMIUMS_PER_YEAR = 2
PREMIUM_CEILINGS = ((date(2026, 1, 1), Decimal(3398)),)


def in_force_on(day: date, table: tuple[tuple[date, int], ...]) -> int | None:
    """The value of the last row of `table` that began on or before `day`."""
    known = [value for since, value in table if since <= day]
    return known[-1] if known else None
