"""Adjusted p-values from a list of p-values."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GRID = 1000


def adjust(p: Floats, procedure: str) -> Floats:
    """Adjusted p-values (or q-values) of `p` by a procedure named in the plan."""
    return np.minimum(_PROCEDURES[procedure](np.asarray(p, np.float64)), 1.0)


def _bonferroni(p: Floats) -> Floats:
    return p * len(p)


def _sidak(p: Floats) -> Floats:
    return -np.expm1(len(p) * np.log1p(-np.minimum(p, 1 - 1e-16)))


def _down(p: Floats, factor: Callable[[Floats, NDArray[np.int_]], Floats]) -> Floats:
    """Step-down: from the smallest, each at least as large as the one before."""
    order = np.argsort(p, kind="stable")
    left = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(factor(p[order], left))
    return adjusted


def _up(p: Floats, factor: Callable[[Floats, NDArray[np.int_]], Floats]) -> Floats:
    """Step-up: from the largest, each at most as large as the one after; ranks count from 1."""
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(factor(p[order], rank)[::-1])[::-1]
    return adjusted


def _holm(p: Floats) -> Floats:
    return _down(p, lambda s, left: s * left)


def _holm_sidak(p: Floats) -> Floats:
    return _down(p, lambda s, left: -np.expm1(left * np.log1p(-np.minimum(s, 1 - 1e-16))))


def _hochberg(p: Floats) -> Floats:
    return _up(p, lambda s, rank: s * (len(s) - rank + 1))


def _bh(p: Floats) -> Floats:
    return _up(p, lambda s, rank: s * len(s) / rank)


def _by(p: Floats) -> Floats:
    return _bh(p) * (1 / np.arange(1, len(p) + 1)).sum()


def _hommel(p: Floats) -> Floats:
    """Hommel (1988) by the algorithm of Wright (1992)."""
    m = len(p)
    order = np.argsort(p, kind="stable")
    s = p[order]
    best = np.full(m, (m * s / np.arange(1, m + 1)).min())
    adjusted = best.copy()
    for size in range(m - 1, 1, -1):
        low, high = np.arange(m - size + 1), np.arange(m - size + 1, m)
        least = (size * s[high] / np.arange(2, size + 1)).min()
        adjusted[low] = np.minimum(size * s[low], least)
        adjusted[high] = adjusted[m - size]
        best = np.maximum(best, adjusted)
    result = np.empty(m)
    result[order] = np.maximum(best, s)
    return result


def _sharpened_exact(p: Floats) -> Floats:
    """Smallest q at which the two-stage procedure (Benjamini, Krieger and Yekutieli 2006) rejects each hypothesis."""
    m, bh = len(p), _bh(p)
    starts = np.unique(bh)
    q = np.ones(m)
    for rejected, low, high in _segments(bh, starts):
        if rejected == m:
            q = np.minimum(q, low)
            continue
        need = bh * (m - rejected) / m
        with np.errstate(divide="ignore"):
            reach = np.maximum(np.where(need < 1, need / (1 - need), np.inf), low)
        q = np.where(reach < high, np.minimum(q, reach), q)
    return q


def _segments(bh: Floats, starts: Floats) -> list[tuple[int, float, float]]:
    """Stretches of q in which the first stage rejects the same number: (number, from, to)."""
    with np.errstate(divide="ignore"):
        at = np.where(starts < 1, starts / (1 - np.minimum(starts, 1 - 1e-16)), np.inf)
    edges = [0.0, *at.tolist(), np.inf]
    counts = [0, *(int((bh <= start).sum()) for start in starts)]
    return [(count, edges[i], edges[i + 1]) for i, count in enumerate(counts)]


def _sharpened_grid(p: Floats) -> Floats:
    """Anderson (2008): the same on q = 1.000, 0.999, .., 0.001."""
    m = len(p)
    order = np.argsort(p, kind="stable")
    rank, s = np.arange(1, m + 1), p[order]
    result = np.ones(m)
    for step in range(GRID, 0, -1):
        first = step / GRID / (1 + step / GRID)
        r1 = _rejected(s, first * rank / m)
        r2 = m if r1 == m else _rejected(s, first * m / (m - r1) * rank / m)
        result[order[:r2]] = step / GRID
    return result


def _rejected(s: Floats, bounds: Floats) -> int:
    hits = np.flatnonzero(s <= bounds)
    return int(hits[-1]) + 1 if len(hits) else 0


_PROCEDURES: dict[str, Callable[[Floats], Floats]] = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "sidak": _sidak,
    "holm_sidak": _holm_sidak,
    "BH": _bh,
    "BY": _by,
    "sharpened_q": _sharpened_grid,
    "sharpened_q_exact": _sharpened_exact,
}
