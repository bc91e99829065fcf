"""How alike the groups of a draw are, on what the municipality knew of the people before it: no answer, no outcome."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.db import models
from django.utils.translation import gettext_lazy as _

from participants.models import HouseholdType
from participants.selectors import ages_of, homes_with_traits
from randomization.models import Allocation, Draw, TraitCount
from randomization.selectors import trait_counts
from trialmgr.core.small_counts import hidden
from trialmgr.protocol.schema import Protocol

MONTHS = (0, 12, 24, 60)
AGES = (0, 27, 35, 45, 55)


class Trait(models.TextChoices):
    SITE = "site", _("Site")
    TYPE = "household_type", _("Household type")
    MONTHS = "benefit_months", _("Months on benefit")
    AGE = "age", _("Age of persons")


@dataclass(frozen=True)
class Share:
    """A cell: a number and its part of the column; neither when the number is too small to show."""

    n: int | None
    percent: float | None


@dataclass(frozen=True)
class Compared:
    """One trait: its levels by name, each with a cell for every group."""

    name: str
    levels: list[tuple[str, list[Share]]]


def count_traits(row: Draw, *, on: date) -> None:
    """Keep how many households and persons of each kind came in each group, as they were on a day."""
    groups = dict(Allocation.objects.filter(draw=row).values_list("household", "arm"))
    counted = Counter(_found(row, groups, on))
    TraitCount.objects.bulk_create(
        TraitCount(draw=row, trait=trait, level=level, arm=arm, n=n) for (trait, level, arm), n in counted.items()
    )


def _found(row: Draw, groups: dict[int, str], on: date) -> Iterator[tuple[str, str, str]]:
    drawn = Allocation.objects.filter(draw=row).values("household_id")
    for home, traits in homes_with_traits(drawn, on=on):
        arm = groups[home]
        yield Trait.SITE.value, str(traits["site"]), arm
        yield Trait.TYPE.value, str(traits["household_type"]), arm
        yield Trait.MONTHS.value, _band(int(traits["benefit_months"]), MONTHS), arm
    for home, age in ages_of(drawn, on=on):
        yield Trait.AGE.value, _band(age, AGES), groups[home]


def _band(value: int, bounds: tuple[int, ...]) -> str:
    """The first value of the band; its name is made for the page."""
    return str(bounds[bisect_right(bounds, max(value, bounds[0])) - 1])


def compared(row: Draw, protocol: Protocol, language: str) -> list[Compared]:
    """The groups side by side; traits of which all are alike, such as the only site, are left out."""
    arms = [arm.code for arm in protocol.arms]
    found: dict[str, dict[str, dict[str, int]]] = {}
    for one in trait_counts(row):
        found.setdefault(one.trait, {}).setdefault(one.level, {})[one.arm] = one.n
    names: dict[Trait, dict[str, str]] = {
        Trait.SITE: {site.code: site.name.text(language) for site in protocol.sites},
        Trait.TYPE: {kind.value: str(kind.label) for kind in HouseholdType},
        Trait.MONTHS: _band_names(MONTHS),
        Trait.AGE: _band_names(AGES),
    }
    smallest = protocol.privacy.minimum_cell
    return [_compared(one, found[one], arms, names[one], smallest) for one in Trait if len(found.get(one, ())) > 1]


def _compared(
    trait: Trait, found: dict[str, dict[str, int]], arms: list[str], names: dict[str, str], smallest: int
) -> Compared:
    levels = [one for one in names if one in found] + sorted(set(found) - set(names))
    columns = [_column({level: found[level].get(arm, 0) for level in levels}, smallest) for arm in arms]
    rows = zip(*columns, strict=True)
    return Compared(str(trait.label), [(names.get(one, one), list(row)) for one, row in zip(levels, rows, strict=True)])


def _band_names(bounds: tuple[int, ...]) -> dict[str, str]:
    named = {str(low): f"{low}–{after - 1}" for low, after in pairwise(bounds)}
    return named | {str(bounds[-1]): f"{bounds[-1]}+"}


def _column(counts: dict[str, int], smallest: int) -> list[Share]:
    total = sum(counts.values())
    return [
        Share(n, None if n is None else 100 * n / total if total else 0.0) for n in hidden(counts, smallest).values()
    ]
