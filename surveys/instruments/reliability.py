"""Reliability of a scale from the covariance matrix of its items."""

from dataclasses import dataclass

import numpy as np

from surveys.instruments.columns import Floats

LEAST_UNIQUE = 0.005


@dataclass(frozen=True, slots=True)
class Reliability:
    """Internal consistency over `n` complete cases; NaN where it cannot be computed.

    `alpha` has Feldt's limits (Feldt, Woodruff & Salih 1987); `omega` is omega total of one factor fitted by
    maximum likelihood (McDonald 1999). Per item: correlation with the sum of the others, and alpha without it.
    """

    n: int
    alpha: float
    alpha_low: float
    alpha_high: float
    alpha_standardised: float
    average_r: float
    omega: float
    item_rest: tuple[float, ...]
    alpha_if_deleted: tuple[float, ...]


def reliability(covariance: Floats, n: int, level: float = 0.95) -> Reliability:
    """Reliability of the sum of k items; `covariance` is k by k, over n complete cases."""
    k = len(covariance)
    spread = np.sqrt(np.diag(covariance))
    varies = n > 1 and bool((spread > 0).all())
    correlation = covariance / np.outer(spread, spread) if varies else np.full((k, k), np.nan)
    average = (correlation.sum() - k) / (k * (k - 1)) if varies and k > 1 else np.nan
    alpha = cronbach(covariance) if n > 1 else np.nan
    low, high = feldt(alpha, n, k, level)
    without = [np.delete(np.delete(covariance, item, 0), item, 1) for item in range(k)]
    return Reliability(
        n=n, alpha=alpha, alpha_low=low, alpha_high=high,
        alpha_standardised=k * average / (1 + (k - 1) * average) if varies and k > 1 else np.nan,
        average_r=average, omega=omega(correlation, spread) if varies and k > 2 else np.nan,
        item_rest=tuple(_item_rest(covariance, item) for item in range(k)),
        alpha_if_deleted=tuple(cronbach(rest) if n > 1 else np.nan for rest in without),
    )  # fmt: skip


def cronbach(covariance: Floats) -> float:
    """Coefficient alpha (Cronbach 1951); NaN for fewer than two items or a sum that does not vary."""
    k, total = len(covariance), float(covariance.sum())
    if k < 2 or not total > 0:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariance) / total))


def feldt(alpha: float, n: int, k: int, level: float = 0.95) -> tuple[float, float]:
    """Confidence limits of alpha for n cases and k items."""
    if n < 2 or k < 2 or np.isnan(alpha):
        return float("nan"), float("nan")
    from scipy import stats

    tail = (1 - level) / 2
    quantiles = stats.f.ppf([1 - tail, tail], n - 1, (n - 1) * (k - 1))
    low, high = (float(1 - (1 - alpha) * quantile) for quantile in quantiles)
    return low, high


def omega(correlation: Floats, spread: Floats) -> float:
    """Omega total of one factor: (sum of loadings)^2 over itself plus the sum of unique variances, in item units.

    The likelihood is concentrated on the uniquenesses (Lawley & Maxwell 1971), which may not fall below 0.005; NaN when
    the correlation matrix is singular or the fit does not converge.
    """
    if np.linalg.eigvalsh(correlation)[0] <= 1e-10:
        return float("nan")
    from scipy import optimize

    start = np.clip(1 / np.diag(np.linalg.inv(correlation)) * 0.5, LEAST_UNIQUE, 1)
    fit = optimize.minimize(
        _discrepancy, start, args=(correlation,), jac=True, method="L-BFGS-B",
        bounds=[(LEAST_UNIQUE, 1)] * len(start), options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
    )  # fmt: skip
    if not fit.success:
        return float("nan")
    common = float((_loadings(fit.x, correlation) * spread).sum()) ** 2
    return common / (common + float((fit.x * spread**2).sum()))


def _loadings(unique: Floats, correlation: Floats) -> Floats:
    scale = np.sqrt(unique)
    values, vectors = np.linalg.eigh(correlation / np.outer(scale, scale))
    loadings: Floats = scale * vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0))
    turned: Floats = loadings * np.sign(loadings.sum())
    return turned


def _discrepancy(unique: Floats, correlation: Floats) -> tuple[float, Floats]:
    scale = np.sqrt(unique)
    rest = np.linalg.eigvalsh(correlation / np.outer(scale, scale))[:-1]
    loadings = _loadings(unique, correlation)
    residual = np.diag(np.outer(loadings, loadings) + np.diag(unique) - correlation)
    return float((rest - np.log(rest) - 1).sum()), residual / unique**2


def _item_rest(covariance: Floats, item: int) -> float:
    shared = float(covariance[item].sum() - covariance[item, item])
    rest = float(covariance.sum() - 2 * covariance[item].sum() + covariance[item, item])
    own = float(covariance[item, item])
    return shared / np.sqrt(own * rest) if own > 0 and rest > 0 else float("nan")
