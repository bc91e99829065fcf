"""The design of a repeated-measures model: which column has which coefficient at which wave."""

from dataclasses import dataclass

import numpy as np

from analysis.estimators.design_matrix import Block, arm_dummies, check_rank
from analysis.estimators.mmrm import Panel
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.sample import Floats, Ints, Sample

FLAT = 1e-10


@dataclass(frozen=True)
class WaveDesign:
    """A panel with the names of its coefficients, and for each wave the coefficients of the arms (-1 for none)."""

    panel: Panel
    names: tuple[str, ...]
    arms: Ints  # waves x arms after the control

    def contrast(self, wave: int, arm: int) -> Floats:
        """The contrast that picks the effect of an arm (from 0, the control left out) at a wave."""
        picked = np.zeros(len(self.names))
        picked[self.arms[wave, arm]] = 1.0
        return picked


def wave_design(sample: Sample, by_wave: list[Block], common: list[Block], *, constrained: bool) -> WaveDesign:
    """Means, arms and the blocks `by_wave` have a coefficient at each wave, the blocks `common` one for all waves.

    With `constrained` the arms have no coefficient at the first wave. Refused, by name, when an arm was never seen at
    a wave or the columns are collinear.
    """
    outcomes = tuple(sample.outcomes)
    Y = np.column_stack([sample.outcomes[name] for name in outcomes])
    _refuse_unseen(sample, Y, outcomes, constrained)
    arms = arm_dummies(sample)
    moving = [Block(("mean",), np.ones((sample.n, 1))), arms, *by_wave]
    _refuse_constant([*by_wave, *common])
    centred = [block.X - block.X.mean(axis=0) for block in (*by_wave, *common)]  # each wave has its own mean
    Z = np.hstack([moving[0].X, arms.X, *centred])
    labels = [name for block in moving for name in block.names]
    fixed = [name for block in common for name in block.names]
    place, names = _places(labels, fixed, outcomes, len(arms.names) if constrained else 0)
    design = WaveDesign(Panel(Z, Y, place), tuple(names), place[:, 1 : 1 + len(arms.names)])
    _refuse_collinear(design)
    return design


def _places(labels: list[str], fixed: list[str], outcomes: tuple[str, ...], without: int) -> tuple[Ints, list[str]]:
    """Coefficients by wave and column; the first wave leaves out the `without` columns after the mean."""
    place = np.full((len(outcomes), len(labels) + len(fixed)), -1)
    names: list[str] = []
    for wave, outcome in enumerate(outcomes):
        for column, name in enumerate(labels):
            if wave > 0 or not 1 <= column <= without:
                place[wave, column] = len(names)
                names.append(f"{name} at {outcome}")
    place[:, len(labels) :] = len(names) + np.arange(len(fixed))
    return place, names + fixed


def _refuse_unseen(sample: Sample, Y: Floats, outcomes: tuple[str, ...], constrained: bool) -> None:
    for wave, outcome in enumerate(outcomes):
        seen = ~np.isnan(Y[:, wave])
        if not seen.any():
            raise Refused(f"the outcome {outcome!r} has no value on the rows used", "leave this wave out")
        counts = np.bincount(sample.arm[seen], minlength=len(sample.arms))
        empty = [name for name, count in zip(sample.arms, counts, strict=True) if count == 0]
        if empty and not (constrained and wave == 0):
            what = f"nobody of the arm {listed(map(repr, empty))} has the outcome {outcome!r}"
            raise Refused(what, "leave this wave or this arm out")
        values = Y[seen, wave]
        if np.ptp(values) == 0:
            what = f"the outcome {outcome!r} has the same value ({values[0]:.15g}) in all {values.size} rows used"
            raise Refused(what, "leave this wave out")


def _refuse_constant(blocks: list[Block]) -> None:
    for block in blocks:
        for name, values in zip(block.names, block.X.T, strict=True):
            if np.ptp(values) == 0:
                raise Refused(f"the column {name!r} has one value in all rows used", "leave it out")


def _refuse_collinear(design: WaveDesign) -> None:
    """The rank is read from the cross-products; the whole design is written out only to name what is wrong."""
    panel = design.panel
    gram = panel.gram(np.eye(panel.waves) * panel.patterns.seen[:, None, :])
    scale = np.sqrt(np.diag(gram))
    if (scale > 0).all() and np.linalg.eigvalsh(gram / np.outer(scale, scale))[0] > FLAT:
        return
    rows = []
    for wave in range(panel.waves):
        seen = ~np.isnan(panel.Y[:, wave])
        wide = np.zeros((int(seen.sum()), panel.coefficients))
        used = panel.place[wave] >= 0
        wide[:, panel.place[wave, used]] = panel.Z[seen][:, used]
        rows.append(wide)
    check_rank(np.vstack(rows), design.names)
