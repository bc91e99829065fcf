"""The rows of a data set, with the columns that a plan makes of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.estimators.columns import Bools, Column, Floats, column_of
from analysis.estimators.expressions import Conditions, Expression, Scalar, label, level_text
from analysis.estimators.refusals import Refused, WrongInput, listed


@dataclass
class Table:
    """The rows of a data set; `derived` holds the plan's own columns, made when first asked for."""

    n: int
    raw: dict[str, Column]
    derived: dict[str, Any] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    sha256: str | None = None
    _made: dict[str, Column] = field(default_factory=dict)
    _busy: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return self.n

    def column(self, ref: Any) -> Column:
        """The column of a name or an expression; Refused when there is none."""
        if isinstance(ref, Expression):
            return evaluate(ref, label(ref), self)
        if ref in self.derived and self._busy[-1:] != [ref]:
            return self._derive(ref)
        if ref not in self.raw:
            names = [*self.derived, *(self.header or self.raw)]
            remedy = f"check its spelling; there are {listed(names, 12)}"
            raise WrongInput(f"there is no column {ref!r}", remedy, name=str(ref))
        return self.raw[ref]

    def _derive(self, name: str) -> Column:
        if name not in self._made:
            if name in self._busy:
                chain = " -> ".join([*self._busy, name])
                raise Refused(f"the column {name!r} is made of itself ({chain})", "break the circle")
            self._busy.append(name)
            try:
                column = self.column(self.derived[name])
            finally:
                self._busy.pop()
            if column.name != name:
                column = column.renamed(name)
            self._made[name] = column
        return self._made[name]


def table_of(columns: dict[str, Any], derived: dict[str, Any] | None = None) -> Table:
    """A table from arrays or lists in memory: numbers stay numbers, None and NaN are missing."""
    raw = {name: column_of(name, values) for name, values in columns.items()}
    n = len(next(iter(raw.values()))) if raw else 0
    return Table(n, raw, dict(derived or {}), tuple(raw))


def listed_columns(ref: Any, table: Table) -> list[Any]:
    """The columns that a key such as `outcomes` names: a list, the name of a list, or a list expression."""
    if isinstance(ref, str) and isinstance(table.derived.get(ref), Expression):
        named = table.derived[ref]
        return listed_columns(named, table) if _is_list(named) else [ref]
    if _is_list(ref):
        shared = {name: getattr(ref, name) for name in ref.model_fields_set - {"columns", "reverse"}}
        bare = set(shared) <= {"range"} and not ref.reverse
        return [item if bare else _one_of(ref, item, shared) for item in ref.columns]
    return list(ref) if isinstance(ref, tuple | list) else [ref]


def _is_list(ref: Any) -> bool:
    return isinstance(ref, Expression) and ref.columns is not None and ref.take is None


def _one_of(ref: Expression, item: Any, shared: dict[str, Any]) -> Expression:
    if item in ref.reverse:
        return Expression(columns=(item,), take="sum", **shared | {"reverse": (item,)})
    return Expression(column=item, **{name: value for name, value in shared.items() if name != "min_answered"})


def evaluate(ref: Expression, name: str, table: Table) -> Column:
    """The column that an expression gives on the rows of `table`; Refused where it cannot."""
    if ref.cases is not None:
        return _cases(ref, name, table)
    if ref.columns is not None:
        if ref.take is None:
            raise Refused(f"{name!r} is a list of columns where one column is needed", "add `take`, or name one column")
        return Column(name, numbers=_transformed(ref, _taken(ref, table), name))
    column = table.column(ref.column)
    changed = ref.minus is not None or ref.power is not None or ref.log is not None
    if not changed:
        if ref.conditional:
            return Column(name, numbers=holds(ref, column))
        return column if ref.range is None else Column(name, numbers=_in_range(ref, column.numbers(), column.name))
    values = column.numbers()
    if ref.minus is not None:
        values = values - table.column(ref.minus).numbers()
    changed_column = Column(name, numbers=_transformed(ref, values, name))
    return Column(name, numbers=holds(ref, changed_column)) if ref.conditional else changed_column


def _transformed(ref: Expression, values: Floats, name: str) -> Floats:
    seen = values[~np.isnan(values)]
    if ref.log:
        if len(seen) and seen.min() <= 0:
            raise Refused(f"{name!r} has the value {seen.min():.15g}, which has no logarithm", "keep values above 0")
        values = np.log(values)
    if ref.power is not None:
        if len(seen) and ((ref.power != int(ref.power) and seen.min() < 0) or (ref.power < 0 and (seen == 0).any())):
            raise Refused(f"{name!r} has values without a power {ref.power:g}", "use `subset`, or another power")
        values = values**ref.power
    return values


