"""From an estimate, its standard error and degrees of freedom to a row."""

import math
from typing import Any

import numpy as np

from analysis.estimators.results import Row


def t_tail(statistic: float, df: float | None) -> float:
    """P(T > statistic) for Student's t, or the normal when df is None."""
    from scipy import special

    return float(special.ndtr(-statistic) if df is None else special.stdtr(df, -statistic))


def t_quantile(probability: float, df: float | None) -> float:
    from scipy import special

    return float(special.ndtri(probability) if df is None else special.stdtrit(df, probability))


def f_tail(statistic: float, df: float, df2: float | None) -> float:
    """P(F > statistic); the chi-squared over its df when df2 is None."""
    from scipy import special

    return float(special.chdtrc(df, statistic * df) if df2 is None else special.fdtrc(df, df2, statistic))


def chi2_tail(statistic: float, df: float) -> float:
    from scipy import special

    return float(special.chdtrc(df, statistic))


def p_value(statistic: float, df: float | None, sided: str) -> float:
    if sided == "two":
        return min(1.0, 2 * t_tail(abs(statistic), df))
    return t_tail(statistic if sided == "greater" else -statistic, df)


def limits(
    estimate: float, std_error: float, df: float | None, level: float, sided: str
) -> tuple[float | None, float | None]:
    """The interval; a one-sided one has no limit on the side of the alternative."""
    if sided == "two":
        reach = t_quantile(0.5 + level / 2, df) * std_error
        return estimate - reach, estimate + reach
    reach = t_quantile(level, df) * std_error
    return (estimate - reach, None) if sided == "greater" else (None, estimate + reach)


def estimate_row(
    term: str,
    estimate: float,
    std_error: float | None,
    df: float | None,
    *,
    level: float,
    sided: str = "two",
    ratio: bool = False,
    **labels: Any,
) -> Row:
    """A row with test and interval; with `ratio` the estimate is a logarithm and is also given back-transformed."""
    if std_error is None or not math.isfinite(std_error) or std_error <= 0:
        note = labels.pop("note", None) or "the standard error does not exist: there is no variation"
        bare: dict[str, Any] = {"ratio": math.exp(estimate)} if ratio else {}
        return Row(term, estimate=float(estimate), note=note, **bare, **labels)
    statistic = float(estimate / std_error)
    low, high = limits(float(estimate), std_error, df, level, sided)
    powers: dict[str, Any] = {}
    if ratio:
        powers = {
            "ratio": math.exp(estimate),
            "ratio_low": None if low is None else math.exp(low),
            "ratio_high": None if high is None else math.exp(high),
        }
    return Row(
        term,
        estimate=float(estimate),
        std_error=float(std_error),
        df=None if df is None else float(df),
        statistic=statistic,
        p_value=p_value(statistic, df, sided),
        conf_low=low,
        conf_high=high,
        **powers,
        **labels,
    )


def joint_f(statistic: float, df: float, df2: float | None, **labels: Any) -> Row:
    p = f_tail(statistic, df, df2)
    return Row("joint", "F", statistic=float(statistic), df=float(df), df2=df2, p_value=p, **labels)


def joint_chi2(statistic: float, df: float, **labels: Any) -> Row:
    return Row("joint", "chi2", statistic=float(statistic), df=float(df), p_value=chi2_tail(statistic, df), **labels)


def empty_row(term: str, note: str, **labels: Any) -> Row:
    """A row whose numbers do not exist."""
    return Row(term, note=note, **labels)


def symmetric_power(matrix: np.ndarray, power: float) -> np.ndarray:
    """A power of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * values**power) @ vectors.T)
