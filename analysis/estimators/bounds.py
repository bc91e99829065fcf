"""Bounds on an effect when outcomes are missing: Lee 2009 by trimming, and the interval of Imbens and Manski 2004."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.inference import t_quantile, t_tail
from analysis.estimators.survival_curves import Floats, Ints

CHUNK = 400_000  # weights of a bootstrap worked on at a time: they stay in the cache of the processor


@dataclass(frozen=True)
class LeeCell:
    """The persons of one cell: `y` of who answered, by arm (0 control, 1 treated), sorted, and their places."""

    y: tuple[Floats, Floats]
    answered: tuple[Ints, Ints]
    members: tuple[Ints, Ints]


def lee_cells(y: Floats, treated: Ints, cell: Ints) -> list[LeeCell]:
    """Split the persons of a pair of arms into cells; `y` is NaN where missing."""
    cells = []
    for number in range(int(cell.max()) + 1):
        members = [np.flatnonzero((cell == number) & (treated == arm)) for arm in (0, 1)]
        answered = [rows[~np.isnan(y[rows])] for rows in members]
        answered = [rows[np.argsort(y[rows], kind="stable")] for rows in answered]
        values = [y[rows] for rows in answered]
        cells.append(LeeCell((values[0], values[1]), (answered[0], answered[1]), (members[0], members[1])))
    return cells


@dataclass(frozen=True)
class LeeBounds:
    """For each set of weights: the bounds, and the share trimmed (averaged over the cells)."""

    lower: Floats
    upper: Floats
    trim_share: Floats


def lee_bounds(cells: list[LeeCell], weights: Floats) -> LeeBounds:
    """Bounds of each row of `weights` (draws x persons); NaN where nobody of a cell and arm answered.

    In each cell the arm that answered more is trimmed to the share of the other, the last person in part. Cells are
    averaged by their share of the persons of both arms.
    """
    lower, upper, trimmed, whole = (np.zeros(weights.shape[0]) for _ in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        for cell in cells:
            size = weights[:, np.concatenate(cell.members)].sum(axis=1)
            low, high, share = _cell_bounds(cell, weights)
            for total, part in ((lower, low), (upper, high), (trimmed, share)):
                total += np.where(size > 0, size * part, 0.0)
            whole += size
        return LeeBounds(lower / whole, upper / whole, trimmed / whole)


def _cell_bounds(cell: LeeCell, weights: Floats) -> tuple[Floats, Floats, Floats]:
    rates, parts = [], []
    for arm in (0, 1):
        part = weights[:, cell.answered[arm]]
        rates.append(part.sum(axis=1) / weights[:, cell.members[arm]].sum(axis=1))
        parts.append(part)
    kept = [np.minimum(rates[1 - arm] / rates[arm], 1.0) for arm in (0, 1)]
    lows = [kept_mean(cell.y[arm], parts[arm], kept[arm]) for arm in (0, 1)]
    highs = [-kept_mean(-cell.y[arm][::-1], parts[arm][:, ::-1], kept[arm]) for arm in (0, 1)]
    return lows[1] - highs[0], highs[1] - lows[0], 1 - np.minimum(kept[0], kept[1])


def kept_mean(y: Floats, weights: Floats, kept: Floats) -> Floats:
    """Weighted means of the lowest `kept` share of the sorted `y`, the last person counted in part."""
    limit = (kept * weights.sum(axis=1))[:, None]
    before = np.cumsum(weights, axis=1) - weights
    inside = np.clip(limit - before, 0.0, weights)
    return np.asarray((inside @ y) / limit[:, 0])


def lee_errors(cells: list[LeeCell], cluster: Ints, draws: int, rng: np.random.Generator) -> tuple[float, float, int]:
    """Bootstrap errors of both bounds over clusters (0, 1, ..), and the number of draws in which they existed."""
    clusters = int(cluster.max()) + 1
    found = []
    at_once = max(1, CHUNK // cluster.size)
    for start in range(0, draws, at_once):
        counts = _drawn_counts(clusters, min(at_once, draws - start), rng)
        bounds = lee_bounds(cells, counts[:, cluster].astype(np.float64))
        found.append(np.stack([bounds.lower, bounds.upper]))
    drawn = np.concatenate(found, axis=1)
    drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
    if drawn.shape[1] < 2:
        return float("nan"), float("nan"), int(drawn.shape[1])
    low, high = drawn.std(axis=1, ddof=1)
    return float(low), float(high), int(drawn.shape[1])


def _drawn_counts(clusters: int, draws: int, rng: np.random.Generator) -> Ints:
    """How often each cluster is drawn, with replacement, in each draw (draws x clusters)."""
    picked = rng.integers(0, clusters, size=(draws, clusters)) + clusters * np.arange(draws)[:, None]
    return np.bincount(picked.ravel(), minlength=draws * clusters).reshape(draws, clusters)


def imbens_manski(lower: float, upper: float, errors: tuple[float, float], level: float) -> tuple[float, float]:
    """Limits that hold the effect itself, wherever it lies between the bounds, with probability `level`."""
    from scipy.optimize import brentq

    width = (upper - lower) / max(errors) if max(errors) > 0 else np.inf

    def lack(c: float) -> float:
        return t_tail(-c - width, None) - t_tail(c, None) - level

    c = brentq(lack, t_quantile(level, None) - 1e-9, t_quantile(0.5 + level / 2, None) + 1e-9, xtol=1e-12)
    return lower - c * errors[0], upper + c * errors[1]
