"""Few or many clusters: the wild cluster bootstrap and the intra-cluster correlation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.estimators.cluster_variance import clusters_of, small_sample_factor
from analysis.estimators.effects import ArmFit, Floats, arm_fits, ols_design
from analysis.estimators.inference import empty_row, f_tail
from analysis.estimators.linear_model import LinearModel
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Sample

CHUNK = 500
FEW_CLUSTERS = 12
ENUMERATE_MOST = 4_000_000
WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))
STEPS = 60
WIDEST = 40


class WildKeys(AnalysisKeys):
    signs: Literal["rademacher", "webb"] = "rademacher"


@method(
    "wild_cluster_bootstrap",
    keys=WildKeys,
    nl="De onzekerheid komt uit het vele malen omkeren van de afwijkingen per cluster (wild cluster bootstrap).",
    en="The uncertainty comes from flipping the residuals of whole clusters many times (wild cluster bootstrap).",
)
def wild_cluster_bootstrap(context: Context) -> Report:
    """Restricted wild cluster bootstrap-t with CR1S (Roodman and others 2019); limits by inversion."""
    if context.analysis.se not in (None, "CR1S"):
        raise Refused(f"the bootstrap studentises by CR1S, not {context.analysis.se}", "leave `se` out")
    sample = context.sample()
    if sample.cluster is None:
        raise Refused("the wild cluster bootstrap needs a cluster and none is named", "add `cluster: column`")
    rows: list[Row] = []
    used = 0
    for fitted in arm_fits(context, sample, ols_design):
        for arm in context.reported_arms(sample):
            row, used = _row(context, fitted, arm)
            rows.append(row)
    return Report(tuple(rows), {"draws": used, "se": "CR1S"})


def _row(context: Context, fitted: ArmFit, arm: str) -> tuple[Row, int]:
    outcome = context.outcome_label(fitted.outcome)
    if arm in fitted.empty or arm in fitted.without:
        why = fitted.without.get(arm, "no row of this arm has the outcome observed")
        return empty_row(arm, why, outcome=outcome, n=fitted.sample.n), 0
    place = fitted.design.arm_columns[fitted.sample.arms.index(arm) - 1]
    wild = WildBootstrap.of(fitted, place)
    signs = list(_signs(context, wild.clusters))
    wild.draw(signs)
    sided, alpha = context.analysis.sided, 1 - context.analysis.level
    low = None if sided == "less" else wild.limit(alpha, sided, -4 * wild.std_error)
    high = None if sided == "greater" else wild.limit(alpha, sided, 4 * wild.std_error)
    missing = [limit for limit, other in ((low, "less"), (high, "greater")) if sided != other and limit is None]
    row = Row(
        arm,
        outcome=outcome,
        n=fitted.sample.n,
        estimate=wild.estimate,
        std_error=wild.std_error,
        statistic=wild.estimate / wild.std_error,
        p_value=wild.p_value(0.0, sided),
        conf_low=low,
        conf_high=high,
        note="too few clusters to reject any effect on one side" if missing else None,
    )
    return row, len(wild.numerator)


@dataclass
class WildBootstrap:
    """t of one coefficient over flips of clusters, for every null value b: all parts are polynomials in b.

    c, w: sums within clusters (G, G x k) of the restricted residuals of y; d, o: the same of the regressor itself;
    m (G x k): how the scores of a cluster answer to the coefficients. Cost O(G k) a draw; no residual is formed.
    """

    estimate: float
    std_error: float
    factor: float
    c: Floats
    d: Floats
    w: Floats
    o: Floats
    m: Floats
    numerator: Floats
    variance: Floats

    @classmethod
    def of(cls, fitted: ArmFit, place: int) -> "WildBootstrap":
        model = fitted.fit.model
        root = np.ones(model.n) if model.weights is None else np.sqrt(model.weights)
        X, y = model.X * root[:, None], fitted.sample.y * root
        whole = LinearModel(X, model.names, "CR1S", "G-1", None, model.cluster)
        fit = whole.fit(y)
        estimate, error = fit.contrast(np.eye(whole.k)[place])
        if not error > 0:
            raise Refused("the residuals sum to nothing in every cluster", "choose a smaller cluster")
        others = np.delete(X, place, axis=1)
        rest = LinearModel(others, tuple(np.delete(model.names, place)), "HC0")
        u, x = (rest.fit(values).residuals for values in (y, X[:, place]))
        r = X @ whole.M[:, place]
        sums, M = whole.clusters.sums, whole.M
        factor = small_sample_factor("CR1S", whole.clusters.count, whole.n, whole.k)
        parts = (sums(r * u), sums(r * x), sums(X * u[:, None]), sums(X * x[:, None]), sums(X * r[:, None]) @ M)
        return cls(estimate, error, factor, *parts, np.empty(0), np.empty(0))

    @property
    def clusters(self) -> int:
        return len(self.c)

    def draw(self, signs: list[Floats]) -> None:
        """Coefficients in b of the numerator (draws x 2) and of the variance (draws x 3)."""
        found = [self._chunk(v) for v in signs]
        self.numerator = np.concatenate([numerator for numerator, _ in found])
        self.variance = np.concatenate([variance for _, variance in found])

    def _chunk(self, v: Floats) -> tuple[Floats, Floats]:
        c, d, m = self.c, self.d, self.m
        columns = (c[:, None], d[:, None], self.w, self.o, c[:, None] * m, d[:, None] * m)
        cuts = np.cumsum([part.shape[1] for part in columns])[:-1]
        A, B, zy, zx, Yy, Yx = np.split(v @ np.hstack(columns), cuts, axis=1)
        square = np.square(v)
        cc, cd, dd = (square @ np.column_stack([c * c, c * d, d * d])).T
        S = m.T @ m
        P = cc - 2 * (Yy * zy).sum(axis=1) + ((zy @ S) * zy).sum(axis=1)
        Q = cd - (Yy * zx).sum(axis=1) - (Yx * zy).sum(axis=1) + ((zy @ S) * zx).sum(axis=1)
        R = dd - 2 * (Yx * zx).sum(axis=1) + ((zx @ S) * zx).sum(axis=1)
        return np.hstack([A, B]), self.factor * np.column_stack([P, Q, R])

    def p_value(self, b: float, sided: str) -> float:
        """Share of draws with t at least as far out as t(b) = (estimate - b) / standard error."""
        numerator = self.numerator[:, 0] - b * self.numerator[:, 1]
        P, Q, R = self.variance.T
        spread = np.sqrt(np.maximum(P - 2 * b * Q + b * b * R, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.nan_to_num(numerator / spread, nan=0.0, posinf=np.inf, neginf=-np.inf)
        seen = (self.estimate - b) / self.std_error
        if sided == "two":
            t, seen = np.abs(t), abs(seen)
        elif sided == "less":
            t, seen = -t, -seen
        return float((t >= seen - 1e-9 * max(1.0, abs(seen))).mean())

    def limit(self, alpha: float, sided: str, step: float) -> float | None:
        """The furthest value on the side of `step` that is not rejected; None when none is rejected."""
        inside = outside = self.estimate
        for _ in range(WIDEST):
            outside = outside + step
            if self.p_value(outside, sided) <= alpha + 1e-12:
                break
            inside, step = outside, 2 * step
        else:
            return None
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            if self.p_value(middle, sided) <= alpha + 1e-12:
                outside = middle
            else:
                inside = middle
        return inside


def _signs(context: Context, clusters: int) -> Iterator[Floats]:
    """Weights of the clusters (m x G): all of them, or random ones by the seed."""
    keys = context.keys(WildKeys)
    points = np.array([-1.0, 1.0]) if keys.signs == "rademacher" else np.concatenate([-WEBB, WEBB])
    total = len(points) ** clusters
    every = keys.enumerate or (keys.signs == "rademacher" and clusters <= FEW_CLUSTERS)
    if every and total > ENUMERATE_MOST:
        what = f"{clusters} clusters have {total:.3g} sign vectors, too many to go through"
        raise Refused(what, "leave `enumerate` out")
    if every:
        powers = len(points) ** np.arange(clusters)
        for start in range(0, total, CHUNK):
            places = np.arange(start, min(start + CHUNK, total))
            yield points[places[:, None] // powers % len(points)]
        return
    rng = np.random.default_rng(keys.seed)
    for start in range(0, keys.draws, CHUNK):
        size = (min(CHUNK, keys.draws - start), clusters)
        yield points[rng.integers(0, len(points), size=size, dtype=np.int8)]


@method(
    "icc",
    nl="De intraclustercorrelatie zegt welk deel van de spreiding tussen clusters zit.",
    en="The intra-cluster correlation is the share of the variance that lies between clusters.",
)
def icc(context: Context) -> Report:
    """Intra-cluster correlation by analysis of variance, with limits from F, and the design effect."""
    sample = context.sample(arms=False, covariates=False)
    if sample.cluster is None:
        raise Refused("the correlation needs a cluster and none is named", "add `cluster: column`")
    rows, sizes, effects = [], {}, {}
    for name, part in context.outcomes(sample):
        row, size, effect = _icc_row(context, name, part)
        rows.append(row)
        sizes[name], effects[name] = size, effect
    if not context.several:
        return Report(tuple(rows), {"cluster_size": size, "design_effect": effect})
    return Report(tuple(rows), {"cluster_size": sizes, "design_effect": effects})


def _icc_row(context: Context, name: str, part: Sample) -> tuple[Row, float, float]:
    from scipy import special

    refuse_constant(part.y, name)
    assert part.cluster is not None
    clusters = clusters_of(part.cluster)
    n, G, N = clusters.sizes.astype(float), clusters.count, part.n
    if G < 2 or N == G:
        what = "all rows are in one cluster" if G < 2 else "every cluster has one row"
        raise Refused(f"{what}, so nothing can be divided between and within", "choose another cluster")
    means = clusters.sums(part.y) / n
    between = float((n * (means - part.y.mean()) ** 2).sum()) / (G - 1)
    within = float((part.y**2).sum() - (n * means**2).sum()) / (N - G)
    size = (N - (n**2).sum() / N) / (G - 1)
    rho = (between - within) / (between + (size - 1) * within)
    cv = float(n.std()) / float(n.mean())
    effect = 1 + ((cv**2 + 1) * float(n.mean()) - 1) * rho
    labels: dict[str, Any] = {"n": N, "outcome": context.outcome_label(name)}
    if within <= 0:
        return Row("icc", estimate=rho, note="there is no variation within clusters", **labels), float(n.mean()), effect
    F, tail = between / within, 0.5 - context.analysis.level / 2
    df, df2 = G - 1.0, float(N - G)
    low, high = (F / float(special.fdtri(df, df2, p)) for p in (1 - tail, tail))
    limits = {"conf_low": (low - 1) / (low + size - 1), "conf_high": (high - 1) / (high + size - 1)}
    row = Row("icc", estimate=rho, statistic=F, df=df, df2=df2, p_value=f_tail(F, df, df2), **limits, **labels)
    return row, float(n.mean()), effect
