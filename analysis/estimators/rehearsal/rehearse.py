"""Run a plan on many simulated trials over all cores, and sum up how well each of its analyses does."""

import math
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from analysis.estimators.inference import t_quantile
from analysis.estimators.plan import Plan
from analysis.estimators.rehearsal.description import Description
from analysis.estimators.rehearsal.simulate import simulate
from analysis.estimators.rehearsal.truth import truth_of
from analysis.estimators.results import Row
from analysis.estimators.run import run_plan
from analysis.estimators.tables import Table, table_of

CHUNK = 20
WANTED_POWER = 0.8
Label = tuple[str, str, str | None, float | None, str | None, int | str | None, str | None, str | None, str | None]
Numbers = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Performance:
    """How one row of the plan did over the draws; errors are those of the simulation itself.

    power: share of draws with p below alpha; power_adjusted: with the p-value of its family; coverage: share of
    intervals that hold the truth; detectable: the effect found with 80 % power at the mean standard error.
    """

    analysis: str
    term: str
    measure: str | None
    at: float | None
    event: str | None
    wave: int | str | None
    outcome: str | None
    site: str | None
    subgroup: str | None
    draws: int
    truth: float | None
    mean: float
    bias: float | None
    bias_error: float | None
    sd: float | None
    mean_std_error: float | None
    coverage: float | None
    coverage_error: float | None
    power: float | None
    power_error: float | None
    power_adjusted: float | None
    detectable: float | None


@dataclass(frozen=True)
class Rehearsal:
    """All rows of a plan over `draws` trials; draw i comes from the generator of [seed, i]."""

    seed: int
    draws: int
    rows: tuple[Performance, ...]
    refused: dict[str, dict[str, int]]


@dataclass
class _Seen:
    """What the draws gave: numbers by row (estimate, error, p, adjusted p, limits), reasons of refusals."""

    numbers: dict[Label, list[Numbers]] = field(default_factory=dict)
    refused: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, other: "_Seen") -> None:
        for label, numbers in other.numbers.items():
            self.numbers.setdefault(label, []).extend(numbers)
        for name, reasons in other.refused.items():
            self.refused.setdefault(name, Counter()).update(reasons)


def draw_of(world: Description, seed: int, number: int) -> Table:
    """The data of one draw; the same for the same seed and number, on any machine and any number of cores."""
    return table_of(simulate(world, np.random.default_rng([seed, number])))


def rehearse(
    world: Description,
    plan: Plan,
    *,
    draws: int = 1000,
    seed: int = 1,
    cores: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Rehearsal:
    """Run the plan on `draws` trials; all cores unless told otherwise."""
    parts = [range(start, min(start + CHUNK, draws)) for start in range(0, draws, CHUNK)]
    seen, done = _Seen(), 0
    for part in _over_cores(world, plan, seed, parts, cores or len(os.sched_getaffinity(0))):
        seen.add(part)
        done = min(draws, done + CHUNK)
        progress(f"{done} of {draws} trials")
    levels = {keys.id: keys.level for keys in plan.analyses}
    rows = tuple(
        _performance(world, plan, label, np.array(numbers), levels[label[0]]) for label, numbers in seen.numbers.items()
    )
    return Rehearsal(seed, draws, rows, {name: dict(reasons) for name, reasons in seen.refused.items()})


def _over_cores(world: Description, plan: Plan, seed: int, parts: list[range], cores: int) -> Iterator[_Seen]:
    """The parts in order, so that the sums do not depend on which core was first."""
    if cores < 2 or len(parts) < 2:
        yield from (_run_part(world, plan, seed, part) for part in parts)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, len(parts)), mp_context=spawn) as pool:
        waiting = [pool.submit(_run_part, world, plan, seed, part) for part in parts]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _run_part(world: Description, plan: Plan, seed: int, numbers: range) -> _Seen:
    seen = _Seen()
    for number in numbers:
        for result in run_plan(plan, draw_of(world, seed, number)).analyses:
            if result.refused is not None:
                seen.refused.setdefault(result.id, Counter())[result.refused] += 1
            for row in result.rows:
                if row.estimate is not None:
                    seen.numbers.setdefault(_label(result.id, row), []).append(_numbers(row))
    return seen


def _label(analysis: str, row: Row) -> Label:
    return analysis, row.term, row.measure, row.at, row.event, row.wave, row.outcome, row.site, row.subgroup


def _numbers(row: Row) -> Numbers:
    low, high = row.conf_low, row.conf_high
    open_low, open_high = (low is None and high is not None), (high is None and low is not None)
    return (
        float(row.estimate if row.estimate is not None else math.nan),
        math.nan if row.std_error is None else row.std_error,
        math.nan if row.p_value is None else row.p_value,
        math.nan if row.p_adjusted is None else row.p_adjusted,
        -math.inf if open_low else math.nan if low is None else low,
        math.inf if open_high else math.nan if high is None else high,
    )


def _performance(world: Description, plan: Plan, label: Label, numbers: np.ndarray, level: float) -> Performance:
    keys = next(keys for keys in plan.analyses if keys.id == label[0])
    analysis, term, measure, at, event, wave, outcome, site, subgroup = label
    row = Row(term, measure, at, event, wave, site, subgroup, outcome)
    truth = truth_of(world, keys, row)
    estimate, error, p, adjusted, low, high = numbers.T
    n = len(estimate)
    sd = float(estimate.std(ddof=1)) if n > 1 else None
    mean_error = _mean(error)
    covered = None if truth is None else _mean(np.where(np.isnan(low), math.nan, (low <= truth) & (truth <= high)))
    power = _mean(np.where(np.isnan(p), math.nan, p < 1 - level))
    reach = t_quantile(0.5 + level / 2, None) + t_quantile(WANTED_POWER, None)
    return Performance(
        analysis, term, measure, at, event, wave, outcome, site, subgroup,
        draws=n,
        truth=truth,
        mean=float(estimate.mean()),
        bias=None if truth is None else float(estimate.mean()) - truth,
        bias_error=None if truth is None or sd is None else sd / math.sqrt(n),
        sd=sd,
        mean_std_error=mean_error,
        coverage=covered,
        coverage_error=_share_error(covered, n),
        power=power,
        power_error=_share_error(power, n),
        power_adjusted=_mean(np.where(np.isnan(adjusted), math.nan, adjusted < 1 - level)),
        detectable=None if mean_error is None else reach * mean_error,
    )  # fmt: skip


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _share_error(share: float | None, n: int) -> float | None:
    return None if share is None else math.sqrt(share * (1 - share) / n)
