"""Fisher's exact test for tables of any size, by a network of partial tables.

Rows of the table are filled one by one; partial tables with the same remaining column totals are one node. Paths that
can no longer become more likely than the table found are summed at once, and those that must stay more likely are
dropped (Mehta and Patel 1983, with exact bounds from the same network).
"""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.refusals import Refused

Node = tuple[int, ...]
MOST_PATHS = 500_000
MOST_WORK = 8e6
SLACK = 1e-7


def fisher_p(table: NDArray[np.int_]) -> float:
    """P(a table at most as likely as this one), given its margins; table (r x c) of counts."""
    if table.shape[0] < table.shape[1]:
        table = table.T
    if _work(table.sum(axis=1).tolist(), table.shape[1]) > MOST_WORK:
        raise Refused("the table is too large for an exact test", "use `chi_square`, or merge categories")
    network = _Network([int(value) for value in table.sum(axis=1)], [int(value) for value in table.sum(axis=0)])
    observed = sum(network.weight(tuple(int(v) for v in line)) for line in table)
    return min(1.0, network.tail(observed + SLACK))


def _work(rows: list[int], columns: int) -> float:
    """Partial tables times ways to fill the next row: a guess at the steps the network takes."""
    work, filled = 0.0, 0
    for row in rows[:-1]:
        nodes = math.comb(filled + columns - 1, columns - 1) / math.factorial(columns)
        work += max(nodes, 1.0) * math.comb(row + columns - 1, columns - 1)
        filled += row
    return work


class _Network:
    def __init__(self, rows: list[int], columns: list[int]) -> None:
        from scipy import special

        self.rows = rows
        self.start: Node = tuple(sorted(columns))
        self.log_factorial: list[float] = special.gammaln(np.arange(sum(rows) + 2) + 1.0).tolist()
        self.bounds = cache(self._bounds)
        self.total = cache(self._total)

    def weight(self, line: Node) -> float:
        """Log weight of one row: minus the sum of log factorials."""
        return -sum(map(self.log_factorial.__getitem__, line))

    def _fillings(self, stage: int, node: Node) -> Iterator[tuple[Node, float]]:
        """Each way to fill row `stage` from the remaining column totals: what remains then, and its weight."""
        if stage == len(self.rows) - 1:
            yield (0,) * len(node), self.weight(node)
            return
        for line in _compositions(self.rows[stage], node):
            yield tuple(sorted(left - used for left, used in zip(node, line, strict=True))), self.weight(line)

    def _bounds(self, stage: int, node: Node) -> tuple[float, float]:
        """Largest and smallest log weight of what can still follow."""
        if stage == len(self.rows):
            return 0.0, 0.0
        parts = [(weight, self.bounds(stage + 1, after)) for after, weight in self._fillings(stage, node)]
        return max(w + high for w, (high, _) in parts), min(w + low for w, (_, low) in parts)

    def _total(self, stage: int, node: Node) -> float:
        """Log of the summed weights of all that can follow: a multivariate hypergeometric constant."""
        left = sum(self.rows[stage:])
        return self.log_factorial[left] + self.weight(node) + self.weight(tuple(self.rows[stage:]))

    def tail(self, limit: float) -> float:
        """Probability of complete tables with a log weight of at most `limit`."""
        whole = self.total(0, self.start)
        level: dict[Node, dict[float, float]] = {self.start: {0.0: 1.0}}
        found = 0.0
        for stage in range(len(self.rows)):
            found += self._settle(level, stage, limit, whole)
            level = self._advance(level, stage)
            if sum(len(paths) for paths in level.values()) > MOST_PATHS:
                raise Refused("the table is too large for an exact test", "use `chi_square`")
        return found + sum(
            np.exp(past - whole) * count for paths in level.values() for past, count in paths.items() if past <= limit
        )

    def _settle(self, level: dict[Node, dict[float, float]], stage: int, limit: float, whole: float) -> float:
        """Sum and remove paths that are decided; what stays in `level` is open."""
        found = 0.0
        for node, paths in level.items():
            high, low = self.bounds(stage, node)
            rest = self.total(stage, node)
            for past in [past for past in paths if past + high <= limit or past + low > limit]:
                count = paths.pop(past)
                if past + high <= limit:
                    found += float(np.exp(past + rest - whole)) * count
        return found

    def _advance(self, level: dict[Node, dict[float, float]], stage: int) -> dict[Node, dict[float, float]]:
        following: dict[Node, dict[float, float]] = {}
        for node, paths in level.items():
            if not paths:
                continue
            for after, weight in self._fillings(stage, node):
                into = following.setdefault(after, {})
                for past, count in paths.items():
                    key = round(past + weight, 9)
                    into[key] = into.get(key, 0.0) + count
        return following


def _compositions(total: int, limits: Node) -> Iterator[Node]:
    """Ways to write `total` as a sum with each part at most its limit."""
    if len(limits) == 1:
        if total <= limits[0]:
            yield (total,)
        return
    rest = sum(limits[1:])
    for first in range(max(0, total - rest), min(total, limits[0]) + 1):
        for others in _compositions(total - first, limits[1:]):
            yield (first, *others)
