"""A household's months: what is kept, by which rule, and that nobody is worse off than under the ordinary rule.

The ordinary rule is followed beside the trial through every month, as if there were no trial; each month is compared
with it. Where the trial gives less, the difference is the shortfall and the proposed correction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from coaching.money.bonus import Ledger, ledger_of
from coaching.money.case import Case
from coaching.money.facts import ZERO, Month, months_of
from coaching.money.rulebook import Rule, RuleBook
from coaching.money.track import Income, Outcome, Track, Use, joint


@dataclass(frozen=True)
class Result:
    """One month: the facts, what each law gives, and the comparison. Amounts in euros."""

    facts: Month
    trial: Outcome | None
    ordinary: Outcome
    regular: Outcome
    kept: Decimal
    joint_cap: Decimal | None
    rule: Rule | None
    months_left: int | None
    kept_before: Decimal | None = None

    @property
    def month(self) -> int:
        return self.facts.month

    @property
    def laws(self) -> tuple[Outcome | None, Outcome]:
        """What the trial gives on the pay that falls under it, and the ordinary rule on the rest."""
        return self.trial, self.ordinary

    @property
    def uses(self) -> tuple[Use, ...]:
        return (*(self.trial.uses if self.trial else ()), *self.ordinary.uses)

    @property
    def shortfall(self) -> Decimal:
        """How much less than under the ordinary rule; also the proposed correction."""
        return max(ZERO, self.regular.kept - self.kept)

    @property
    def total(self) -> Decimal:
        """What is kept once the correction is given."""
        return self.kept + self.shortfall

    @property
    def difference(self) -> Decimal | None:
        """After a retroactive correction: to be paid (above zero) or to be settled (below zero), against then."""
        return None if self.kept_before is None else self.total - self.kept_before

    @property
    def status(self) -> str:
        if self.facts.benefit_days == 0:
            return "no-benefit"
        if self.trial is None:
            return "ordinary"
        if self.shortfall:
            return "shortfall"
        return "better" if self.kept > self.regular.kept else "same"


@dataclass(frozen=True)
class History:
    """The whole case, worked out. `carried`: months used of each rule, by member, at the end or on leaving."""

    case: Case
    book: RuleBook
    months: tuple[Result, ...]
    carried: Mapping[str, Mapping[str, int]]
    bonuses: Ledger


def history(case: Case) -> History:
    """Work out a case that was read and checked by `coaching.money.checks`."""
    book = case.book()
    results, carried = _follow(case, book)
    done = History(case, book, tuple(results), carried, ledger_of(case, book))
    return compared(done, history(case.known_before())) if case.corrected_on is not None else done


def compared(now: History, before: History) -> History:
    """The same history, with in each month what was given then, by an earlier version of the case."""
    given = {result.month: result.total for result in before.months}
    months = tuple(replace(result, kept_before=given.get(result.month)) for result in now.months)
    return replace(now, months=months)


def _follow(case: Case, book: RuleBook) -> tuple[list[Result], dict[str, dict[str, int]]]:
    used = {(rule, member.name): months for member in case.members for rule, months in member.used.items()}
    ordinary_law = book.regime(case.regular)
    regular, waiting = Track(ordinary_law, dict(used)), Track(ordinary_law, dict(used))
    trials = {p.regime: Track(book.regime(p.regime), dict(used)) for p in case.provisions}
    results = []
    for facts in months_of(case):
        ordinary = waiting if case.regular_term_in_trial == "waits" else Track(ordinary_law, dict(regular.counts))
        results.append(_result(facts, regular, ordinary, trials))
    return results, _carried(case, [waiting if case.regular_term_in_trial == "waits" else regular, *trials.values()])


def _carried(case: Case, tracks: list[Track]) -> dict[str, dict[str, int]]:
    return {
        member.name: {
            rule.id: track.counts[rule.id, member.name]
            for track in tracks
            for rule in track.regime.rules
            if track.counts.get((rule.id, member.name))
        }
        for member in case.members
    }


def _result(facts: Month, regular: Track, ordinary: Track, trials: Mapping[str, Track]) -> Result:
    month, days = facts.month, (facts.benefit_days, facts.days)
    pays = facts.pay.items()
    inside = {
        name: Income(pay.in_trial, pay.hours_in_trial, pay.new_job) for name, pay in pays if name in facts.in_trial
    }
    outside = {name: Income(pay.outside, pay.hours_outside, pay.new_job) for name, pay in pays}
    both = {name: Income(pay.counted, pay.hours_in_trial + pay.hours_outside, pay.new_job) for name, pay in pays}
    track = trials[facts.regime] if facts.regime and facts.in_trial else None
    other = facts.other_disregards
    by_law = ordinary.step(month, outside, facts.traits, days=days)
    by_trial = track.step(month, inside, facts.traits, days=days, other=other) if track else None
    compared = regular.step(month, both, facts.traits, days=days)
    uses = [*(by_trial.uses if by_trial else ()), *by_law.uses]
    kept, cap = joint(uses)
    shown = trials[facts.regime] if facts.regime and (track or not facts.benefit_days) else ordinary
    traits = {name: held for name, held in facts.traits.items() if track is None or name in facts.in_trial}
    rule, left = (uses[0].rule, uses[0].left) if uses else shown.standing(month, traits)
    return Result(facts, by_trial, by_law, compared, kept, cap, rule, left)
