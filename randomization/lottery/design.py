"""The declared design of a lottery: one immutable object from which the draw, the re-draws, the probabilities
and the explanation all follow.
"""

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from randomization.lottery.names import name_problem
from randomization.lottery.stream import VERSION, sha256_hex
from trialmgr.core.documents import Misfit, parse_document, read_document, validate

LARGEST_BLOCK = 10_000
Problem = tuple[str, str]  # the key at fault; what is wrong with it -> what would be right


def _named(name: str) -> str:
    if problem := name_problem(name):
        raise ValueError(" -> ".join(problem))
    return name


def _fraction(value: Any) -> str:
    """An exact number, as text in lowest terms, so that every language compares it alike."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("is not a number -> write for example 0.8 or 2/3")
    try:
        return str(Fraction(str(value)))
    except (ValueError, ZeroDivisionError):
        raise ValueError("is not a number -> write for example 0.8 or 2/3") from None


def _count(value: int) -> int:
    if not 1 <= value <= 1000:
        raise ValueError(f"is {value}, but must be 1 to 1000 -> write how often; leave out what should not occur")
    return value


Name = Annotated[str, AfterValidator(_named)]
Exact = Annotated[str, BeforeValidator(_fraction)]
Count = Annotated[StrictInt, AfterValidator(_count)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Factor(Part):
    """A column whose levels minimisation balances, and how much it counts."""

    column: Name
    weight: Count = 1


class Tolerance(Part):
    """The means of `column` may differ by at most `max_difference` between any two arms."""

    column: Name
    max_difference: Exact

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if Fraction(self.max_difference) <= 0:
            raise Misfit(("max_difference",), "must be more than 0 -> write the largest difference you accept")
        return self


class Balance(Part):
    """The rule a draw must meet; a draw that does not is made again, up to `tries` times.

    `mahalanobis` with `max`: for every two arms M = n1 n0 / (n1 + n0) d' S^-1 d is at most `max`, where d is the
    difference of means and S the covariance of all units (Morgan and Rubin 2012, pairwise).
    """

    mahalanobis: tuple[Name, ...] = ()
    max: Exact | None = None
    tolerances: tuple[Tolerance, ...] = ()
    tries: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 10_000

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.mahalanobis) != (self.max is not None):
            raise ValueError("mahalanobis and max go together -> give both or neither")
        if not self.mahalanobis and not self.tolerances:
            raise ValueError("the rule is empty -> give mahalanobis with max, or tolerances")
        if self.max is not None and Fraction(self.max) <= 0:
            raise Misfit(("max",), "must be more than 0 -> a chi-square quantile is usual")
        if len(set(self.columns)) < len(self.mahalanobis) + len(self.tolerances):
            raise ValueError("a column stands twice in the rule -> name each once")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.mahalanobis, *(tolerance.column for tolerance in self.tolerances))


class Choice(Part):
    """An arm whose people choose among `options` after the draw."""

    arm: Name
    options: tuple[Name, ...] = Field(min_length=2)


class Design(Part):
    """How lots are drawn. Facts of one trial (units, secret, beacon) are not in it.

    `ratio` gives the places of each arm in the template; `multipliers` are the block sizes, as multiples of the
    template, among which each block's size is drawn. `sequential` means that units come one by one and get the next
    place of their stratum.
    """

    arms: tuple[Name, ...] = Field(min_length=2, max_length=100)
    ratio: tuple[Count, ...] = ()
    method: Literal["simple", "complete", "blocks", "coin", "minimisation"]
    multipliers: tuple[Count, ...] = Field(default=(1,), min_length=1)
    mode: Literal["batch", "sequential"] = "batch"
    probability: Exact | None = None
    limit: Count | None = None
    factors: tuple[Factor, ...] = ()
    distance: Literal["range", "variance"] = "range"
    balance: Balance | None = None
    choice: tuple[Choice, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _equal_ratio(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("ratio") and isinstance(data.get("arms"), list | tuple):
            return {**data, "ratio": [1] * len(data["arms"])}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for key, problem in _problems(self):
            raise Misfit((key,), problem)
        object.__setattr__(self, "multipliers", tuple(sorted(self.multipliers)))
        return self

    @property
    def template(self) -> tuple[str, ...]:
        """The arms, each as often as its ratio says: the smallest group that is in balance."""
        return tuple(arm for arm, times in zip(self.arms, self.ratio, strict=True) for _ in range(times))

    @property
    def shares(self) -> dict[str, Fraction]:
        """The part of the units that each arm is meant to get."""
        total = sum(self.ratio)
        return {arm: Fraction(times, total) for arm, times in zip(self.arms, self.ratio, strict=True)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns beside unit and stratum that the draw needs; they are published with the list."""
        return (*(factor.column for factor in self.factors), *(self.balance.columns if self.balance else ()))

    def params(self) -> dict[str, Any]:
        """What is published and hashed: the five fields of VLOT-1, and others only where the design uses them."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        if self.balance:
            fields["balance"]["tries"] = self.balance.tries
        if self.factors:
            fields["factors"] = [factor.model_dump() for factor in self.factors]
            fields["distance"] = self.distance
        always = {"version": VERSION, "method": self.method, "multipliers": list(self.multipliers)}
        return fields | always | {"arms": list(self.arms), "ratio": list(self.ratio)}

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Self:
        """The design of a record. Raises pydantic's ValidationError for one that VLOT-1 does not know."""
        facts = ("version", "batch", "after")
        return cls.model_validate({key: value for key, value in params.items() if key not in facts})

    @classmethod
    def from_yaml(cls, text: str, name: str = "design") -> Self:
        """Raises BadInput with the line of every fault."""
        return validate(cls, parse_document(text, name))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Raises BadInput with the line of every fault."""
        return validate(cls, read_document(path))

    def to_yaml(self) -> str:
        """The design as a file that `read` gives back unchanged."""
        fields = {key: value for key, value in self.params().items() if key != "version"}
        return yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, default_flow_style=None)


def canonical(params: dict[str, Any]) -> bytes:
    """The one spelling of the parameters: keys sorted, no spaces, ASCII."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def params_hash_of(params: dict[str, Any]) -> str:
    return sha256_hex(canonical(params))


