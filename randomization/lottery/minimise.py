"""Minimisation after Pocock and Simon (1975): each newcomer goes, most likely, where the groups stay most alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

from randomization.lottery.stream import Lots, Stream


@dataclass(frozen=True, slots=True)
class Step:
    """One newcomer: the score of each arm (lower is better balanced), whether the coin kept to it, and the arm."""

    scores: tuple[int, ...]
    preferred: bool
    arm: str


@dataclass
class Minimiser:
    """The state of a minimised draw: how many units of each level each arm has.

    The score of an arm is the weighted sum over the factors of the spread of the counts of the newcomer's level, as
    they would be if the newcomer joined the arm. Spread is the range, or K times the sum of squares minus the square
    of the sum: for K arms K(K - 1) times the variance, which keeps every score a whole number.
    """

    arms: tuple[str, ...]
    weights: tuple[int, ...]
    distance: str
    probability: Fraction
    counts: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, params: dict[str, Any]) -> Self:
        weights = tuple(factor["weight"] for factor in params["factors"])
        return cls(tuple(params["arms"]), weights, params["distance"], Fraction(params["probability"]))

    def scores(self, levels: Sequence[str]) -> tuple[int, ...]:
        """The score of each arm for a newcomer with these levels, one a factor."""
        rows = [self._counts(factor, level) for factor, level in enumerate(levels)]
        return tuple(
            sum(weight * self._spread(row, arm) for weight, row in zip(self.weights, rows, strict=True))
            for arm in range(len(self.arms))
        )

    def chances(self, levels: Sequence[str]) -> tuple[Fraction, ...]:
        """The exact probability of each arm: the best share `probability`, the others the rest."""
        scores = self.scores(levels)
        best = [score == min(scores) for score in scores]
        if all(best):
            return tuple(Fraction(1, len(scores)) for _ in scores)
        low, high = self.probability / sum(best), (1 - self.probability) / (len(best) - sum(best))
        return tuple(low if is_best else high for is_best in best)

    def step(self, levels: Sequence[str], key: bytes) -> Step:
        """Give the newcomer an arm with the coin that `key` holds, and count them there."""
        scores = self.scores(levels)
        best = [arm for arm, score in enumerate(scores) if score == min(scores)]
        others = [arm for arm in range(len(scores)) if arm not in best]
        coin = Lots(key).stream("coin")
        preferred = not others or self._heads(coin)
        group = best if preferred else others
        arm = group[coin.below(len(group))]
        self.add(levels, arm)
        return Step(scores, preferred, self.arms[arm])

    def add(self, levels: Sequence[str], arm: int) -> None:
        for factor, level in enumerate(levels):
            self._counts(factor, level)[arm] += 1

    def _heads(self, coin: Stream) -> bool:
        return coin.below(self.probability.denominator) < self.probability.numerator

    def _counts(self, factor: int, level: str) -> list[int]:
        return self.counts.setdefault((factor, level), [0] * len(self.arms))

    def _spread(self, counts: Sequence[int], newcomer: int) -> int:
        joined = [count + (arm == newcomer) for arm, count in enumerate(counts)]
        if self.distance == "range":
            return max(joined) - min(joined)
        return len(joined) * sum(count * count for count in joined) - sum(joined) ** 2
