"""Many households at once: the same rules on arrays, in whole cents, for rehearsals and monthly runs of a city.

No words, only amounts; `coaching.money.history` explains a household, and both give the same cents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coaching.money.case import Case
from coaching.money.facts import Month, months_of
from coaching.money.fields import days_in
from coaching.money.rulebook import TRAITS, Regime, Rule, RuleBook, Version

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
PAY = ("in_trial", "outside", "hours_in_trial", "hours_outside")
BIT = {trait: 1 << place for place, trait in enumerate(TRAITS)}


@dataclass(frozen=True)
class Panel:
    """H households over T months with at most M members; amounts in cents, hours in hundredths of an hour a week.

    `in_trial` and `outside` [H, T, M] are the earnings on days with benefit, under the provision and not; `present` and
    `covered` say who belongs to the household and who has the provision that month; `traits` holds bits of `BIT`.
    `benefit_days` and `other` (disregards to be netted) are [H, T]; `used` holds months used before, [H, M], by rule.
    """

    first: int
    regular: str
    trial: str | None
    in_trial: Ints
    outside: Ints
    present: Flags
    covered: Flags
    traits: Ints
    new_job: Flags
    hours_in_trial: Ints
    hours_outside: Ints
    benefit_days: Ints
    other: Ints
    used: Mapping[str, Ints] = field(default_factory=dict)
    waits: bool = False


@dataclass(frozen=True)
class Kept:
    """Cents [H, T]: kept, kept under the ordinary rule, and the shortfall, which is the correction too."""

    kept: Ints
    regular: Ints
    shortfall: Ints


def keep(panel: Panel, book: RuleBook) -> Kept:
    """What every household keeps in every month."""
    shape = panel.in_trial.shape[:2]
    kept, compared = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    law = book.regime(panel.regular)
    regular, waiting = _Tracks(law, panel), _Tracks(law, panel)
    trial = _Tracks(book.regime(panel.trial), panel) if panel.trial else None
    for t in range(shape[1]):
        total, without = _Sums(shape[0]), _Sums(shape[0])
        ordinary = waiting if panel.waits else regular.copy()
        if trial is not None:
            trial.to_net += np.where(panel.covered[:, t].any(axis=1), panel.other[:, t], 0)
            trial.step(_month(panel, t, "in_trial"), total)
        ordinary.step(_month(panel, t, "outside"), total)
        regular.step(_month(panel, t, "both"), without)
        kept[:, t], compared[:, t] = total.kept(), without.kept()
    return Kept(kept, compared, np.maximum(0, compared - kept))


@dataclass(frozen=True)
class _Month:
    """The incomes of one month that one law looks at: [H, M], and the days with benefit [H]."""

    month: int
    pay: Ints
    hours: Ints
    present: Flags
    traits: Ints
    new_job: Flags
    benefit_days: Ints


def _month(panel: Panel, t: int, part: Literal["in_trial", "outside", "both"]) -> _Month:
    if part == "both":
        pay = panel.in_trial[:, t] + panel.outside[:, t]
        hours = panel.hours_in_trial[:, t] + panel.hours_outside[:, t]
    else:
        pay = (panel.in_trial if part == "in_trial" else panel.outside)[:, t]
        hours = (panel.hours_in_trial if part == "in_trial" else panel.hours_outside)[:, t]
    present = (panel.covered if part == "in_trial" else panel.present)[:, t]
    return _Month(
        panel.first + t, pay, hours, present, panel.traits[:, t], panel.new_job[:, t], panel.benefit_days[:, t]
    )


class _Sums:
    """The uses of one month added up, so that rules for the household stay under the highest of their caps."""

    def __init__(self, households: int) -> None:
        self.own = np.zeros(households, np.int64)
        self.shared = np.zeros(households, np.int64)
        self.uses = np.zeros(households, np.int64)
        self.highest = np.zeros(households, np.int64)
        self.capped = np.ones(households, np.bool_)

    def kept(self) -> Ints:
        bound = (self.uses > 1) & self.capped & (self.shared > self.highest)
        return self.own + np.where(bound, self.highest, self.shared)

    def share(self, use: Flags, amount: Ints, cap: Ints | None) -> None:
        self.shared += amount
        self.uses += use
        if cap is None:
            self.capped &= ~use
        else:
            self.highest = np.where(use, np.maximum(self.highest, cap), self.highest)


class _Tracks:
    """`coaching.money.track.Track` for all households: months used by rule [H, M], cents still to be netted [H]."""

    def __init__(self, regime: Regime, panel: Panel) -> None:
        households, _, members = panel.in_trial.shape
        none = np.zeros((households, members), np.int64)
        self.regime = regime
        self.to_net = np.zeros(households, np.int64)
        self.counts = {rule.id: panel.used.get(rule.id, none).copy() for rule in regime.rules}

    def copy(self) -> "_Tracks":
        twin = object.__new__(_Tracks)
        twin.regime, twin.to_net = self.regime, self.to_net
        twin.counts = {rule: counts.copy() for rule, counts in self.counts.items()}
        return twin

    def step(self, now: _Month, total: _Sums) -> None:
        free = now.present.copy()
        for rule in self.regime.rules:
            version = rule.at(now.month)
            if version is not None:
                fit = free & _fits(rule, now.traits)
                free &= ~self._use(rule, version, now, fit, total)

    def _use(self, rule: Rule, version: Version, now: _Month, fit: Flags, total: _Sums) -> Flags:
        """Apply one rule; gives who used it. A household's numbers stand in a column of width one."""
        shared, runs_on = version.unit == "household", version.count == "consecutive"
        counts = self.counts[rule.id]
        if not fit.any() and not runs_on:
            return fit
        earned, used = _group(now.pay, fit, shared), _most(counts, fit, shared)
        may = (earned > 0) & self._follows(rule, now.month, fit, shared)
        restarted = may & (used > 0) & _any(now.new_job & fit, shared) & (version.restart == "new-job")
        used = np.where(restarted, 0, used)
        use = may if version.months is None else may & (used < version.months)
        cap = _cap(version, now.benefit_days, days_in(now.month))
        amount = self._amount(version, earned, _group(now.hours, fit, shared), cap, use)
        counted = fit & use & ((amount > 0) | restarted)
        ticking = now.present & ~counted & (counts > 0) & runs_on
        after = used + ((amount > 0) | ((used > 0) & runs_on))
        self.counts[rule.id] = np.where(counted, after, counts + ticking)
        if shared:
            total.share(use[:, 0], amount[:, 0], cap)
        else:
            total.own += amount.sum(axis=1)
        return fit & use

    def _follows(self, rule: Rule, month: int, fit: Flags, shared: bool) -> Flags:
        if rule.after is None:
            return np.ones((len(fit), 1), np.bool_)
        version = next(other for other in self.regime.rules if other.id == rule.after).at(month)
        if version is None or version.months is None:
            return np.zeros((len(fit), 1), np.bool_)
        return _most(self.counts[rule.after], fit, shared) >= version.months

    def _amount(self, version: Version, earned: Ints, hours: Ints, cap: Ints | None, use: Flags) -> Ints:
        amount = np.where(use, np.minimum(earned, _formula(version, earned, hours)), 0)
        if cap is not None:
            amount = np.minimum(amount, cap[:, None])
        if not version.netting:
            return amount
        netted = np.minimum(self.to_net, amount[:, 0])
        self.to_net = self.to_net - netted
        return amount - netted[:, None]


