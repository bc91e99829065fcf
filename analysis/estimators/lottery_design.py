"""Drawing again by the lottery itself: from its record, or from its design and the units of the data."""

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from analysis.estimators.assignments import Labels, Procedure, group_by
from analysis.estimators.columns import same_level
from analysis.estimators.drawn_units import unit_codes, unit_names
from analysis.estimators.lottery_draws import Lottery
from analysis.estimators.plan import DesignKeys
from analysis.estimators.refusals import Refused, listed
from analysis.estimators.registry import Context
from analysis.estimators.sample import Ints, Sample
from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen, freeze
from randomization.lottery.files import read_record
from randomization.lottery.record import Record
from randomization.lottery.redraw import Redraw
from randomization.lottery.sequential import Place
from trialmgr.core.errors import BadInput


def lottery_procedure(
    context: Context, sample: Sample, design: DesignKeys, unit: Ints, first: Ints, observed: Labels
) -> Procedure:
    """The procedure of a lottery; Refused when its file is not about these units and arms."""
    path = context.base / str(design.file)
    try:
        if path.suffix == ".json":
            record, columns = _recorded(path, unit_names(context, sample, design, first), sample, observed)
            redraw = Redraw.of(record)
        else:
            redraw, columns = Redraw.of(_designed(context, path, sample, unit, first)), np.arange(len(first))
    except (BadInput, ValidationError) as error:
        faults = "; ".join(str(error).splitlines())
        raise Refused(
            f"the lottery cannot be drawn again: {faults}", f"give its own file in place of {path.name!r}"
        ) from None
    lottery = Lottery(redraw, columns, _codes(redraw.design, sample))
    groups = group_by(lottery.groups(), observed)
    for group in groups if lottery.fixed else ():
        if lottery.counts(len(group.units)) != tuple(group.pool.count(int(code)) for code in lottery.codes):
            what = "the arms of the data cannot have come from this lottery: in a stratum their numbers differ"
            raise Refused(what, "check `strata`, or give the record, which has everyone who was drawn")
    return Procedure(observed, len(sample.arms), groups, lottery.rules(), source=lottery)


def _codes(design: Design, sample: Sample) -> Labels:
    """The code in the data of each arm of the lottery."""
    found = [[code for code, arm in enumerate(sample.arms) if same_level(arm, name)] for name in design.arms]
    if len(design.arms) != len(sample.arms) or not all(found):
        what = f"the lottery has the arms {listed(design.arms)}, and the data have {listed(sample.arms)}"
        raise Refused(what, "use the same names, and leave no arm out by `subset`")
    return np.array([codes[0] for codes in found], np.int8)


def _recorded(path: Path, names: list[str], sample: Sample, observed: Labels) -> tuple[Record, Ints]:
    """A drawn record, and the place of each unit of the data in it."""
    record = read_record(path)
    if record.is_sequential:
        drawn = {place.unit: place.arm for place in (Place(*row) for row in record.revealed or ())}
    else:
        drawn = {unit: arm for unit, _, arm in record.result or ()}
    if not drawn:
        raise Refused(f"the record {path.name!r} has not been drawn", "give the file that draw wrote")
    _codes(Design.from_params(record.params), sample)
    for name, code in zip(names, observed, strict=True):
        if name not in drawn:
            raise Refused(f"the record {path.name!r} has no unit {name!r}", "check `unit`, or leave it out by `subset`")
        if not same_level(sample.arms[code], drawn[name]):
            what = f"the unit {name!r} is in {sample.arms[code]!r}, and drew {drawn[name]!r} by the record"
            raise Refused(what, "use the arm as it was drawn")
    order = {unit: place for place, unit in enumerate(sorted(drawn))}
    return record, np.array([order[name] for name in names])


def _designed(context: Context, path: Path, sample: Sample, unit: Ints, first: Ints) -> Frozen:
    """A design with the units of the data as its list: their strata, and the columns that it needs."""
    design, keys = Design.read(path), context.analysis.design
    if design.mode == "sequential":
        raise Refused(f"the places of {path.name!r} were given in turn", "give the record, which knows the order")
    assert keys is not None
    strata = keys.strata if "strata" in keys.model_fields_set else context.key("strata")
    codes = np.zeros(len(first), np.intp) if strata is None else unit_codes(sample, strata, first)
    factors = [_of_units(sample, factor.column, unit, first) for factor in design.factors]
    balanced = design.balance.columns if design.balance else ()
    columns = [
        *factors,
        *(_numbers(sample, name, unit, first) for name in balanced),
    ]
    width = len(str(len(first)))
    rows = [(f"{at:0{width}}", str(code), *(column[at] for column in columns)) for at, code in enumerate(codes)]
    return freeze(rows, design)


def _of_units(sample: Sample, name: str, unit: Ints, first: Ints) -> list[str]:
    """A column of the lottery as text, one value a unit."""
    codes = sample.levels(name).codes
    if (codes < 0).any() or (codes != codes[first][unit]).any():
        what = f"the column {name!r} of the lottery is missing for a unit, or has two values in one"
        raise Refused(what, "give every row of a unit the value that was drawn with")
    return [str(code) for code in codes[first]]


def _numbers(sample: Sample, name: str, unit: Ints, first: Ints) -> list[str]:
    _of_units(sample, name, unit, first)
    return [np.format_float_positional(value, trim="-") for value in sample.values(name)[first]]