def _problems(design: Design) -> Iterator[Problem]:
    yield from _arm_problems(design)
    yield from _coin_problems(design)
    yield from _mode_problems(design)
    yield from _column_problems(design)


def _arm_problems(design: Design) -> Iterator[Problem]:
    if twice := _twice(design.arms):
        yield "arms", f"arm {twice!r} stands twice -> name each arm once"
    if len(design.ratio) != len(design.arms):
        yield "ratio", f"has {len(design.ratio)} numbers for {len(design.arms)} arms -> give one for each arm"
    if sum(design.ratio) * max(design.multipliers) > LARGEST_BLOCK:
        yield "ratio", f"a block would hold more than {LARGEST_BLOCK} units -> use smaller numbers"
    for choice in design.choice:
        if choice.arm not in design.arms:
            yield "choice", f"names the unknown arm {choice.arm!r} -> use one of {', '.join(design.arms)}"
        if _twice(choice.options):
            yield "choice", f"offers {_twice(choice.options)!r} twice -> name each option once"
    if twice := _twice([choice.arm for choice in design.choice]):
        yield "choice", f"arm {twice!r} stands twice -> name each arm once"


def _coin_problems(design: Design) -> Iterator[Problem]:
    takes_coin, uneven = design.method in ("coin", "minimisation"), len(set(design.ratio)) > 1
    if design.method == "coin" and (len(design.arms) != 2 or uneven):
        yield "method", "a biased coin has two arms in equal ratio -> use blocks"
    if design.method == "minimisation" and uneven:
        yield "ratio", "minimisation has an equal ratio -> use blocks, whose chances are exact"
    if takes_coin and design.probability is None:
        yield "method", f"{design.method} needs a probability -> write for example probability: 0.8"
    if design.probability is not None and not takes_coin:
        yield "probability", f"{design.method} has no probability -> remove it"
    if design.probability is not None and not 0 < Fraction(design.probability) < 1:
        yield "probability", "must lie between 0 and 1 -> with 1 the next arm could be predicted"
    if design.limit is not None and design.method != "coin":
        yield "limit", f"{design.method} has no limit -> remove it"


def _mode_problems(design: Design) -> Iterator[Problem]:
    if design.mode == "sequential" and design.method == "complete":
        yield "mode", "complete needs the whole list beforehand -> use blocks when units come one by one"
    if design.mode == "sequential" and design.method == "minimisation":
        yield "mode", "minimisation looks at each unit -> draw every group that enters as a batch of its own"
    if design.balance and design.mode == "sequential":
        yield "balance", "needs the whole list beforehand -> use mode: batch"
    if design.balance and design.method not in ("complete", "blocks"):
        yield "balance", f"does not go with {design.method} -> use complete or blocks"


def _column_problems(design: Design) -> Iterator[Problem]:
    if design.factors and design.method != "minimisation":
        yield "factors", f"do not go with {design.method} -> remove them"
    if design.method == "minimisation" and not design.factors:
        yield "method", "minimisation needs factors -> write for example factors: [{column: age_group}]"
    if twice := _twice(design.columns):
        yield "factors" if design.factors else "balance", f"column {twice!r} is used twice -> name each once"
    if reserved := {"unit", "stratum", "person", "slots"} & set(design.columns):
        yield "factors" if design.factors else "balance", f"cannot use the column {min(reserved)!r} -> use another"


def _twice(names: Sequence[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