def _in_range(ref: Expression, values: Floats, name: str) -> Floats:
    low, high = ref.range or (-np.inf, np.inf)
    outside = values[(values < low) | (values > high)]
    if len(outside):
        raise Refused(
            f"the column {name!r} has the value {outside[0]:.15g}, outside its range {low:g} to {high:g}",
            "mend the value or leave the cell empty",
        )
    return values


def holds(test: Conditions, column: Column) -> Floats:
    """1 where all conditions hold, 0 where one does not, NaN where the column is missing."""
    if test.observed is not None:
        rest = test.model_copy(update={"observed": None})
        seen = (~column.missing) == test.observed
        return seen * np.nan_to_num(holds(rest, column)) if rest.conditional else seen.astype(np.float64)
    result = np.ones(len(column))
    for wanted in ((test.equals,) if test.equals is not None else ()), test.among:
        if wanted:
            result *= column.among(wanted)
    for bound, compare in _bounds(test):
        result *= compare(column.numbers(), bound)
    result[column.missing] = np.nan
    return result


def _bounds(test: Conditions) -> list[tuple[float, Callable[[Floats, float], Bools]]]:
    pairs: list[tuple[float | None, Callable[[Floats, float], Bools]]] = [
        (test.above, np.greater),
        (test.at_least, np.greater_equal),
        (test.below, np.less),
        (test.at_most, np.less_equal),
    ]
    return [(bound, compare) for bound, compare in pairs if bound is not None]


def _taken(ref: Expression, table: Table) -> Floats:
    columns = [table.column(item) for item in ref.columns or ()]
    parts = [_part(ref, item, column) for item, column in zip(ref.columns or (), columns, strict=True)]
    values = np.column_stack(parts)
    missing = np.isnan(values)
    need = ref.min_answered if ref.min_answered is not None else values.shape[1]
    enough = (~missing).sum(axis=1) >= need
    taken = _TAKE[ref.take or "sum"](values, missing, ref)
    taken[~enough] = np.nan
    return taken


def _part(ref: Expression, item: Any, column: Column) -> Floats:
    if ref.conditional and ref.range is None and not ref.reverse:
        return holds(ref, column)
    values = _in_range(ref, column.numbers(), column.name)
    if item in ref.reverse and ref.range is not None:
        values = ref.range[0] + ref.range[1] - values
    if not ref.conditional:
        return values
    return holds(ref, Column(column.name, numbers=values))


def _sum(values: Floats, missing: Bools, _: Expression) -> Floats:
    return np.where(missing, 0.0, values).sum(axis=1)


def _mean(values: Floats, missing: Bools, ref: Expression) -> Floats:
    return _sum(values, missing, ref) / np.maximum((~missing).sum(axis=1), 1)


def _any(values: Floats, missing: Bools, _: Expression) -> Floats:
    return (~missing & (values != 0)).any(axis=1).astype(np.float64)


def _all(values: Floats, missing: Bools, _: Expression) -> Floats:
    return (missing | (values != 0)).all(axis=1).astype(np.float64)


def _first(values: Floats, missing: Bools, ref: Expression) -> Floats:
    hit = ~missing & (values != 0)
    otherwise = np.nan if ref.otherwise is None else float(ref.otherwise)
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1.0, otherwise)


_TAKE: dict[str, Callable[[Floats, Bools, Expression], Floats]] = {
    "sum": _sum,
    "mean": _mean,
    "any": _any,
    "all": _all,
    "first": _first,
}


def _cases(ref: Expression, name: str, table: Table) -> Column:
    """The value of the first case that holds; a case that cannot be judged leaves the row missing."""
    cases = ref.cases or ()
    values: Sequence[Scalar | None] = [*(case.value for case in cases), ref.otherwise]
    chosen = np.full(len(table), len(cases))
    open_rows = np.ones(len(table), bool)
    unknown = np.zeros(len(table), bool)
    for place, case in enumerate(cases):
        when = table.column(case.when).numbers()
        unknown |= open_rows & np.isnan(when)
        hit = open_rows & ~np.isnan(when) & (when != 0)
        chosen[hit] = place
        open_rows &= ~hit & ~np.isnan(when)
    if all(isinstance(value, int | float) or value is None for value in values):
        table_of = np.array([np.nan if value is None else float(value) for value in values])
        return Column(name, numbers=np.where(unknown, np.nan, table_of[chosen]))
    texts = np.array([None if value is None else level_text(value) for value in values], dtype=object)
    return Column(name, texts=np.where(unknown, None, texts[chosen]))
