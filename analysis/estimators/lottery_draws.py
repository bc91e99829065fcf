"""The re-draws of a lottery as a procedure: what it draws, and which labels may be exchanged."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.estimators.assignments import Floats, Ints, Labels, Rule
from randomization.lottery.probabilities import last_blocks
from randomization.lottery.redraw import Redraw


@dataclass(frozen=True)
class Lottery:
    """The re-draws of a lottery for the units of the data: their columns in it, and the code of each of its arms."""

    redraw: Redraw
    columns: Ints
    codes: Labels

    def many(self, rng: np.random.Generator, draws: int) -> Iterator[Labels]:
        """Arm codes (m x units of the data), in chunks: the lottery's own procedure for all of its units."""
        for labels in self.redraw.many(rng, draws):
            yield self.codes[labels[:, self.columns]]

    @property
    def whole(self) -> bool:
        """Whether the data have everyone who was drawn."""
        return len(self.columns) == self.redraw.units

    @property
    def fixed(self) -> bool:
        """Whether each stratum always gets the same count of each arm, in any order, and all of it is in the data."""
        design = self.redraw.design
        return self.whole and design.mode == "batch" and None not in [self.counts(len(p)) for p in self.redraw.places]

    def counts(self, n: int) -> tuple[int, ...] | None:
        """The count of each arm in a stratum of n units, or None when it differs between draws."""
        design, length = self.redraw.design, sum(self.redraw.design.ratio)
        if design.method not in ("complete", "blocks") or n % length:
            return None
        sizes = design.multipliers if design.method == "blocks" else (1,)
        if any(templates * length < n for templates, _ in last_blocks(length, sizes, n)):
            return None
        return tuple(times * n // length for times in design.ratio)

    @property
    def pairs(self) -> str:
        """Why the labels of two arms cannot be exchanged with the others held; empty when they can."""
        design = self.redraw.design
        in_turn = design.mode == "sequential" and design.method == "blocks" and len(design.multipliers) > 1
        if design.method == "minimisation" or in_turn:
            return f"with {design.method} of this lottery two arms are not exchangeable while the others stay"
        if design.balance is not None and not self.whole:
            return "the rule of balance of this lottery is about everyone drawn, and some are not in the data"
        return ""

    def groups(self) -> Ints:
        """Units of the data whose labels are exchangeable: of a stratum, or of a block when places came in turn."""
        design, found = self.redraw.design, np.zeros(self.redraw.units, np.intp)
        size = sum(design.ratio) * design.multipliers[0]
        by_block = design.mode == "sequential" and design.method == "blocks"
        start = 0
        for places in self.redraw.places:
            found[places] = start + (np.arange(len(places)) // size if by_block else 0)
            start = int(found[places].max()) + 1
        return found[self.columns]

    def rules(self) -> tuple[Rule, ...]:
        """The rule of balance, over units; nothing when the data lack some of them, where it is never applied."""
        balance = self.redraw.design.balance
        if balance is None or not self.whole:
            return ()
        values: Floats = np.array([[float(value) for value in self.redraw.columns[at]] for at in self.columns])
        ones, q = np.ones(len(values)), len(balance.mahalanobis)
        rules = [
            Rule(values[:, [q + place]], ones, _number(limit.max_difference))
            for place, limit in enumerate(balance.tolerances)
        ]
        if q:
            inverse = np.linalg.inv(np.atleast_2d(np.cov(values[:, :q].T))).astype(np.float64)
            rules.append(Rule(values[:, :q], ones, _number(str(balance.max)), inverse))
        return tuple(rules)


def _number(text: str) -> float:
    return float(Fraction(text))
