"""Repeated measures: effects at each wave with a free covariance of the waves (MMRM, cLDA)."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from analysis.estimators.design_matrix import covariate_blocks
from analysis.estimators.effects import covariates_of, without_empty_arms
from analysis.estimators.exits import refuse_unused
from analysis.estimators.expressions import ColumnRef, label
from analysis.estimators.inference import estimate_row, joint_f
from analysis.estimators.mmrm import Mmrm, fit_mmrm
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Joint, Report, Row
from analysis.estimators.sample import Floats, Sample
from analysis.estimators.wave_covariance import STRUCTURES, structure
from analysis.estimators.wave_design import WaveDesign, wave_design


class MmrmKeys(AnalysisKeys):
    SE: ClassVar[tuple[str, ...]] = ("model", "CR0")
    DF: ClassVar[tuple[str, ...]] = ("satterthwaite", "kenward_roger", "normal")

    baseline: ColumnRef | None = None
    constrained_baseline: bool = False
    covariance: Literal["unstructured", "toeplitz", "ar1", "compound_symmetry"] = "unstructured"


@method(
    "mmrm",
    keys=MmrmKeys,
    nl="Het effect op elk meetmoment komt uit één model voor alle metingen van een persoon samen (MMRM, REML).",
    en="The effect at each wave comes from one model of all measurements of a person together (MMRM, REML).",
)
def mmrm(context: Context) -> Report:
    """Effects of the arms at each wave and on average, by REML over all waves observed."""
    keys = context.keys(MmrmKeys)
    refuse_unused(context, "weights")
    if keys.constrained_baseline and keys.baseline is not None:
        raise Refused("`baseline` and `constrained_baseline` exclude each other", "keep one of them")
    if keys.constrained_baseline and len(context.outcome_refs()) < 2:
        raise Refused("`constrained_baseline` needs a wave after the baseline", "name it in `outcomes`")
    sample = context.sample(cluster=keys.se == "CR0")
    arms = context.reported_arms(sample)
    sample, empty = without_empty_arms(sample)
    if keys.se == "CR0" and sample.cluster is None:
        raise Refused("CR0 needs a cluster and none is named", "add `cluster: column`")
    if empty:
        context.note(f"left out, because nobody has an outcome: {', '.join(empty)}")
    design = _design(context, keys, sample)
    fit = _fit(context, keys, design)
    inference = _Inference(context, keys, sample, design, fit)
    rows = inference.rows(tuple(arm for arm in arms if arm not in empty))
    details = _details(sample, fit) | inference.robust(rows)
    return Report(tuple(rows), details, joint=inference.joint(rows))


def _design(context: Context, keys: MmrmKeys, sample: Sample) -> WaveDesign:
    complete = keys.missing == "complete_case"
    baseline = [] if keys.baseline is None else [keys.baseline]
    if keys.baseline is not None and complete and sample.table.column(keys.baseline).missing[sample.rows].any():
        what = f"the baseline {label(keys.baseline)!r} is missing in some rows"
        raise Refused(
            what, "leave these out by `subset`, or use `constrained_baseline` with the baseline as first wave"
        )
    by_wave = covariate_blocks(sample, baseline, complete_case=complete)
    return wave_design(sample, by_wave, covariates_of(context, sample), constrained=keys.constrained_baseline)


def _fit(context: Context, keys: MmrmKeys, design: WaveDesign) -> Mmrm:
    """The fit with the covariance asked for, else with the next simpler one that has a maximum."""
    chain = STRUCTURES[STRUCTURES.index(keys.covariance) :]
    why = Refused("no covariance of the waves could be fitted", "use fewer waves or covariates")
    for name in chain:
        try:
            fit = fit_mmrm(design.panel, structure(name, design.panel.waves))
        except (Refused, np.linalg.LinAlgError) as error:
            context.progress(f"covariance {name}: {error}")
            continue
        context.details["structure"] = name
        if name != keys.covariance:
            context.note(f"the covariance {keys.covariance} could not be estimated; {name} was used instead")
        return fit
    raise why


def _details(sample: Sample, fit: Mmrm) -> dict[str, Any]:
    panel = fit.panel
    return {
        "persons": sample.n,
        "observations": panel.observations,
        "patterns": {
            "".join(str(int(seen)) for seen in kind): int(count)
            for kind, count in zip(panel.patterns.seen, panel.patterns.persons, strict=True)
        },
        "covariance": fit.sigma,
        "loglik": fit.loglik,
    }


@dataclass(frozen=True)
class _Inference:
    """Rows of a fit, with the standard errors and degrees of freedom that the plan asks for."""

    context: Context
    keys: MmrmKeys
    sample: Sample
    design: WaveDesign
    fit: Mmrm

    def covariance(self) -> Floats:
        if self.keys.se == "CR0":
            assert self.sample.cluster is not None
            return self.fit.sandwich(np.unique(self.sample.cluster, return_inverse=True)[1])
        return self.fit.adjusted if self.keys.df == "kenward_roger" else self.fit.covariance

    def df(self, contrast: Floats) -> float | None:
        if self.keys.df == "normal":
            return None
        if self.keys.se == "CR0":
            clusters = self.sample.clusters()
            return None if clusters is None else float(clusters - 1)
        if self.keys.df == "kenward_roger":
            return self.fit.kenward_roger(contrast[None, :])[1]
        return self.fit.satterthwaite(contrast)

    def rows(self, arms: tuple[str, ...]) -> list[Row]:
        covariance = self.covariance()
        places = [self.sample.arms.index(arm) - 1 for arm in arms]
        outcomes, waves = tuple(self.sample.outcomes), self.waves()
        rows: list[Row] = []
        for wave in waves:
            labels: dict[str, Any] = {"outcome": outcomes[wave], "wave": wave - waves.start + 1}
            contrasts = [self.design.contrast(wave, place) for place in places]
            rows += [self.row(arm, c, covariance, labels) for arm, c in zip(arms, contrasts, strict=True)]
            rows.append(self.joint_row(wave, covariance, labels))
        for arm, place in zip(arms, places, strict=True):
            mean = np.mean([self.design.contrast(wave, place) for wave in waves], axis=0)
            rows.append(self.row(arm, mean, covariance, {"wave": "average"}))
        return rows

    def row(self, arm: str, contrast: Floats, covariance: Floats, labels: dict[str, Any]) -> Row:
        error = float(np.sqrt(contrast @ covariance @ contrast))
        estimate, df = float(contrast @ self.fit.beta), self.df(contrast)
        analysis = self.context.analysis
        return estimate_row(
            arm, estimate, error, df, level=analysis.level, sided=analysis.sided, n=self.sample.n, **labels
        )

    def joint_row(self, wave: int, covariance: Floats, labels: dict[str, Any]) -> Row:
        """The test that no arm differs from the control at this wave."""
        contrasts = np.array([self.design.contrast(wave, place) for place in range(len(self.sample.arms) - 1)])
        q = contrasts.shape[0]
        if self.keys.se != "CR0" and self.keys.df in (None, "satterthwaite"):
            statistic, df2 = self.fit.satterthwaite_f(contrasts)
            return joint_f(statistic, q, df2, n=self.sample.n, **labels)
        effects = contrasts @ self.fit.beta
        statistic = float(effects @ np.linalg.solve(contrasts @ covariance @ contrasts.T, effects)) / q
        scale, other = (1.0, self.df(contrasts[0]))
        if self.keys.df == "kenward_roger" and self.keys.se != "CR0":
            scale, other = self.fit.kenward_roger(contrasts)
        return joint_f(scale * statistic, q, other, n=self.sample.n, **labels)

    def robust(self, rows: list[Row]) -> dict[str, Any]:
        """Beside the model's errors those that hold when the persons of a cluster answer alike (Liang and Zeger)."""
        ref = self.context.key("cluster")
        if ref is None or self.keys.se is not None:
            return {}
        codes = self.sample.levels(ref).codes
        single = np.where(codes < 0, int(codes.max()) + 1 + np.arange(codes.size), codes)
        names, cluster = np.unique(single, return_inverse=True)
        covariance = self.fit.sandwich(cluster)
        found = [
            {
                "term": row.term,
                "outcome": row.outcome,
                "wave": row.wave,
                "std_error": float(np.sqrt(c @ covariance @ c)),
            }
            for row in rows
            if row.term != "joint"
            for c in [self.contrast_of(row)]
        ]
        self.context.note(f"the errors are the model's; `cluster_robust` has those by {label(ref)}")
        return {"cluster_robust": found, "clusters": int(names.size)}

    def joint(self, rows: list[Row]) -> Joint:
        """The effects at the waves and on average together, for a family of analyses."""
        places = tuple(i for i, row in enumerate(rows) if row.term != "joint")
        contrasts = np.array([self.contrast_of(rows[i]) for i in places])
        known = [df for i in places if (df := rows[i].df) is not None]
        covariance = contrasts @ self.covariance() @ contrasts.T
        return Joint(places, contrasts @ self.fit.beta, covariance, min(known) if known else None)

    def contrast_of(self, row: Row) -> Floats:
        """The contrast behind a row of an arm: its effect at the wave of the row, or the mean over the waves."""
        arm = self.sample.arms.index(row.term) - 1
        outcomes = tuple(self.sample.outcomes)
        waves = self.waves() if row.outcome is None else [outcomes.index(row.outcome)]
        return np.asarray(np.mean([self.design.contrast(wave, arm) for wave in waves], axis=0))

    def waves(self) -> range:
        """The waves at which the arms have effects."""
        return range(1 if self.keys.constrained_baseline else 0, len(self.sample.outcomes))
