"""Effects of arms from linear models: what the families of means and adjusted effects share."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.cluster_variance import check_clusters
from analysis.estimators.design_matrix import (
    Block,
    Design,
    arm_dummies,
    assemble,
    combined,
    covariate_blocks,
    fixed_effect_blocks,
)
from analysis.estimators.expressions import label
from analysis.estimators.inference import empty_row, estimate_row
from analysis.estimators.linear_model import LinearFit, LinearModel, unit
from analysis.estimators.refusals import Refused, refuse_constant
from analysis.estimators.registry import Context
from analysis.estimators.results import Joint, Row
from analysis.estimators.sample import Sample
from analysis.estimators.tables import listed_columns

Floats = NDArray[np.float64]
Build = Callable[[Context, Sample], Design]


@dataclass(frozen=True)
class ArmFit:
    """One outcome fitted: the rows used, the design and the fit; `without` says why an arm has no standard error."""

    outcome: str
    sample: Sample
    design: Design
    fit: LinearFit
    without: dict[str, str]
    empty: tuple[str, ...]

    def arm_contrast(self, arm: str) -> Floats:
        """The contrast (k) that picks the coefficient of an arm."""
        return unit(self.fit.model.k, self.design.arm_columns[self.sample.arms.index(arm) - 1])

    def df(self, c: Floats) -> float | None:
        """Degrees of freedom of the contrast c; None for the normal distribution."""
        return welch(self) if self.fit.model.df == "welch" else self.fit.model.contrast_df(c)


def standard_error(context: Context, sample: Sample) -> str:
    """The type asked for, else CR2 with a cluster and HC2 without."""
    return context.analysis.se or ("HC2" if sample.cluster is None else "CR2")


def covariates_of(context: Context, sample: Sample, *, fixed_effects: bool = True) -> list[Block]:
    """Covariates, terms, indicators of missing covariates and fixed effects, as blocks of columns."""
    analysis = context.analysis
    blocks = covariate_blocks(sample, context.covariate_refs(), complete_case=analysis.missing == "complete_case")
    return blocks + (fixed_effect_blocks(sample, analysis.fixed_effects) if fixed_effects else [])


def ols_design(context: Context, sample: Sample) -> Design:
    return assemble(sample, covariates_of(context, sample))


def arms_only(context: Context, sample: Sample) -> Design:
    return assemble(sample, [])


def lin_design(context: Context, sample: Sample) -> Design:
    """Covariates and fixed effects, centred at the mean of the rows analysed, and their products with each arm."""
    return interacted(sample, combined(covariates_of(context, sample)))


def interacted(sample: Sample, block: Block) -> Design:
    """Lin's design; an indicator of missing values gets slopes only if it varies in every arm."""
    if not block.names:
        return assemble(sample, [])
    centred = block.X - np.average(block.X, axis=0, weights=sample.weights)
    arms = arm_dummies(sample)
    steady = [np.ptp(block.X[sample.arm == code], axis=0) == 0 for code in range(len(sample.arms))]
    single = np.any(steady, axis=0)
    slopes = [i for i, name in enumerate(block.names) if not (single[i] and name.endswith(" missing"))]
    blocks = [Block(block.names, centred)]
    for name, column in zip(arms.names, arms.X.T, strict=True):
        names = tuple(f"{name} x {block.names[i]}" for i in slopes)
        blocks.append(Block(names, centred[:, slopes] * column[:, None]))
    return assemble(sample, blocks)


def without_empty_arms(sample: Sample, *, all_needed: bool = False) -> tuple[Sample, tuple[str, ...]]:
    """The sample with only arms that have rows; the names of the others. Refused when the control is empty."""
    counts = np.bincount(sample.arm, minlength=len(sample.arms))
    if not sample.arms or counts.all():
        return sample, ()
    empty = tuple(name for name, count in zip(sample.arms, counts, strict=True) if not count)
    outcome = next(iter(sample.outcomes), "outcome")
    if all_needed or counts[0] == 0 or len(empty) == len(sample.arms) - 1:
        raise Refused(
            f"the arm {empty[0]!r} has no row with the outcome {outcome!r} observed",
            "compare arms that have observations",
        )
    place = np.cumsum(counts > 0) - 1
    kept = tuple(name for name, count in zip(sample.arms, counts, strict=True) if count)
    return replace(sample, arms=kept, arm=place[sample.arm]), empty


