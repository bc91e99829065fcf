"""The rule of a re-randomised draw, in whole numbers only, so that every machine accepts the same draws."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Any, Self

PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Vector = list[int]
Matrix = list[list[int]]


@dataclass(frozen=True)
class BalanceRule:
    """Whether a draw is balanced enough. Values of columns are scaled to whole numbers.

    With u = n0 s1 - n1 s0 (s the sum of an arm), A = n sum(xx') - sum(x) sum(x)' and its adjugate:
    M = n (n - 1) u' adj(A) u / (det(A) n1 n0 (n1 + n0)), compared with `ceiling` after multiplying out.
    """

    arms: tuple[str, ...]
    values: list[Vector]
    tolerances: list[tuple[int, Fraction]]
    distances: int
    adjugate: Matrix
    determinant: int
    ceiling: Fraction

    @classmethod
    def of(cls, balance: dict[str, Any], arms: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Self:
        """The rule for these rows; their values stand from the third field on.

        Raises ValueError when a column is constant or follows from the others, so that no distance exists.
        """
        columns, limits = balance.get("mahalanobis", []), balance.get("tolerances", [])
        scaled, scales = _whole_numbers([row[2:] for row in rows])
        names = [*columns, *(limit["column"] for limit in limits)]
        tolerances = [
            (names.index(limit["column"]), Fraction(limit["max_difference"]) * scales[names.index(limit["column"])])
            for limit in limits
        ]
        scatter = _scatter([row[: len(columns)] for row in scaled])
        determinant, adjugate = _determinant(scatter), _adjugate(scatter)
        if columns and determinant == 0:
            raise ValueError("the columns of mahalanobis are constant or follow from each other")
        ceiling = Fraction(balance.get("max", 0))
        return cls(tuple(arms), scaled, tolerances, len(columns), adjugate, determinant, ceiling)

    def accepts(self, arms: Sequence[str]) -> bool:
        """Whether the arms of the rows, in their order, meet the rule between every two arms."""
        sums = {arm: [0] * len(self.values[0]) for arm in self.arms}
        sizes = dict.fromkeys(self.arms, 0)
        for arm, row in zip(arms, self.values, strict=True):
            sizes[arm] += 1
            total = sums[arm]
            for column, value in enumerate(row):
                total[column] += value
        pairs = combinations([arm for arm in self.arms if sizes[arm]], 2)
        return all(self._alike(sums[one], sizes[one], sums[two], sizes[two]) for one, two in pairs)

    def _alike(self, sum1: Vector, n1: int, sum0: Vector, n0: int) -> bool:
        apart = [n0 * one - n1 * two for one, two in zip(sum1, sum0, strict=True)]
        if any(abs(apart[column]) > limit * n1 * n0 for column, limit in self.tolerances):
            return False
        if not self.distances:
            return True
        n, u = len(self.values), apart[: self.distances]
        form = sum(a * b * self.adjugate[i][j] for i, a in enumerate(u) for j, b in enumerate(u))
        return form * n * (n - 1) <= self.ceiling * self.determinant * n1 * n0 * (n1 + n0)


def _whole_numbers(rows: Sequence[Sequence[str]]) -> tuple[list[Vector], list[int]]:
    """The values of each column times the smallest scale that makes them all whole, and those scales."""
    for value in (value for row in rows for value in row):
        if not PLAIN_NUMBER.fullmatch(value):
            raise ValueError(f"{value!r} is not a number")
    exact = [[Fraction(value) for value in row] for row in rows]
    scales = [lcm(*(value.denominator for value in column)) for column in zip(*exact, strict=True)]
    return [[int(value * scale) for value, scale in zip(row, scales, strict=True)] for row in exact], scales


def _scatter(rows: list[Vector]) -> Matrix:
    n, columns = len(rows), list(zip(*rows, strict=True))
    return [
        [n * sum(x * y for x, y in zip(one, two, strict=True)) - sum(one) * sum(two) for two in columns]
        for one in columns
    ]


def _determinant(matrix: Matrix) -> int:
    """Bareiss' elimination (1968), exact in whole numbers."""
    rows, sign, previous = [row[:] for row in matrix], 1, 1
    for k in range(len(rows) - 1):
        swap = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if swap is None:
            return 0
        if swap != k:
            rows[k], rows[swap], sign = rows[swap], rows[k], -sign
        for i in range(k + 1, len(rows)):
            for j in range(k + 1, len(rows)):
                rows[i][j] = (rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]) // previous
        previous = rows[k][k]
    return sign * rows[-1][-1] if rows else 1


def _adjugate(matrix: Matrix) -> Matrix:
    """The matrix of signed minors; times the matrix it gives the determinant."""
    size = len(matrix)
    return [
        [
            (-1) ** (i + j) * _determinant([row[:i] + row[i + 1 :] for k, row in enumerate(matrix) if k != j])
            for j in range(size)
        ]
        for i in range(size)
    ]
