"""Column expressions: the shape they have in a plan, and the columns they give."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from analysis.estimators.refusals import Refused

if TYPE_CHECKING:
    from analysis.estimators.data import Column, Table

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Scalar = str | int | float | bool


def as_list(value: Any) -> Any:
    """One entry stands for a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def level_text(value: Any) -> Any:
    """A level as the text that stands in a file: `1`, `A`, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


def kind_of(value: Any) -> str:
    return "<expression>" if isinstance(value, dict | BaseModel) else "<name>"


def _condition(value: Any) -> Any:
    """`A` stands for `equals: A`, a list for `in: [..]`."""
    if isinstance(value, list | tuple):
        return {"in": value}
    return value if isinstance(value, dict | BaseModel) else {"equals": value}


Name = Annotated[str, BeforeValidator(level_text), Field(min_length=1)]
Level = Annotated[str, BeforeValidator(level_text)]
_Ref = Annotated[Annotated[Name, Tag("<name>")] | Annotated["Expression", Tag("<expression>")], Discriminator(kind_of)]


class Conditions(BaseModel):
    """Conditions on one column; all that are given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    equals: Level | None = None
    among: tuple[Level, ...] | None = Field(default=None, alias="in")
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    observed: bool | None = None

    @property
    def conditional(self) -> bool:
        names = Conditions.model_fields
        return any(getattr(self, name) is not None for name in names)


Condition = Annotated[Conditions, BeforeValidator(_condition)]


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    when: "Expression"
    value: Scalar


class Expression(Conditions):
    """A column made of others; `columns` without `take` is a list of columns."""

    column: _Ref | None = None
    minus: _Ref | None = None
    power: float | None = None
    log: Literal[True] | None = None
    columns: Annotated[tuple[_Ref, ...], Field(min_length=1)] | None = None
    take: Literal["sum", "mean", "any", "all", "first"] | None = None
    min_answered: int | None = Field(default=None, ge=1)
    reverse: tuple[Name, ...] = ()
    range: tuple[float, float] | None = None
    cases: Annotated[tuple[Case, ...], Field(min_length=1)] | None = None
    otherwise: Scalar | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Expression":
        given = [name for name in ("column", "columns", "cases") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("is not a column expression -> give one of `column`, `columns` and `cases`")
        allowed = {
            "column": {"minus", "power", "log", "range"},
            "columns": {"take", "min_answered", "reverse", "range", "otherwise", "power", "log"},
            "cases": {"otherwise"},
        }[given[0]]
        extra = {"minus", "power", "log", "take", "min_answered", "reverse", "range", "otherwise"} - allowed
        wrong = sorted(name for name in extra if name in self.model_fields_set)
        if wrong:
            raise ValueError(f"has {wrong[0]!r} beside {given[0]!r} -> remove one of them")
        if given[0] == "cases" and self.conditional:
            raise ValueError("has a condition beside `cases` -> put it under `when`")
        self._check_items()
        return self

    def _check_items(self) -> None:
        if self.reverse and self.range is None:
            raise ValueError("has `reverse` without `range` -> add `range: [lowest, highest]`")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("has a `range` that is empty -> put the lowest value first")
        names = {name for name in self.columns or () if isinstance(name, str)}
        unknown = [name for name in self.reverse if name not in names]
        if unknown:
            raise ValueError(f"reverses {unknown[0]!r}, which is not among its columns -> check the spelling")


Case.model_rebuild()
Expression.model_rebuild()

ColumnRef = Annotated[
    Annotated[Name, Tag("<name>")] | Annotated[Expression, Tag("<expression>")], Discriminator(kind_of)
]
ColumnList = Annotated[
    Annotated[tuple[ColumnRef, ...], Tag("<list>"), Field(min_length=1)]
    | Annotated[Name, Tag("<name>")]
    | Annotated[Expression, Tag("<expression>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list | tuple) else kind_of(value)),
]


def label(ref: "str | Expression") -> str:
    """A name for a column that was written as an expression: that of the column it starts from."""
    if isinstance(ref, str):
        return ref
    if ref.column is not None:
        base = label(ref.column)
        return f"{base} - {label(ref.minus)}" if ref.minus is not None else base
    if ref.columns is not None:
        return f"{ref.take or 'list'}({', '.join(label(item) for item in ref.columns)})"
    return f"cases({', '.join(dict.fromkeys(label(case.when) for case in ref.cases or ()))})"


def listed_columns(ref: Any, table: "Table") -> list[Any]:
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


def evaluate(ref: Expression, name: str, table: "Table") -> "Column":
    """The column that an expression gives on the rows of `table`; Refused where it cannot."""
    from analysis.estimators.data import Column

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


def holds(test: Conditions, column: "Column") -> Floats:
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


def _taken(ref: Expression, table: "Table") -> Floats:
    columns = [table.column(item) for item in ref.columns or ()]
    parts = [_part(ref, item, column) for item, column in zip(ref.columns or (), columns, strict=True)]
    values = np.column_stack(parts)
    missing = np.isnan(values)
    need = ref.min_answered if ref.min_answered is not None else values.shape[1]
    enough = (~missing).sum(axis=1) >= need
    taken = _TAKE[ref.take or "sum"](values, missing, ref)
    taken[~enough] = np.nan
    return taken


def _part(ref: Expression, item: Any, column: "Column") -> Floats:
    if ref.conditional and ref.range is None and not ref.reverse:
        return holds(ref, column)
    values = _in_range(ref, column.numbers(), column.name)
    if item in ref.reverse and ref.range is not None:
        values = ref.range[0] + ref.range[1] - values
    if not ref.conditional:
        return values
    from analysis.estimators.data import Column

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


def _cases(ref: Expression, name: str, table: "Table") -> "Column":
    """The value of the first case that holds; a case that cannot be judged leaves the row missing."""
    from analysis.estimators.data import Column

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
