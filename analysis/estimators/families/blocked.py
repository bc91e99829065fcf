"""Differences within blocks, averaged over blocks."""

from dataclasses import replace
from typing import Literal

import numpy as np

from analysis.estimators.design_matrix import Block, Design, arm_dummies, assemble, combined
from analysis.estimators.effects import Floats, arm_fits, arm_row, covariates_of, interacted, standard_error
from analysis.estimators.expressions import label
from analysis.estimators.inference import empty_row
from analysis.estimators.linear_model import unit
from analysis.estimators.plan import AnalysisKeys
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row
from analysis.estimators.sample import Bools, Sample


class BlockedKeys(AnalysisKeys):
    block_weights: Literal["size", "precision"] = "size"


@method(
    "blocked_difference_in_means",
    keys=BlockedKeys,
    nl="Binnen elk blok is het verschil met de controlegroep berekend; het effect is het gewogen gemiddelde daarvan.",
    en="The difference with the control arm is taken within each block; the effect is their weighted mean.",
)
def blocked_difference_in_means(context: Context) -> Report:
    """Differences within blocks weighted by size, or by n_b p_b (1 - p_b)."""
    return _blocked(context, adjusted=False)


@method(
    "blocked_lin",
    keys=BlockedKeys,
    nl="Het effect is het gemiddelde over blokken, met kenmerken die per groep een eigen helling hebben (Lin 2013).",
    en="The effect is the mean over blocks, with covariates that have their own slope in each arm (Lin 2013).",
)
def blocked_lin(context: Context) -> Report:
    """Lin's regression with centred block dummies and covariates, all multiplied with the arm."""
    return _blocked(context, adjusted=True)


def _blocked(context: Context, *, adjusted: bool) -> Report:
    if context.key("block") is None:
        raise Refused("the analysis names no block", "add `block: column` to it or to `data`")
    sample = context.sample(block=True)
    arms = context.reported_arms(sample)
    used, refused = np.zeros(sample.n, bool), []
    rows: list[Row] = []
    lost: set[str] = set()
    for name in sample.outcomes:
        for arm in arms:
            keep, dropped = usable_blocks(context, sample, name, arm)
            lost |= set(dropped)
            used |= keep
            try:
                rows.append(_pair_row(context, sample.take(keep), name, arm, adjusted=adjusted))
            except Refused as error:
                refused.append(error)
                rows.append(empty_row(arm, str(error), outcome=context.outcome_label(name)))
    if len(refused) == len(rows):
        raise refused[0]
    kept = sample.take(used | ~_in_pairs(sample, arms))
    context.recount(kept, "block_unusable", label(context.key("block")))
    assert sample.block is not None
    if lost:
        context.note(f"blocks with fewer than two in an arm are left out: {listed(sorted(lost))}")
    details = {"blocks": len(np.unique(sample.block[used])), "blocks_dropped": sorted(lost)}
    return Report(tuple(rows), details)


def _in_pairs(sample: Sample, arms: tuple[str, ...]) -> Bools:
    codes = [0, *(sample.arms.index(arm) for arm in arms)]
    return np.isin(sample.arm, codes)


def usable_blocks(context: Context, sample: Sample, outcome: str, arm: str) -> tuple[Bools, list[str]]:
    """Rows of the pair in blocks with at least two units in both arms, and the names of the other blocks."""
    assert sample.block is not None
    code = sample.arms.index(arm)
    seen = ~np.isnan(sample.outcomes[outcome])
    units = sample.cluster if standard_error(context, sample).startswith("CR") else None
    unit_codes = np.arange(sample.n) if units is None else units
    keep, dropped = np.zeros(sample.n, bool), []
    for block in np.unique(np.asarray(sample.block)):
        inside = seen & (sample.block == block)
        counts = [len(np.unique(unit_codes[inside & (sample.arm == a)])) for a in (0, code)]
        if min(counts) >= 2:
            keep |= inside & np.isin(sample.arm, (0, code))
        elif max(counts) > 0:
            dropped.append(sample.block_names[block])
    return keep, dropped


def _pair_row(context: Context, part: Sample, outcome: str, arm: str, *, adjusted: bool) -> Row:
    if part.n == 0:
        what = f"no block has two or more in {arm!r} and in the control"
        raise Refused(what, "use `ols` with a larger stratum as fixed effect, or `randomization_test`")
    part = replace(part, outcomes={outcome: part.outcomes[outcome]}).pair(arm)
    build = _lin_in_blocks if adjusted else _saturated
    fitted = next(arm_fits(context, part, build))
    c = _lin_contrast(context, part, fitted.design) if adjusted else _block_contrast(context, part, fitted.design)
    return arm_row(context, fitted, arm, c)


def _block_dummies(sample: Sample) -> Floats:
    codes = np.unique(np.asarray(sample.block))
    return (np.asarray(sample.block)[:, None] == codes[None, :]).astype(np.float64)


def block_shares(context: Context, sample: Sample) -> Floats:
    """Weights of the blocks, summing to 1: shares of persons, or of n_b p_b (1 - p_b)."""
    dummies = _block_dummies(sample)
    size = dummies.sum(axis=0)
    if context.keys(BlockedKeys).block_weights == "precision":
        treated = (dummies * sample.arm[:, None]).sum(axis=0)
        size = treated * (size - treated) / size
    return size / size.sum()


def _saturated(context: Context, sample: Sample) -> Design:
    dummies = _block_dummies(sample)
    names = [sample.block_names[code] for code in np.unique(np.asarray(sample.block))]
    products = Block(tuple(f"effect in {name}" for name in names), dummies * sample.arm[:, None])
    design = assemble(sample, [Block(tuple(f"block {n}" for n in names[1:]), dummies[:, 1:]), products], arms=False)
    return replace(design, saturated=True)


def _block_contrast(context: Context, sample: Sample, design: Design) -> Floats:
    shares = block_shares(context, sample)
    c = np.zeros(design.X.shape[1])
    c[-len(shares) :] = shares
    return c


def _lin_in_blocks(context: Context, sample: Sample) -> Design:
    dummies = _block_dummies(sample)[:, 1:]
    names = tuple(f"block {sample.block_names[code]}" for code in np.unique(np.asarray(sample.block))[1:])
    blocks = [Block(names, dummies)] if names else []
    return replace(interacted(sample, combined(blocks + covariates_of(context, sample))), saturated=True)


def _lin_contrast(context: Context, sample: Sample, design: Design) -> Floats:
    """The coefficient of the arm, moved from shares of persons to the weights asked for."""
    shares = block_shares(context, sample)
    plain = np.average(_block_dummies(sample), axis=0, weights=sample.weights)
    prefix = f"{arm_dummies(sample).names[0]} x block "
    c = unit(design.X.shape[1], design.arm_columns[0])
    for place, name in enumerate(name for name in design.names if name.startswith(prefix)):
        c[design.place(name)] = shares[place + 1] - plain[place + 1]
    return c
