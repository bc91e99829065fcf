"""Inference by drawing the arms again: the procedure of an analysis, and its statistics over all draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.assignments import (
    Draws,
    Labels,
    Procedure,
    plan_draws,
)
from analysis.estimators.drawn_frame import Evaluator, Frame, frame_of
from analysis.estimators.drawn_regressions import regressions_of
from analysis.estimators.drawn_statistics import (
    BlockedDifferences,
    Codes,
    Differences,
    DrawnRows,
    HorvitzThompson,
    RankSums,
)
from analysis.estimators.plan import AnalysisKeys, Family, Plan
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.results import Row
from analysis.estimators.tables import Table

Floats = NDArray[np.float64]
STATISTICS = (
    "difference",
    "welch_t",
    "ols_t",
    "lin_t",
    "blocked_difference",
    "rank_sum",
    "horvitz_thompson",
)
TOLERANCE = 1e-9
LINEAR_T = {"ols": "ols_t", "lin": "lin_t"}


@dataclass(frozen=True)
class Null:
    """One arm (or the joint test, arm None) over the draws: estimates and variances (m x q), and those observed (q)."""

    arm: str | None
    estimate: Floats
    variance: Floats | None
    observed: Floats
    observed_variance: Floats | None
    weights: Floats
    enumerated: bool
    centre: Floats | None = None

    @property
    def t(self) -> Floats:
        """Statistics of the draws (m x q)."""
        return studentised(self.estimate, self.variance)

    @property
    def t_observed(self) -> Floats:
        variance = None if self.observed_variance is None else self.observed_variance[None, :]
        return studentised(self.observed[None, :], variance)[0]

    def check(self, q: int) -> None:
        """Refuse an outcome whose statistic does not exist as the arms were drawn."""
        if not np.isfinite(self.observed[q]):
            raise Refused(f"the statistic of {self.arm!r} does not exist as it was drawn", "check for an empty arm")
        if self.observed_variance is not None and not 0 < self.observed_variance[q] < np.inf:
            what = f"the statistic of {self.arm!r} has no standard error as it was drawn"
            raise Refused(what, "choose `statistic: difference`")

    def sizes(self, sided: str) -> tuple[Floats, Floats]:
        """How far the draws and the observed statistic are out, in the direction of the alternative."""
        t, seen = self.t, self.t_observed
        if self.centre is not None:
            t, seen = t - self.centre, seen - self.centre
        if sided == "two":
            return np.abs(t), np.abs(seen)
        return (t, seen) if sided == "greater" else (-t, -seen)

    def p_values(self, sided: str) -> Floats:
        """Share of assignments at least as far out; of random draws (1 + b) / (1 + m)."""
        far, seen = self.sizes(sided)
        return tail_share(far, seen, self.weights, self.enumerated)


def studentised(estimate: Floats, variance: Floats | None) -> Floats:
    """estimate / standard error; 0 / 0 counts as 0."""
    if variance is None:
        return estimate
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / np.sqrt(variance)
    return np.where(np.isnan(t), 0.0, t)


def tail_share(far: Floats, seen: Floats, weights: Floats, enumerated: bool) -> Floats:
    """For each column the (weighted) share of draws with far >= seen, up to rounding."""
    slack = TOLERANCE * np.maximum(1.0, np.where(np.isfinite(seen), np.abs(seen), 1.0))
    hits = far >= seen - slack
    if enumerated:
        return (weights @ hits) / weights.sum()
    return (1 + hits.sum(axis=0)) / (1 + len(far))


def evaluator_of(
    context: Context, frame: Frame, outcomes: Floats, statistic: str, draws: Draws, *, codes: Codes, pair: int | None
) -> Evaluator:
    """The evaluator of a statistic for arms `codes`; `pair` when only that arm and the control take part."""
    if statistic in ("difference", "welch_t"):
        return Differences(frame, outcomes, codes, pair=pair, squares=statistic == "welch_t")
    if statistic in ("ols_t", "lin_t"):
        return regressions_of(context, frame, outcomes, codes, pair=pair, lin=statistic == "lin_t")
    rows = DrawnRows(frame, outcomes, codes, pair)
    if statistic == "blocked_difference":
        return BlockedDifferences(context, frame, rows)
    return RankSums(rows) if statistic == "rank_sum" else HorvitzThompson(rows, frame, draws)


def statistic_of(context: Context) -> str:
    wanted = context.analysis.statistic
    if wanted is None:
        return "welch_t"
    if wanted not in STATISTICS:
        raise Refused(f"{wanted!r} is not a statistic", f"choose one of {', '.join(STATISTICS)}")
    return str(wanted)


def hypothesis_of(context: Context, *, family: bool = False) -> str:
    """`pairwise` unless asked otherwise; a family of several arms is drawn as a whole unless asked otherwise."""
    keys = context.analysis
    if family and "hypothesis" not in keys.model_fields_set:
        return "complete"
    return keys.hypothesis


def nulls(
    context: Context, frame: Frame, arms: Sequence[str], outcomes: Floats, *, statistic: str, hypothesis: str
) -> tuple[list[Null], Null | None]:
    """Statistics of each arm over the draws (outcomes: rows x q, NaN missing); under `complete` the joint F too."""
    if hypothesis == "pairwise":
        found = []
        for arm in arms:
            code = frame.sample.arms.index(arm)
            draws = _planned(context, frame.procedure.pairwise(code))
            evaluator = evaluator_of(context, frame, outcomes, statistic, draws, codes=(code,), pair=code)
            found.append(_collect(context, frame, draws, evaluator, (arm,))[0][0])
        return found, None
    draws = _planned(context, frame.procedure)
    codes = tuple(range(1, len(frame.sample.arms)))
    evaluator = evaluator_of(context, frame, outcomes, statistic, draws, codes=codes, pair=None)
    every, joint = _collect(context, frame, draws, evaluator, frame.sample.arms[1:])
    return [null for null in every if null.arm in arms], joint


def _planned(context: Context, procedure: Procedure) -> Draws:
    keys = context.analysis
    return plan_draws(procedure, draws=keys.draws, seed=keys.seed, enumerate_all=keys.enumerate)


def _collect(
    context: Context, frame: Frame, draws: Draws, evaluator: Evaluator, arms: Sequence[str]
) -> tuple[list[Null], Null]:
    estimates, variances, joints = [], [], []
    done = 0
    for labels in draws.chunks():
        E, V, F = evaluator.evaluate(labels)
        estimates.append(E)
        joints.append(F)
        if V is not None:
            variances.append(V)
        done += len(labels)
        if done % 2000 < len(labels) and done < draws.count:
            context.progress(f"  {done} of {draws.count} assignments")
    if not done:
        raise Refused("no assignment meets the rule of acceptance", "check `acceptance` against the draw")
    E, F = np.concatenate(estimates), np.concatenate(joints)
    V = np.concatenate(variances) if variances else None
    weights = np.concatenate(draws.weights) if draws.weights else np.ones(done)
    E0, V0, F0 = evaluator.evaluate(frame.procedure.observed[None, :])
    found = []
    for k, arm in enumerate(arms):
        own, seen = (None, None) if V is None or V0 is None else (V[:, k], V0[0, k])
        centre = np.average(E[:, k], axis=0, weights=weights) if evaluator.centred else None
        found.append(Null(arm, E[:, k], own, E0[0, k], seen, weights, draws.enumerated, centre))
    return found, Null(None, F, None, F0[0], None, weights, draws.enumerated)


def step_down_p(all_nulls: Sequence[Null], sided: str) -> Floats:
    """Romano-Wolf over arms x outcomes: adjusted p (arms x q), each at least that of the larger statistics."""
    pairs = [null.sizes(sided) for null in all_nulls]
    m = min(len(far) for far, _ in pairs)
    far = np.concatenate([part[:m] for part, _ in pairs], axis=1)
    seen = np.concatenate([part for _, part in pairs])
    weights, enumerated = all_nulls[0].weights[:m], all(null.enumerated for null in all_nulls)
    order = np.argsort(-seen, kind="stable")
    adjusted, least = np.empty(len(seen)), 0.0
    for place, column in enumerate(order):
        top = far[:, order[place:]].max(axis=1, keepdims=True)
        least = max(least, float(tail_share(top, seen[[column]], weights, enumerated)[0]))
        adjusted[column] = least
    return adjusted.reshape(len(all_nulls), -1)


def family_romano_wolf(
    plan: Plan, family: Family, members: Sequence[tuple[int, Row]], table: Table
) -> tuple[Floats, str | None]:
    """Adjusted p of arm rows of several analyses, all redrawn together; or why they cannot be."""
    found: dict[tuple[int, str, str | None], tuple[Null, int]] = {}
    units: Labels | None = None
    try:
        for at in sorted({at for at, _ in members}):
            keys = plan.analyses[at].model_copy(update={"draws": family.draws, "seed": family.seed})
            context = Context(keys, plan.data, table, plan.path.parent)
            frame = frame_of(context)
            if units is not None and not np.array_equal(units, frame.procedure.observed):
                return np.zeros(0), "its analyses are not about the same people"
            units = frame.procedure.observed
            outcomes = np.column_stack(list(frame.sample.outcomes.values()))
            statistic = _family_statistic(keys)
            arms = frame.sample.arms[1:]
            own, _ = nulls(context, frame, arms, outcomes, statistic=statistic, hypothesis="complete")
            for null in own:
                for place, name in enumerate(frame.sample.outcomes):
                    found[at, str(null.arm), context.outcome_label(name)] = (null, place)
    except Refused as refusal:
        return np.zeros(0), str(refusal)
    chosen = [found[at, row.term, row.outcome] for at, row in members]
    single = [one_outcome(null, place) for null, place in chosen]
    return step_down_p(single, plan.analyses[members[0][0]].sided).ravel(), None


def _family_statistic(keys: AnalysisKeys) -> str:
    return str(keys.statistic or LINEAR_T.get(keys.method, "welch_t"))


def one_outcome(null: Null, place: int) -> Null:
    pick = slice(place, place + 1)
    variance = None if null.variance is None else null.variance[:, pick]
    seen = None if null.observed_variance is None else null.observed_variance[pick]
    centre = None if null.centre is None else null.centre[pick]
    return replace(
        null,
        estimate=null.estimate[:, pick],
        variance=variance,
        observed=null.observed[pick],
        observed_variance=seen,
        centre=centre,
    )