def linear_model(context: Context, sample: Sample, design: Design) -> LinearModel:
    """A model with the standard error, degrees of freedom, weights and clusters that the analysis asks for."""
    se, df = standard_error(context, sample), context.analysis.df
    if se == "neyman":
        if not design.saturated and (len(sample.arms) != 2 or design.X.shape[1] != 2):
            raise Refused("the neyman standard error is for the raw difference of two arms", "use `se: HC2`, its equal")
        se, df = "HC2", df or ("n-k" if design.saturated else "welch")
    context.details["se"] = context.analysis.se or se
    return LinearModel(design.X, design.names, se, df, sample.weights, sample.cluster)


def arm_fits(
    context: Context,
    sample: Sample,
    build: Build,
    *,
    constant: Callable[[Floats, str], None] = refuse_constant,
    exact: bool = False,
) -> Iterator[ArmFit]:
    """The fit of each outcome; outcomes observed on the same rows share one model.

    constant: how an outcome without variation is refused; exact: a fit without residuals is allowed.
    """
    if len(sample.arms) == 1:
        raise Refused(f"the only arm found is {sample.arms[0]!r}", "check `arm`, `control` and the subset")
    models: dict[bytes, tuple[Sample, Design, LinearModel, tuple[str, ...]]] = {}
    for name, values in sample.outcomes.items():
        seen = ~np.isnan(values)
        key = np.packbits(seen).tobytes()
        if key not in models:
            part, empty = without_empty_arms(sample.observed(name))
            design = build(context, part)
            models = {key: (part, design, linear_model(context, part, design), empty)}
        part, design, model, empty = models[key]
        y = values if seen.all() else values[seen]
        constant(y, name)
        part = replace(part, outcomes={name: y})
        fit = model.fit(y) if exact else _fitted(model, y, name)
        yield ArmFit(name, part, design, fit, _alone(part, model), empty)


def _fitted(model: LinearModel, y: Floats, name: str) -> LinearFit:
    fit = model.fit(y)
    if np.abs(fit.residuals).max() <= 1e-11 * np.abs(y - y.mean()).max():
        raise Refused(
            f"the model predicts the outcome {name!r} exactly, so nothing varies around it",
            "leave out the covariate that is the outcome in other words",
        )
    return fit


def _alone(sample: Sample, model: LinearModel) -> dict[str, str]:
    if not sample.arms or not model.se.startswith("CR") or sample.cluster is None:
        return {}
    reasons = check_clusters(sample.cluster, sample.arm, sample.arms, sample.cluster_name)
    return {sample.arms[code]: why for code, why in reasons.items()}


def arm_row(context: Context, fitted: ArmFit, arm: str, contrast: Floats | None = None, **labels: Any) -> Row:
    """The row of an arm, by its coefficient or by another contrast."""
    labels = {"outcome": context.outcome_label(fitted.outcome), "n": fitted.sample.n} | labels
    if arm in fitted.empty:
        return empty_row(arm, "no row of this arm has the outcome observed", **labels | {"n": 0})
    c = fitted.arm_contrast(arm) if contrast is None else contrast
    if arm in fitted.without:
        return empty_row(arm, fitted.without[arm], estimate=float(c @ fitted.fit.beta), **labels)
    return contrast_row(context, fitted, arm, c, **labels)


def contrast_row(context: Context, fitted: ArmFit, term: str, c: Floats, **labels: Any) -> Row:
    estimate, error = fitted.fit.contrast(c)
    analysis = context.analysis
    return estimate_row(term, estimate, error, fitted.df(c), level=analysis.level, sided=analysis.sided, **labels)


