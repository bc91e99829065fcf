"""Times and causes of exit, as the survival methods read them from a plan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.estimators.columns import same_level
from analysis.estimators.expressions import label
from analysis.estimators.refusals import Refused, listed, refuse_empty, refuse_not_binary
from analysis.estimators.registry import Context
from analysis.estimators.results import Joint, Row
from analysis.estimators.sample import Floats, Ints, Sample
from analysis.estimators.survival_curves import Counts, count_exits

NO_EXIT = "0"
PICTURE_STEPS = 24


@dataclass(frozen=True)
class Exits:
    """Who left when: `cause` is 0 for nobody's exit, else the place (from 1) of the cause in `names`."""

    sample: Sample
    time: Floats
    cause: Ints
    names: tuple[str, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        return self.sample.arms or ("all",)

    def of(self, arm: str) -> "Exits":
        """The persons of one arm."""
        return self.take(self.sample.arm == self.arms.index(arm))

    def take(self, keep: Any) -> "Exits":
        return replace(self, sample=self.sample.take(keep), time=self.time[keep], cause=self.cause[keep])

    def counts(self) -> Counts:
        return count_exits(self.time, self.cause, len(self.names))

    def against(self, name: str) -> Ints:
        """Causes as 0, 1 for the cause `name`, and 2 for every other."""
        place = self.names.index(name) + 1
        return np.where(self.cause == place, 1, np.where(self.cause > 0, 2, 0))


def read_exits(context: Context, *, single: bool, **parts: bool) -> Exits:
    """The sample with its times and causes; `single`: any of `events` is the event, all else ends follow-up.

    Rows without time or status count as `outcome_missing`. Refused when a time is negative or nobody has an exit.
    """
    keys = context.analysis
    if keys.time is None:
        raise Refused("the analysis names no time", "add `time: column`")
    if (keys.event is None) == (keys.status is None):
        raise Refused("the analysis needs `event` (0/1) or `status` (cause of exit), one of them", "name one column")
    source: Any = keys.event if keys.event is not None else keys.status
    sample = context.sample(outcomes=(), extra=(keys.time, source), **parts)
    time = sample.values(keys.time)
    refuse_empty(time, label(keys.time))
    if (time < 0).any():
        what = f"the time {label(keys.time)!r} is below 0 in {int((time < 0).sum())} rows"
        raise Refused(what, "count time from the draw, and leave out who left before it by `subset`")
    cause, names = _by_event(sample, source) if keys.event is not None else _by_status(context, sample, single=single)
    exits = Exits(sample, time, cause, names)
    _account(context, exits)
    if not (cause > 0).any():
        raise Refused(f"nobody has an exit in {label(source)!r} (zero events)", "check the column and the subset")
    return exits


def _by_event(sample: Sample, ref: Any) -> tuple[Ints, tuple[str, ...]]:
    values = sample.values(ref)
    refuse_not_binary(values, label(ref))
    return values.astype(np.intp), ("1",)


def _by_status(context: Context, sample: Sample, *, single: bool) -> tuple[Ints, tuple[str, ...]]:
    """Codes of the causes found, those of `events` first; under `single` these are the one event."""
    assert context.analysis.status is not None
    levels = sample.levels(context.analysis.status)
    found = [levels.names[code] for code in np.unique(levels.codes)]
    causes = [name for name in found if not same_level(name, NO_EXIT)]
    wanted = context.analysis.events
    named = list(wanted) if wanted is not None else _in_order(causes)
    absent = [name for name in named if not any(same_level(cause, name) for cause in causes)]
    if absent and len(absent) == len(named):
        what = f"nobody left by {listed(repr(name) for name in absent)} (zero events)"
        raise Refused(what, f"name one of {listed(causes) or 'the causes in the column; there are none'}")
    place = {name: 1 if single else number for number, name in enumerate(named, start=1)}
    others = [cause for cause in causes if not any(same_level(cause, name) for name in named)]
    place |= {} if single else {name: len(named) + 1 + number for number, name in enumerate(others)}
    table = np.array([_place(name, place) for name in levels.names] or [0], dtype=np.intp)
    names = (", ".join(named),) if single else (*named, *others)
    return table[levels.codes], names


def _place(level: str, place: dict[str, int]) -> int:
    return next((number for name, number in place.items() if same_level(level, name)), 0)


def _in_order(names: list[str]) -> list[str]:
    """Causes that are numbers by size, else by text."""
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names)


