"""Balance of covariates over the arms: a table without p-values, and one test of the lottery."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from analysis.estimators.assignments import plan_draws
from analysis.estimators.balance_tests import Drawn, distance, pillai
from analysis.estimators.design_matrix import check_rank, combined, covariate_blocks
from analysis.estimators.drawn_frame import Frame, frame_of
from analysis.estimators.expressions import label
from analysis.estimators.inference import joint_chi2, joint_f
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.redraws import tail_share
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Floats, Sample, mean_of_zero_one

NOTABLE, LARGE = 0.10, 0.25
ALARM = 0.001


class OmnibusKeys(AnalysisKeys):
    test: Literal["chi_square", "F", "randomization"] = "chi_square"


@method(
    "balance_table",
    nl="Per kenmerk staat hoe de groepen er aan het begin uitzagen, met het verschil in standaarddeviaties.",
    en="For each covariate it is shown how the arms looked at the start, with the difference in standard deviations.",
)
def balance_table(context: Context) -> Report:
    """Mean and standard deviation of each covariate in each arm, and standardised mean differences."""
    sample = _randomised(context)
    arms = context.reported_arms(sample)
    rows: list[Row] = []
    for name, values in _columns(context, sample):
        seen = ~np.isnan(values)
        groups = {arm: values[seen & (sample.arm == code)] for code, arm in enumerate(sample.arms)}
        shown = [arm for arm in sample.arms if arm == sample.arms[0] or arm in arms]
        for arm in shown:
            rows += _moments(arm, name, groups[arm])
        binary = mean_of_zero_one(values[seen])
        rows += [_smd(arm, name, groups[sample.arms[0]], groups[arm], binary) for arm in arms]
    return Report(tuple(rows))


def _randomised(context: Context) -> Sample:
    if not context.covariate_refs():
        raise Refused("the analysis names no covariates", "add `covariates: [..]`")
    return context.sample(outcomes=(), covariates=False, strata=False)


def _columns(context: Context, sample: Sample) -> list[tuple[str, Floats]]:
    """Numbers as they are; a column 0/1 for each level of a text."""
    found: list[tuple[str, Floats]] = []
    for ref in context.covariate_refs():
        if sample.table.column(ref).is_number:
            found.append((label(ref), sample.values(ref)))
            continue
        levels = sample.levels(ref)
        for code in np.unique(levels.codes[levels.codes >= 0]):
            values = np.where(levels.codes < 0, np.nan, (levels.codes == code).astype(np.float64))
            found.append((f"{label(ref)}={levels.names[code]}", values))
    return found


def _moments(arm: str, name: str, values: Floats) -> list[Row]:
    n = len(values)
    note = None if n > 1 else "one value observed, so no spread" if n else "no value observed"
    mean = float(values.mean()) if n else None
    sd = float(values.std(ddof=1)) if n > 1 else None
    return [
        Row(arm, "mean", outcome=name, n=n, estimate=mean, note=None if n else note),
        Row(arm, "sd", outcome=name, n=n, estimate=sd, note=note),
    ]


def _smd(arm: str, name: str, control: Floats, treated: Floats, binary: bool) -> Row:
    """(m_a - m_0) / sqrt((s_a^2 + s_0^2) / 2), with p(1 - p) for a 0/1 column."""
    n = len(control) + len(treated)
    if min(len(control), len(treated)) < 2:
        return Row(arm, "smd", outcome=name, n=n, note="fewer than two values in one of the arms")
    parts = [float(v.mean() * (1 - v.mean())) if binary else float(v.var(ddof=1)) for v in (control, treated)]
    spread = math.sqrt(sum(parts) / 2)
    difference = float(treated.mean() - control.mean())
    if spread == 0:
        note = "neither arm varies"
        return Row(arm, "smd", outcome=name, n=n, estimate=0.0 if difference == 0 else None, note=note)
    smd = difference / spread
    over = next((limit for limit in (LARGE, NOTABLE) if abs(smd) > limit), None)
    return Row(arm, "smd", outcome=name, n=n, estimate=smd, note=None if over is None else f"larger than {over:.2f}")


@method(
    "balance_omnibus",
    keys=OmnibusKeys,
    nl="Eén toets bekijkt alle kenmerken samen: is de loting verlopen zoals een eerlijke loting?",
    en="One test looks at all covariates together: did the draw go as a fair draw would?",
)
def balance_omnibus(context: Context) -> Report:
    """Hansen and Bowers' d2 by chi-squared or by drawing again, or the F of Pillai's trace."""
    keys = context.keys(OmnibusKeys)
    _randomised(context)
    sample = context.sample(outcomes=(), strata=True)
    context.reported_arms(sample)
    if keys.treatment is not None:
        sample = sample.pair(keys.treatment)
    X = _matrix(context, sample)
    if keys.test == "F":
        context.rows_independent()
        F, df, df2 = pillai(_persons(sample, X))
        row = joint_f(F, df, df2, n=sample.n)
    else:
        frame = frame_of(context, sample)
        drawn = _units(sample, X, frame)
        d2, dof, inverse = distance(drawn)
        row = joint_chi2(d2, dof, n=sample.n)
        if keys.test == "randomization":
            row = replace(row, p_value=_redrawn(context, frame, drawn, inverse))
    if row.p_value is not None and row.p_value < ALARM:
        context.note(f"p is below {ALARM}: have the draw audited; do not draw again")
    return Report((row,))


def _matrix(context: Context, sample: Sample) -> Floats:
    """Covariates as columns: dummies for text, an indicator where a value is missing."""
    blocks = covariate_blocks(
        sample, context.covariate_refs(), complete_case=context.analysis.missing == "complete_case"
    )
    block = combined(blocks)
    check_rank(np.column_stack([np.ones(sample.n), block.X]), ("intercept", *block.names))
    return block.X


def _persons(sample: Sample, X: Floats) -> Drawn:
    stratum = np.zeros(sample.n, np.intp) if sample.strata is None else sample.strata
    return Drawn(X, sample.arm, stratum, len(sample.arms))


def _units(sample: Sample, X: Floats, frame: Frame) -> Drawn:
    """What was drawn: persons, or clusters with the sums of their persons' deviations from the mean."""
    persons = _persons(sample, X)
    if frame.units == sample.n:
        return persons
    sums = np.zeros((frame.units, X.shape[1]))
    np.add.at(sums, frame.unit, X - X.mean(axis=0))
    stratum = np.zeros(frame.units, np.intp)
    stratum[frame.unit] = persons.stratum
    if (stratum[frame.unit] != persons.stratum).any():
        raise Refused("a cluster that was drawn has persons in two strata", "use strata of the clusters")
    return Drawn(sums, frame.procedure.observed.astype(np.intp), stratum, len(sample.arms))


def _redrawn(context: Context, frame: Frame, drawn: Drawn, inverse: Floats) -> float:
    """The share of draws by the recorded procedure with at least as large a distance."""
    keys = context.analysis
    draws = plan_draws(frame.procedure, draws=keys.draws, seed=keys.seed, enumerate_all=keys.enumerate)

    def distances(labels: Any) -> Floats:
        t = drawn.totals(labels)
        return np.einsum("mi,ij,mj->m", t, inverse, t)

    far = np.concatenate([distances(labels) for labels in draws.chunks()])
    weights = np.concatenate(draws.weights) if draws.weights else np.ones(len(far))
    seen = distances(frame.procedure.observed[None, :])
    context.details["draws"] = len(far)
    return float(tail_share(far[:, None], seen, weights, draws.enumerated)[0])
