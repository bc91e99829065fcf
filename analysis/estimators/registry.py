"""Methods by name, and the context in which each of them runs."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from analysis.estimators.columns import same_level
from analysis.estimators.expressions import label
from analysis.estimators.plan import AnalysisKeys, DataKeys
from analysis.estimators.refusals import Refused, WrongInput, listed
from analysis.estimators.results import Dropped, Report
from analysis.estimators.sample import (
    MISSING_ORDER,
    Bools,
    Ints,
    Sample,
    arm_details,
    arm_levels,
    combined_levels,
    label_outcomes,
)
from analysis.estimators.tables import Table, holds, listed_columns

Progress = Callable[[str], None]
K = TypeVar("K", bound=AnalysisKeys)


@dataclass(frozen=True)
class Method:
    """A method: the keys it takes, whether it reads rows of data, and its line of text in two languages."""

    name: str
    run: Callable[["Context"], Report]
    keys: type[AnalysisKeys]
    reads_rows: Callable[[AnalysisKeys], bool]
    nl: str
    en: str


_methods: dict[str, Method] = {}


def method(
    name: str,
    *,
    keys: type[AnalysisKeys] = AnalysisKeys,
    reads_rows: bool | Callable[[Any], bool] = True,
    nl: str,
    en: str,
) -> Callable[[Callable[["Context"], Report]], Callable[["Context"], Report]]:
    """Register a function as the method `name`; `nl` and `en` are one plain sentence on what it does."""

    def register(run: Callable[["Context"], Report]) -> Callable[["Context"], Report]:
        reads = reads_rows if callable(reads_rows) else lambda _: bool(reads_rows)
        _methods[name] = Method(name, run, keys, reads, nl, en)
        return run

    return register


@cache
def methods() -> dict[str, Method]:
    """All methods; imports every module of `families` at the first call."""
    from analysis.estimators import families

    for module in pkgutil.iter_modules(families.__path__):
        importlib.import_module(f"{families.__name__}.{module.name}")
    return _methods


@dataclass
class Context:
    """What a method is given: its keys, the data, and the rows it may use.

    `sample` makes the rows and keeps the account (`n_used`, `dropped`, `details`) that goes into the result;
    `note` adds a message; `progress` reports on long work; `base` is the folder of the plan; `in_family` says whether
    the report must carry a `Joint`.
    """

    analysis: AnalysisKeys
    defaults: DataKeys = field(default_factory=DataKeys)
    table: Table | None = None
    base: Path = Path()
    progress: Progress = lambda _: None
    messages: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    n_used: int | None = None
    in_family: bool = False

    def keys(self, kind: type[K]) -> K:
        """The keys of this analysis, as the family's own class."""
        assert isinstance(self.analysis, kind)
        return self.analysis

    def key(self, name: str) -> Any:
        """The value of a key: of the analysis if it is written there (also `null`), else of `data`."""
        if name in self.analysis.model_fields_set or not hasattr(self.defaults, name):
            return getattr(self.analysis, name)
        return getattr(self.defaults, name)

    def note(self, message: str) -> None:
        if message not in self.messages:
            self.messages.append(message)

    def rows_independent(self) -> None:
        """Say so when a cluster is named and the method cannot use it."""
        if self.key("cluster") is not None:
            self.note(f"this method takes rows as independent: the cluster {label(self.key('cluster'))!r} is not used")

    def raw_only(self) -> None:
        """Say so when covariates are named and the method cannot use them."""
        if self.analysis.covariates or self.analysis.fixed_effects:
            self.note("this method compares raw outcomes: covariates and fixed effects are not used")

    @property
    def data(self) -> Table:
        if self.table is None:
            raise Refused("this analysis reads rows and there is no data file", "give one after the plan")
        return self.table

    def outcome_refs(self) -> list[Any]:
        """The columns of `outcome` or `outcomes`; Refused when neither is there."""
        if self.analysis.outcomes is not None:
            return listed_columns(self.analysis.outcomes, self.data)
        if self.analysis.outcome is None:
            raise WrongInput("the analysis names no outcome", "add `outcome: column`", name="")
        return listed_columns(self.analysis.outcome, self.data)

    @property
    def several(self) -> bool:
        """Whether rows must say which outcome they are for."""
        return self.analysis.outcomes is not None

    def outcome_label(self, name: str) -> str | None:
        return name if self.several else None

    def reported_arms(self, sample: Sample) -> tuple[str, ...]:
        """The arms that get rows: all but the control, or only `treatment`."""
        wanted = self.analysis.treatment
        arms = sample.arms[1:]
        if not arms:
            raise Refused(
                f"the only arm found is {sample.arms[0]!r}" if sample.arms else "no arm is found",
                "check `arm`, `control` and the subset",
            )
        if wanted is None:
            return arms
        match = tuple(arm for arm in arms if same_level(arm, wanted))
        if not match:
            raise WrongInput(f"no row has the treatment {wanted!r}", f"name one of {listed(arms)}", name=wanted)
        return match

    def subset(self) -> Bools:
        """Rows that meet every condition of `subset`."""
        inside = np.ones(len(self.data), bool)
        for name, condition in self.analysis.subset.items():
            inside &= holds(condition, self.data.column(name)) == 1
        return inside

    def sample(
        self,
        *,
        outcomes: Sequence[Any] | None = None,
        extra: Iterable[Any] = (),
        arms: bool = True,
        control: bool = True,
        cluster: bool = True,
        block: bool = False,
        strata: bool = False,
        site: bool = False,
        covariates: bool = True,
        keep_missing: bool = False,
    ) -> Sample:
        """The rows to use; what is dropped is counted in the order of the contract.

        outcomes: columns instead of those of `outcome` and `outcomes` ((): none); extra: columns without which a
        row counts as `outcome_missing` (time, received); covariates: drop on fixed effects, weights, site, strata
        and (for `complete_case`) covariates; keep_missing: rows without an outcome stay; control: one is needed.
        """
        refs = list(self.outcome_refs() if outcomes is None else outcomes)
        counter = _Counter(len(self.data))
        counter.drop("outside_subset", None, ~self.subset())
        names, arm = self._arms(counter, control) if arms else ((), np.zeros(len(self.data), np.intp))
        randomised = counter.left()
        values = dict(zip(label_outcomes(refs), (self.data.column(ref).numbers() for ref in refs), strict=True))
        if values and not keep_missing:
            absent = np.logical_and.reduce([np.isnan(column) for column in values.values()])
            counter.drop("outcome_missing", ", ".join(values), absent)
        for ref in extra:
            counter.drop("outcome_missing", label(ref), self.data.column(ref).missing)
        parts = self._parts(counter, cluster=cluster, block=block, strata=strata, site=site, covariates=covariates)
        rows: Any = counter.left()
        if len(rows) == len(self.data):
            rows = slice(None)
        coded: dict[str, Any] = {k: part[rows] if isinstance(part, np.ndarray) else part for k, part in parts.items()}
        seen = {name: column[rows] for name, column in values.items()}
        whole = Sample(self.data, counter.left(), randomised, names, arm[rows], seen, **coded)
        self._account(counter, whole, arm)
        return whole

    def _arms(self, counter: "_Counter", control: bool) -> tuple[tuple[str, ...], Ints]:
        ref, wanted = self.key("arm"), self.key("control")
        if ref is None:
            raise WrongInput("the analysis names no arm", "add `arm: column` to it or to `data`", name="")
        if control and wanted is None:
            raise WrongInput("the analysis names no control", "add `control: level` to it or to `data`", name="")
        names, arm = arm_levels(self.data.column(ref), counter.inside, wanted)
        counter.drop("arm_missing", label(ref), arm < 0)
        return names, arm

    def _parts(
        self, counter: "_Counter", *, cluster: bool, block: bool, strata: bool, site: bool, covariates: bool
    ) -> dict[str, Any]:
        """Codes of cluster, block, strata and site, and the weights, with rows that miss them dropped."""
        parts: dict[str, Any] = {}
        if covariates:
            self._drop_covariates(counter)
        if covariates and self.key("weights") is not None:
            parts["weights"] = self._weights(counter)
        for name, wanted in (("site", site), ("strata", strata)):
            if wanted and self.key(name) is not None:
                self._code(parts, counter, name, "covariate_missing")
        if cluster and self.uses_cluster and self.key("cluster") is not None:
            self._code(parts, counter, "cluster", "cluster_missing")
            parts["cluster_name"] = label(self.key("cluster"))
            parts.pop("cluster_names")
        if block and self.key("block") is not None:
            self._code(parts, counter, "block", "block_unusable")
        return parts

    @property
    def uses_cluster(self) -> bool:
        """An HC type that is asked for leaves the cluster out."""
        se = self.analysis.se
        return se is None or not (se in ("neyman", "classical") or se.startswith("HC"))

    def _code(self, parts: dict[str, Any], counter: "_Counter", name: str, reason: str) -> None:
        refs = self.key(name)
        refs = refs if isinstance(refs, tuple) else (refs,)
        levels = combined_levels(self.data, refs)
        counter.drop(reason, ", ".join(label(ref) for ref in refs), levels.codes < 0)
        parts[name] = levels.codes.astype(np.intp)
        parts[f"{name}_names"] = levels.names

    def _weights(self, counter: "_Counter") -> Any:
        ref = self.key("weights")
        weights = self.data.column(ref).numbers()
        counter.drop("covariate_missing", label(ref), np.isnan(weights))
        if (weights[counter.inside] <= 0).any():
            raise Refused(
                f"the weights {label(ref)!r} are not all above 0", "leave rows without weight out by `subset`"
            )
        return weights

    def _drop_covariates(self, counter: "_Counter") -> None:
        columns = [ref for effect in self.analysis.fixed_effects for ref in effect]
        if self.analysis.missing == "complete_case":
            columns += [*self.covariate_refs()]
        for ref in columns:
            counter.drop("covariate_missing", label(ref), self.data.column(ref).missing)

    def covariate_refs(self) -> list[Any]:
        """Covariates and terms, each once; lists of columns written out."""
        found: list[Any] = []
        for ref in (*self.analysis.covariates, *self.analysis.terms):
            found += [item for item in listed_columns(ref, self.data) if item not in found]
        return found

    def _account(self, counter: "_Counter", sample: Sample, arm: Ints) -> None:
        self.dropped, self.n_used = counter.dropped, sample.n
        if sample.arms:
            counts = {name: int((arm[sample.randomised] == code).sum()) for code, name in enumerate(sample.arms)}
            self.details["arms"] = arm_details(sample, counts)
        if sample.cluster is not None:
            self.details["clusters"] = sample.clusters()

    def recount(self, sample: Sample, reason: str, column: str | None) -> None:
        """Tell that the method uses fewer rows than `sample()` gave: `sample` is what is left."""
        assert self.n_used is not None
        lost = self.n_used - sample.n
        if lost:
            dropped = [*self.dropped, Dropped(reason, column, lost)]
            self.dropped = sorted(dropped, key=lambda part: MISSING_ORDER.index(part.reason))
        randomised = {name: part["randomised"] for name, part in self.details.get("arms", {}).items()}
        self.n_used = sample.n
        if sample.arms:
            self.details["arms"] = arm_details(sample, randomised)
        if sample.cluster is not None:
            self.details["clusters"] = sample.clusters()

    def outcomes(self, sample: Sample) -> Iterator[tuple[str, Sample]]:
        """Each outcome with the rows that have it."""
        for name in sample.outcomes:
            yield name, sample.observed(name)


class _Counter:
    """Which rows are left, and how many each reason took."""

    def __init__(self, n: int) -> None:
        self.inside: Bools = np.ones(n, bool)
        self.dropped: list[Dropped] = []

    def drop(self, reason: str, column: str | None, out: Bools) -> None:
        lost = int((self.inside & out).sum())
        if lost:
            self.dropped.append(Dropped(reason, column, lost))
            self.inside &= ~out

    def left(self) -> Ints:
        return np.flatnonzero(self.inside)