def reported_events(context: Context, exits: Exits) -> tuple[str, ...]:
    """The causes that get rows: those of `events`, else all."""
    wanted = context.analysis.events if context.analysis.event is None else None
    return exits.names if wanted is None else tuple(wanted)


def reported_groups(context: Context, exits: Exits) -> tuple[str, ...]:
    """Arms that get a row of their own: all with the control, or the control and `treatment`."""
    arms = exits.arms
    if not exits.sample.arms or context.analysis.treatment is None:
        return arms
    return (arms[0], *context.reported_arms(exits.sample))


def times_of(context: Context, exits: Exits) -> tuple[float, ...]:
    """The time points of `at`; without them the last time that all arms were followed."""
    at = context.analysis.at
    if at is not None:
        return at
    last = last_common(exits)
    context.note(f"`at` is not given; the last time that every arm was followed ({last:.15g}) is used")
    return (last,)


def shared_control_joint(rows: Sequence[Row], measure: str | None, control_error: float) -> Joint | None:
    """Contrasts of several arms with one control, for a family: they share the variance of the control.

    None when an arm has several rows (times, events), whose correlation is not known.
    """
    places = tuple(i for i, row in enumerate(rows) if row.measure == measure and row.std_error is not None)
    terms = {rows[i].term for i in places}
    if not places or len(terms) < len(places):
        return None
    errors = np.array([rows[i].std_error for i in places], dtype=np.float64)
    covariance = np.full((errors.size, errors.size), control_error**2)
    np.fill_diagonal(covariance, errors**2)
    return Joint(places, np.array([rows[i].estimate for i in places], dtype=np.float64), covariance, None)


def refuse_unused(context: Context, *names: str) -> None:
    """Refuse keys that the analysis writes and this method would silently leave aside."""
    written = [name for name in names if name in context.analysis.model_fields_set and getattr(context.analysis, name)]
    if written:
        raise Refused(
            f"{context.analysis.method} does not use `{written[0]}`", "remove the key, or choose a regression"
        )


def picture_times(exits: Exits) -> list[float]:
    """Times at which a picture shows the curves: equal steps from 0 to the last time that every arm was followed."""
    return [float(time) for time in np.linspace(0.0, last_common(exits), PICTURE_STEPS + 1)]


def last_common(exits: Exits) -> float:
    """The smallest over the arms of the largest time observed."""
    return float(min(exits.of(arm).time.max() for arm in exits.arms))


def _account(context: Context, exits: Exits) -> None:
    """Adds to `details.arms` the persons with a reported event, and by cause where there are several."""
    if not exits.sample.arms:
        return
    reported = [exits.names.index(name) + 1 for name in reported_events(context, exits) if name in exits.names]
    for arm in exits.arms:
        cause = exits.of(arm).cause
        details = context.details["arms"][arm]
        details["events"] = int((cause > 0).sum() if len(exits.names) == 1 else np.isin(cause, reported).sum())
        if len(exits.names) > 1:
            details["causes"] = {name: int((cause == place).sum()) for place, name in enumerate(exits.names, start=1)}


def without_arm(exits: Exits, arm: str) -> Exits:
    """The exits without the rows of one arm."""
    code = exits.arms.index(arm)
    sample = exits.sample
    kept = tuple(name for name in sample.arms if name != arm)
    part = exits.take(sample.arm != code)
    lowered = np.where(part.sample.arm > code, part.sample.arm - 1, part.sample.arm)
    return replace(part, sample=replace(part.sample, arms=kept, arm=lowered))
