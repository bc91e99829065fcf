"""Pooling the analyses of imputed data sets (Rubin 1987; degrees of freedom of Barnard and Rubin 1999)."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.survival_curves import Floats


@dataclass(frozen=True)
class Pooled:
    """One estimate over m imputations. Variances `within`, `between` and `total`; `riv` the relative increase,
    `lambda_` the share of `total` that is due to what is missing, `fmi` the same corrected for m."""

    estimate: float
    within: float
    between: float
    total: float
    df: float  # infinite when nothing differs between the imputations and the complete data have no df
    riv: float
    lambda_: float
    fmi: float

    @property
    def std_error(self) -> float:
        return float(np.sqrt(self.total))


def pool(estimates: Floats, errors: Floats, df_complete: float = np.inf, rule: str = "barnard_rubin") -> Pooled:
    """Rubin's rules for `estimates` and standard `errors` (m each); `rule` `barnard_rubin` or `rubin`."""
    m = estimates.size
    within, between = float(np.mean(errors**2)), float(np.var(estimates, ddof=1))
    extra = (1 + 1 / m) * between
    total = within + extra
    share = extra / total
    df = (m - 1) / share**2 if share > 0 else np.inf
    if rule == "barnard_rubin" and np.isfinite(df_complete):
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
        df = observed if np.isinf(df) else df * observed / (df + observed)
    riv = extra / within if within > 0 else np.inf
    fmi = (riv + 2 / (df + 3)) / (riv + 1) if np.isfinite(riv) else 1.0
    return Pooled(float(np.mean(estimates)), within, between, total, float(df), riv, share, fmi)
