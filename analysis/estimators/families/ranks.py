"""Tests by variance and by rank over all arms, or of two arms."""

from collections.abc import Iterator

import numpy as np

from analysis.estimators.inference import joint_chi2, joint_f
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample


class MannWhitneyKeys(AnalysisKeys):
    continuity: bool = True


@method(
    "welch_anova",
    nl="De toets vraagt of de gemiddelden van alle groepen gelijk zijn, zonder gelijke spreiding te veronderstellen.",
    en="The test asks whether all arms have the same mean, without assuming the same spread.",
)
def welch_anova(context: Context) -> Report:
    """Welch's (1951) F test of equal means."""
    return Report(tuple(_welch(context, name, part) for name, part in _parts(context)))


@method(
    "kruskal_wallis",
    nl="De toets vergelijkt de rangnummers van de uitkomst tussen alle groepen.",
    en="The test compares the ranks of the outcome between all arms.",
)
def kruskal_wallis(context: Context) -> Report:
    """Kruskal-Wallis test, corrected for ties."""
    return Report(tuple(_kruskal(context, name, part) for name, part in _parts(context)))


@method(
    "mann_whitney",
    keys=MannWhitneyKeys,
    nl="De toets vergelijkt de rangnummers van de uitkomst tussen een groep en de controlegroep.",
    en="The test compares the ranks of the outcome between an arm and the control arm.",
)
def mann_whitney(context: Context) -> Report:
    """Wilcoxon-Mann-Whitney test by the normal approximation, corrected for ties.

    `statistic` is U, the pairs in which the arm is higher (ties count half); `estimate` is their share of all pairs.
    """
    sample = context.sample(covariates=False, cluster=False)
    context.rows_independent()
    context.raw_only()
    arms = context.reported_arms(sample)
    rows = [_mann_whitney(context, name, part, arm) for name, part in context.outcomes(sample) for arm in arms]
    return Report(tuple(rows))


def _parts(context: Context) -> Iterator[tuple[str, Sample]]:
    sample = context.sample(control=False, covariates=False, cluster=False)
    context.rows_independent()
    context.raw_only()
    if len(sample.arms) < 2:
        raise Refused("there is only one arm", "check `arm` and the subset")
    for name, part in context.outcomes(sample):
        refuse_constant(part.y, name)
        yield name, part


def _group_values(part: Sample, name: str, least: int) -> list[Floats]:
    groups = [part.y[part.arm == code] for code in range(len(part.arms))]
    for arm, values in zip(part.arms, groups, strict=True):
        if len(values) < least:
            raise Refused(
                f"the arm {arm!r} has {len(values)} rows with the outcome {name!r} observed, and {least} are needed",
                "leave the arm out by `subset`",
            )
    return groups


def _welch(context: Context, name: str, part: Sample) -> Row:
    groups = _group_values(part, name, 2)
    n = np.array([len(g) for g in groups])
    variance = np.array([g.var(ddof=1) for g in groups])
    if (variance == 0).any():
        arm = part.arms[int(variance.argmin())]
        raise Refused(f"the outcome {name!r} has one value in the arm {arm!r}", "use `kruskal_wallis`")
    mean = np.array([g.mean() for g in groups])
    k, w = len(groups), n / variance
    centre = (w * mean).sum() / w.sum()
    spread = ((1 - w / w.sum()) ** 2 / (n - 1)).sum() / (k**2 - 1)
    F = (w * (mean - centre) ** 2).sum() / ((k - 1) * (1 + 2 * (k - 2) * spread))
    return joint_f(F, k - 1, 1 / (3 * spread), n=part.n, outcome=context.outcome_label(name))


def _ties(values: Floats) -> float:
    counts = np.unique(values, return_counts=True)[1].astype(float)
    return float((counts**3 - counts).sum())


def _kruskal(context: Context, name: str, part: Sample) -> Row:
    from scipy import stats

    _group_values(part, name, 1)
    ranks, N = stats.rankdata(part.y), part.n
    total = sum(ranks[part.arm == code].sum() ** 2 / (part.arm == code).sum() for code in range(len(part.arms)))
    H = (12 * total / (N * (N + 1)) - 3 * (N + 1)) / (1 - _ties(part.y) / (N**3 - N))
    return joint_chi2(H, len(part.arms) - 1, n=N, outcome=context.outcome_label(name))


def _mann_whitney(context: Context, name: str, part: Sample, arm: str) -> Row:
    from scipy import special, stats

    pair = part.pair(arm)
    high, low = (pair.y[pair.arm == code] for code in (1, 0))
    if not len(high) or not len(low):
        raise Refused(f"an arm has no row with the outcome {name!r} observed", "compare arms that have observations")
    refuse_constant(pair.y, name)
    m, k, N = len(high), len(low), pair.n
    U = float(stats.rankdata(pair.y)[pair.arm == 1].sum() - m * (m + 1) / 2)
    z = U - m * k / 2
    sided = context.analysis.sided
    if context.keys(MannWhitneyKeys).continuity:
        z -= {"two": np.sign(z) * 0.5, "greater": 0.5, "less": -0.5}[sided]
    z /= np.sqrt(m * k / 12 * (N + 1 - _ties(pair.y) / (N * (N - 1))))
    tails = {"two": 2 * special.ndtr(-abs(z)), "greater": special.ndtr(-z), "less": special.ndtr(z)}
    p = min(1.0, float(tails[sided]))
    return Row(arm, outcome=context.outcome_label(name), n=N, estimate=U / (m * k), statistic=U, p_value=p)
