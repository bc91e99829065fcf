"""Column expressions: the shape they have in a plan."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

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
