"""The rows that an analysis uses, and the account of those it does not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.estimators.columns import Column, Levels, same_level
from analysis.estimators.expressions import label
from analysis.estimators.refusals import WrongInput, listed
from analysis.estimators.tables import Table

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

MISSING_ORDER = (
    "outside_subset",
    "arm_missing",
    "outcome_missing",
    "covariate_missing",
    "cluster_missing",
    "block_unusable",
)


@dataclass(frozen=True)
class Sample:
    """n rows of the data set with what the analysis reads of them.

    rows: places in the file; randomised: rows of the subset with an arm, used or not (for means of covariates);
    arms: levels, the control first, then in order of text (empty without an arm); arm: codes into `arms`;
    outcomes: name to values, NaN where missing; cluster, block, strata, site: codes, None when not used.
    """

    table: Table
    rows: Ints
    randomised: Ints
    arms: tuple[str, ...]
    arm: Ints
    outcomes: Mapping[str, Floats]
    cluster: Ints | None = None
    cluster_name: str | None = None
    block: Ints | None = None
    block_names: tuple[str, ...] = ()
    strata: Ints | None = None
    strata_names: tuple[str, ...] = ()
    site: Ints | None = None
    site_names: tuple[str, ...] = ()
    weights: Floats | None = None

    @property
    def n(self) -> int:
        return len(self.rows)

    @property
    def y(self) -> Floats:
        """The outcome, where there is one."""
        return next(iter(self.outcomes.values()))

    def take(self, keep: Bools | Ints) -> "Sample":
        """The sample of some of its rows; codes stay those of the whole sample, which is not copied for all rows."""
        if keep.dtype == bool and keep.all():
            return self
        part: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[keep]
            for name in ("cluster", "block", "strata", "site", "weights")
        }
        outcomes = {name: values[keep] for name, values in self.outcomes.items()}
        return replace(self, rows=self.rows[keep], arm=self.arm[keep], outcomes=outcomes, **part)

    def observed(self, outcome: str) -> "Sample":
        """The rows that have this outcome, as the only one."""
        values = self.outcomes[outcome]
        return replace(self, outcomes={outcome: values}).take(~np.isnan(values))

    def pair(self, level: str) -> "Sample":
        """The rows of one arm and the control, arm codes 1 and 0."""
        code = self.arms.index(level)
        part = self.take((self.arm == 0) | (self.arm == code))
        return replace(part, arms=(self.arms[0], level), arm=(part.arm == code).astype(np.intp))

    def values(self, ref: Any) -> Floats:
        """A numeric column on these rows."""
        return self.table.column(ref).numbers()[self.rows]

    def levels(self, ref: Any) -> Levels:
        """A column as levels on these rows."""
        whole = self.table.column(ref).levels()
        return Levels(whole.codes[self.rows], whole.names)

    def clusters(self) -> int | None:
        return None if self.cluster is None else len(np.unique(self.cluster))


def combined_levels(table: Table, refs: Iterable[Any]) -> Levels:
    """The combinations of several columns as one: levels `a, b`, -1 where one is missing."""
    parts = [table.column(ref).levels() for ref in refs]
    if len(parts) == 1:
        return parts[0]
    stacked = np.column_stack([part.codes for part in parts])
    missing: Bools = np.asarray((stacked < 0).any(axis=1))
    kinds, codes = np.unique(stacked[~missing], axis=0, return_inverse=True)
    names = [", ".join(part.names[code] for part, code in zip(parts, kind, strict=True)) for kind in kinds]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names), dtype=np.int32)
    result = np.full(len(missing), -1, np.int32)
    result[~missing] = place[codes.ravel()] if len(names) else -1
    return Levels(result, tuple(names[index] for index in order))


def arm_levels(column: Column, inside: Bools, control: str | None) -> tuple[tuple[str, ...], Ints]:
    """Arms found inside the subset, the control first, and the code of each row (-1 missing)."""
    levels = column.levels()
    found = np.unique(levels.codes[inside & (levels.codes >= 0)])
    names = [levels.names[code] for code in found]
    if control is not None:
        match = next((name for name in names if same_level(name, control)), None)
        if match is None:
            raise WrongInput(
                f"no row has the control {control!r} in the column {column.name!r}",
                f"name one of its levels: {listed(names) or 'there are none'}",
                name=control,
            )
        names.remove(match)
        names.insert(0, match)
    place = np.full(len(levels.names) + 1, -1, np.intp)
    for code, name in enumerate(names):
        place[levels.names.index(name)] = code
    return tuple(names), place[levels.codes]


def mean_of_zero_one(values: Floats) -> bool:
    return bool(len(values)) and bool(np.isin(values, (0.0, 1.0)).all())


def arm_details(sample: Sample, randomised: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """`details.arms`: what each arm holds."""
    return {
        name: {"randomised": randomised[name], **_group_details(sample, sample.arm == code)}
        for code, name in enumerate(sample.arms)
    }


def _group_details(sample: Sample, inside: Bools) -> dict[str, Any]:
    found: dict[str, Any] = {"n": int(inside.sum())}
    if sample.cluster is not None:
        found["clusters"] = len(np.unique(sample.cluster[inside]))
    if sample.outcomes:
        seen = {name: inside & ~np.isnan(values) for name, values in sample.outcomes.items()}
        found["observed"] = {name: int(np.count_nonzero(mask)) for name, mask in seen.items()}
        if len(seen) == 1:
            binary = mean_of_zero_one(sample.y[~np.isnan(sample.y)])
            found |= _moments(sample.y[next(iter(seen.values()))], binary)
    return found


def _moments(values: Floats, binary: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mean": float(values.mean()) if len(values) else None,
        "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
    }
    return found | {"events": int(values.sum())} if binary else found


def label_outcomes(refs: Iterable[Any]) -> list[str]:
    """A name for each outcome; those that would share one get a number."""
    names: list[str] = []
    for ref in refs:
        base = label(ref)
        names.append(base if base not in names else f"{base} ({sum(n.startswith(base) for n in names) + 1})")
    return names
