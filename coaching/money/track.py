"""One law applied month after month: which rule holds for whom, what is kept, how many months are used.

Amounts are Decimals in euros. Months are counted for each person; a rule for the household goes by the member who
used most, and a month it is used counts for all. So both partners take the count along when they part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from coaching.money.fields import CENT
from coaching.money.rulebook import Regime, Rule, Version

ROUNDING = {"half-up": ROUND_HALF_UP, "up": ROUND_UP, "down": ROUND_DOWN}
ZERO = Decimal("0.00")
Counts = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Income:
    """What one person earned in a month under this law: euros, hours a week, and whether a new job began."""

    amount: Decimal
    hours: Decimal = ZERO
    new_job: bool = False


@dataclass(frozen=True)
class Use:
    """One rule as used in one month, for the members whose earnings it took together."""

    rule: Rule
    version: Version
    members: tuple[str, ...]
    earned: Decimal
    hours: Decimal
    formula: Decimal
    cap: Decimal | None
    netted: Decimal
    amount: Decimal
    used: int
    restarted: bool

    @property
    def left(self) -> int | None:
        """Months left after this one; None where there is no limit."""
        return None if self.version.months is None else max(0, self.version.months - self.used)


@dataclass(frozen=True)
class Outcome:
    """What a law lets a household keep in one month. `exhausted`: rules whose months were used up before it."""

    kept: Decimal = ZERO
    uses: tuple[Use, ...] = ()
    exhausted: tuple[tuple[Rule, Version], ...] = ()
    joint_cap: Decimal | None = None


@dataclass
class Track:
    """The state of one law for one household: months used, and disregards still to be netted."""

    regime: Regime
    counts: Counts = field(default_factory=dict)
    to_net: Decimal = ZERO

    def step(
        self,
        month: int,
        incomes: Mapping[str, Income],
        traits: Mapping[str, frozenset[str]],
        *,
        days: tuple[int, int] = (30, 30),
        other: Decimal = ZERO,
    ) -> Outcome:
        """One month further. `days`: with benefit, and in the month; `other`: disregards on another ground."""
        self.to_net += other
        free = list(incomes)
        uses: list[Use] = []
        exhausted: list[tuple[Rule, Version]] = []
        for rule in self.regime.rules:
            version = rule.at(month)
            if version is None:
                continue
            fitting = tuple(name for name in free if rule.fits(traits.get(name, ())))
            used: dict[str, Use] = {}
            for group in [fitting] if version.unit == "household" else [(name,) for name in fitting]:
                use, spent = self._use(rule, version, month, group, incomes, days)
                if use is not None:
                    uses.append(use)
                    free = [name for name in free if name not in group]
                    used.update(dict.fromkeys(group, use))
                if spent:
                    exhausted.append((rule, version))
            self._count(rule, version, used, list(incomes))
        kept, cap = joint(uses)
        return Outcome(kept, tuple(uses), tuple(exhausted), cap)

    def standing(self, month: int, traits: Mapping[str, frozenset[str]]) -> tuple[Rule | None, int | None]:
        """The rule that would come next for these persons, and its months left (None: no limit)."""
        last: Rule | None = None
        for rule in self.regime.rules:
            version = rule.at(month)
            group = tuple(name for name, held in traits.items() if rule.fits(held))
            if version is None or not group or not self._follows(rule, month, group):
                continue
            last = rule
            if version.months is None:
                return rule, None
            used = self._running(rule, version.months, group)
            if version.unit == "household":
                used = self._used(rule, group)
            if used < version.months:
                return rule, version.months - used
        return last, 0

    def _each(self, rule: Rule, group: tuple[str, ...]) -> list[int]:
        return [self.counts.get((rule.id, name), 0) for name in group]

    def _running(self, rule: Rule, months: int, group: tuple[str, ...]) -> int:
        """Months used by the person whose own term has run furthest and is not over; all of them when all are over."""
        return max((used for used in self._each(rule, group) if used < months), default=months)

    def _used(self, rule: Rule, group: tuple[str, ...]) -> int:
        return max(self._each(rule, group), default=0)

    def _follows(self, rule: Rule, month: int, group: tuple[str, ...]) -> bool:
        """Whether the months of the rule that must come first are used up."""
        if rule.after is None:
            return True
        first = next(other for other in self.regime.rules if other.id == rule.after)
        version = first.at(month)
        return version is not None and version.months is not None and self._used(first, group) >= version.months

    def _use(
        self,
        rule: Rule,
        version: Version,
        month: int,
        group: tuple[str, ...],
        incomes: Mapping[str, Income],
        days: tuple[int, int],
    ) -> tuple[Use | None, bool]:
        """The use made of a rule by a group, if any; and whether its months were used up before."""
        earned = sum((incomes[name].amount for name in group), ZERO)
        if earned == 0 or not self._follows(rule, month, group):
            return None, False
        used = self._used(rule, group)
        restarted = used > 0 and version.restart == "new-job" and any(incomes[name].new_job for name in group)
        used = 0 if restarted else used
        if version.months is not None and used >= version.months:
            return None, True
        hours = sum((incomes[name].hours for name in group), ZERO)
        formula, cap = _formula(version, earned, hours), _cap(version, days)
        amount = min(earned, formula if cap is None else min(formula, cap))
        netted = min(self.to_net, amount) if version.netting else ZERO
        self.to_net -= netted
        amount -= netted
        after = used + 1 if amount > 0 or (version.count == "consecutive" and used > 0) else used
        return Use(rule, version, group, earned, hours, formula, cap, netted, amount, after, restarted), False

    def _count(self, rule: Rule, version: Version, uses: Mapping[str, Use], present: list[str]) -> None:
        for name in present:
            key = (rule.id, name)
            use = uses.get(name)
            if use is not None and (use.amount > 0 or use.restarted):
                self.counts[key] = use.used
            elif version.count == "consecutive" and self.counts.get(key, 0) > 0:
                self.counts[key] += 1


def joint(uses: list[Use]) -> tuple[Decimal, Decimal | None]:
    """The sum of these uses, and the cap if it holds them: rules for the household never add up beyond the highest."""
    own = sum((use.amount for use in uses if use.version.unit == "person"), ZERO)
    shared = [use for use in uses if use.version.unit == "household"]
    total = sum((use.amount for use in shared), ZERO)
    caps = [use.cap for use in shared if use.cap is not None]
    if len(shared) > 1 and len(caps) == len(shared) and total > max(caps):
        return own + max(caps), max(caps)
    return own + total, None


def _formula(version: Version, earned: Decimal, hours: Decimal) -> Decimal:
    """What the rule gives before its cap, in whole cents."""
    if version.share is not None:
        amount = earned * version.share
    else:
        assert version.base is not None
        assert version.base_hours is not None
        assert version.per_hour is not None
        more = hours - version.base_hours
        if version.whole_hours:
            more = more.to_integral_value(ROUND_DOWN)
        amount = max(ZERO, version.base + version.per_hour * more)
    return amount.quantize(CENT, ROUNDING[version.rounding])


def _cap(version: Version, days: tuple[int, int]) -> Decimal | None:
    if version.cap is None or version.part_month_cap == "whole":
        return version.cap
    return (version.cap * days[0] / days[1]).quantize(CENT, ROUND_HALF_UP)