def welch(fitted: ArmFit) -> float:
    """Welch's degrees of freedom of the raw difference of two means."""
    sample = fitted.sample
    if len(sample.arms) != 2 or fitted.fit.model.k != 2:
        raise Refused("the degrees of freedom `welch` are for the raw difference of two arms", "use `df: n-k`")
    if sample.weights is not None:
        raise Refused("the degrees of freedom `welch` do not fit weighted rows", "use `df: n-k`")
    groups = [sample.y[sample.arm == code] for code in (1, 0)]
    parts = [group.var(ddof=1) / len(group) for group in groups]
    squares = sum(part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True))
    return float(sum(parts) ** 2 / squares)


def pair_fits(context: Context, sample: Sample, build: Build) -> Iterator[tuple[str, ArmFit | Row]]:
    """For each reported arm and outcome the fit on the rows of this arm and the control, or a row that says why not."""
    arms = context.reported_arms(sample)
    for name, part in context.outcomes(sample):
        refused: list[tuple[str, Refused]] = []
        for arm in arms:
            try:
                yield arm, next(arm_fits(context, part.pair(arm), build))
            except Refused as error:
                if len(arms) == 1:
                    raise
                refused.append((arm, error))
                yield arm, empty_row(arm, str(error), outcome=context.outcome_label(name))
        if len(refused) == len(arms):
            raise refused[0][1]


def term_places(context: Context, design: Design) -> list[tuple[str, int]]:
    """Columns of the design that belong to `terms`, with their names (`sex=m` for a level)."""
    wanted = [label(item) for ref in context.analysis.terms for item in listed_columns(ref, context.data)]
    return [
        (name, place)
        for term in wanted
        for place, name in enumerate(design.names)
        if name == term or name.startswith(f"{term}=")
    ]


def term_rows(context: Context, fitted: ArmFit) -> list[Row]:
    """Rows for the coefficients of `terms`."""
    labels: dict[str, Any] = {"outcome": context.outcome_label(fitted.outcome), "n": fitted.sample.n}
    k = fitted.fit.model.k
    return [
        contrast_row(context, fitted, name, unit(k, place), **labels)
        for name, place in term_places(context, fitted.design)
    ]


def joint_of(context: Context, rows: Sequence[Row], fitted: ArmFit) -> Joint | None:
    """What a family needs: the arms of one fit with their covariance and scores on the rows of the file."""
    if not context.in_family:
        return None
    places = tuple(i for i, row in enumerate(rows) if row.term in fitted.sample.arms[1:] and row.std_error is not None)
    if not places:
        return None
    C = np.array([fitted.arm_contrast(rows[place].term) for place in places])
    fit = fitted.fit
    known = [df for c in C if (df := fitted.df(c)) is not None]
    return Joint(places, C @ fit.beta, C @ fit.covariance @ C.T, min(known) if known else None, _scores(fitted, C))


def merged(joints: Sequence[tuple[int, Joint | None]]) -> Joint | None:
    """Several joints as one, by their scores; each comes with the number its row places are moved by."""
    parts = [(start, joint) for start, joint in joints if joint is not None]
    if len(parts) == 1 and parts[0][0] == 0:
        return parts[0][1]
    if not parts or any(joint.scores is None for _, joint in parts):
        return None
    scores = np.vstack([joint.scores for _, joint in parts if joint.scores is not None])
    dfs = [joint.df for _, joint in parts if joint.df is not None]
    places = tuple(start + place for start, joint in parts for place in joint.rows)
    estimates = np.concatenate([joint.estimates for _, joint in parts])
    return Joint(places, estimates, scores @ scores.T, min(dfs) if dfs else None, scores)


def _scores(fitted: ArmFit, C: Floats) -> Floats | None:
    """Scores of the contrasts (K x rows of the file), those of a cluster on its first row."""
    model, sample = fitted.fit.model, fitted.sample
    if model.se == "classical" or len(sample.table) * len(C) > 5_000_000:
        return None
    scores = np.zeros((len(C), len(sample.table)))
    rows = sample.rows if not model.se.startswith("CR") else sample.rows[model.clusters.order[model.clusters.starts]]
    scores[:, rows] = C @ fitted.fit.scores.T
    return scores