def _fits(rule: Rule, traits: Ints) -> Flags:
    needs, excludes = sum(BIT[trait] for trait in rule.needs), sum(BIT[trait] for trait in rule.excludes)
    return np.asarray(((traits & needs) == needs) & ((traits & excludes) == 0))


def _group(values: Ints, fit: Flags, shared: bool) -> Ints:
    own = np.where(fit, values, 0)
    return own.sum(axis=1, keepdims=True) if shared else own


def _most(counts: Ints, fit: Flags, shared: bool) -> Ints:
    own = np.where(fit, counts, 0)
    return own.max(axis=1, keepdims=True) if shared else own


def _any(flags: Flags, shared: bool) -> Flags:
    return np.asarray(flags.any(axis=1, keepdims=True)) if shared else flags


def _formula(version: Version, earned: Ints, hours: Ints) -> Ints:
    """Cents before the cap; integers only, so the rounding is exact."""
    if version.share is not None:
        top, bottom = version.share.as_integer_ratio()
        above = earned * top
    else:
        assert version.base is not None
        assert version.base_hours is not None
        assert version.per_hour is not None
        bottom = 100
        more = hours - cents(version.base_hours)
        if version.whole_hours:
            more = np.sign(more) * (np.abs(more) // 100) * 100
        above = np.maximum(0, cents(version.base) * 100 + cents(version.per_hour) * more)
    if version.rounding == "half-up":
        return (2 * above + bottom) // (2 * bottom)
    return above // bottom if version.rounding == "down" else -(-above // bottom)


def _cap(version: Version, benefit_days: Ints, days: int) -> Ints | None:
    if version.cap is None:
        return None
    cap = cents(version.cap)
    if version.part_month_cap == "whole":
        return np.full(len(benefit_days), cap, np.int64)
    return (2 * cap * benefit_days + days) // (2 * days)


def cents(amount: Decimal) -> int:
    """Hundredths of an amount that has two decimals at most."""
    return int(amount * 100)


def panel_of(cases: Sequence[Case]) -> Panel:
    """Cases over the same months, under the same laws, as one panel. Raises ValueError when they differ in these."""
    case = cases[0]
    regimes = {provision.regime for each in cases for provision in each.provisions}
    alike = {
        (each.first, each.last, each.regular, each.regular_term_in_trial, each.settings == case.settings)
        for each in cases
    }
    if len(alike) > 1 or len(regimes) > 1:
        raise ValueError("the cases differ in months or laws -> make a panel of each kind")
    width = max(len(each.members) for each in cases)
    shape = (len(cases), len(case.months()), width)
    hold = {name: np.zeros(shape, np.int64) for name in (*PAY, "traits", "present", "covered", "new_job")}
    whole = {name: np.zeros(shape[:2], np.int64) for name in ("benefit_days", "other")}
    for h, each in enumerate(cases):
        places = {member.name: place for place, member in enumerate(each.members)}
        for t, month in enumerate(months_of(each)):
            whole["benefit_days"][h, t], whole["other"][h, t] = month.benefit_days, cents(month.other_disregards)
            for name, values in _cells(month).items():
                for column, value in values.items():
                    hold[column][h, t, places[name]] = value
    flags = {name: hold.pop(name).astype(np.bool_) for name in ("present", "covered", "new_job")}
    return Panel(
        first=case.first,
        regular=case.regular,
        trial=next(iter(regimes), None),
        present=flags["present"],
        covered=flags["covered"],
        new_job=flags["new_job"],
        used=_used(cases, width),
        waits=case.regular_term_in_trial == "waits",
        **hold,
        **whole,
    )


def _cells(month: Month) -> dict[str, dict[str, int]]:
    """What stands in the panel for each member of one household's month."""
    return {
        name: {
            **{column: cents(getattr(pay, column)) for column in PAY},
            "traits": sum(BIT[trait] for trait in TRAITS if trait in month.traits[name]),
            "present": 1,
            "covered": int(name in month.in_trial),
            "new_job": int(pay.new_job),
        }
        for name, pay in month.pay.items()
    }


def _used(cases: Sequence[Case], width: int) -> dict[str, Ints]:
    used: dict[str, Ints] = {}
    for h, case in enumerate(cases):
        for place, member in enumerate(case.members):
            for rule, months in member.used.items():
                used.setdefault(rule, np.zeros((len(cases), width), np.int64))[h, place] = months
    return used
