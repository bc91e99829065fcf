"""What a design reads of the units that were drawn: their names, the codes of columns, and the draws of a file."""

import csv
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.estimators.assignments import Labels
from analysis.estimators.expressions import label
from analysis.estimators.plan import DesignKeys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context
from analysis.estimators.sample import Ints, Sample, combined_levels


def unit_names(context: Context, sample: Sample, design: DesignKeys, first: Ints) -> list[str]:
    """The units as the data name them: by `unit`, else the cluster, else the id of `data`."""
    cluster = context.key("cluster") if sample.cluster is not None else context.defaults.id
    ref = cluster if design.unit is None else design.unit
    if ref is None:
        raise Refused(
            f"the units of the file {design.file!r} cannot be found",
            "name them by `design: {unit: column}` or `data: {id: column}`",
        )
    levels = sample.levels(ref)
    if (levels.codes[first] < 0).any():
        raise Refused(f"the unit {label(ref)!r} is missing in some rows", "fill it in")
    return [levels.names[code] for code in levels.codes[first]]


def unit_codes(sample: Sample, refs: Sequence[Any], first: Ints) -> Ints:
    """The combination of columns of each unit, as codes."""
    codes = combined_levels(sample.table, refs).codes[sample.rows][first]
    if (codes < 0).any():
        raise Refused(f"{', '.join(label(ref) for ref in refs)} is missing for a unit that was drawn", "fill it in")
    return codes.astype(np.intp)


def listed_draws(context: Context, sample: Sample, design: DesignKeys, first: Ints) -> Labels:
    """The draws of a file (m x units): first column the unit, then a column a draw."""
    path = context.base / str(design.file)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Refused(f"the file of draws {design.file!r} cannot be read", "check its name beside the plan") from None
    if len(lines) < 2 or len(lines[0]) < 2 or len({len(line) for line in lines}) > 1:
        raise Refused(
            f"{design.file!r} is not a table of draws", "give the unit, then one column a draw, in every line"
        )
    by_unit = {line[0]: line[1:] for line in lines[1:]}
    names = unit_names(context, sample, design, first)
    lacking = [name for name in names if name not in by_unit]
    if lacking:
        raise Refused(f"{design.file!r} has no draw for the unit {lacking[0]!r}", "give every unit a line")
    codes = {arm: code for code, arm in enumerate(sample.arms)}
    unknown = {text for name in names for text in by_unit[name]} - set(codes)
    if unknown:
        raise Refused(
            f"{design.file!r} has the arm {min(unknown)!r}, which is not in the data", "use the levels of the data"
        )
    return np.array([[codes[text] for text in by_unit[name]] for name in names], np.int8).T.copy()
