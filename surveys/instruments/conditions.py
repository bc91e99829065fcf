"""Skip logic as data: closed operators on the answers to earlier items."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

Code = StrictInt | StrictStr
Answer = int | float | str | Sequence[int | str] | None
Answers = Mapping[str, Answer]

DONT_KNOW, WONT_SAY = -8, -9
NONRESPONSE = frozenset({str(DONT_KNOW), str(WONT_SAY)})
OPERATORS = ("is_", "in_", "at_least", "at_most", "above", "below", "ticked", "answered")
TOO_MANY = 100_000


class Condition(BaseModel):
    """One of: `all`/`any` of several conditions, `not` one, or an `item` with one operator.

    An item that was not asked or not answered meets no operator but `answered: false`; "don't know" and "won't say"
    count as answers for `is` and `in` only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    all: tuple["Condition", ...] | None = None
    any: tuple["Condition", ...] | None = None
    not_: "Condition | None" = Field(None, alias="not")
    item: str | None = None
    is_: Code | None = Field(None, alias="is")
    in_: tuple[Code, ...] | None = Field(None, alias="in")
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    ticked: Code | None = None
    answered: bool | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [name for name in ("all", "any", "not_", "item") if getattr(self, name) is not None]
        if len(forms) != 1:
            raise ValueError("a condition needs exactly one of all, any, not, item -> keep one of them")
        operators = [name for name in OPERATORS if getattr(self, name) is not None]
        if len(operators) != (self.item is not None):
            names = ", ".join(name.strip("_") for name in OPERATORS)
            raise ValueError(f"an item takes exactly one operator -> give one of {names}")
        if self.all == () or self.any == ():
            raise ValueError("a list of conditions is empty -> name at least one")
        return self

    def parts(self) -> tuple["Condition", ...]:
        """The conditions directly below this one."""
        return self.all or self.any or ((self.not_,) if self.not_ else ())

    def leaves(self) -> Iterator["Condition"]:
        """Every condition on a single item, in order."""
        if self.item is not None:
            yield self
        for part in self.parts():
            yield from part.leaves()

    def items(self) -> tuple[str, ...]:
        """Codes of the items it looks at, each once."""
        return tuple(dict.fromkeys(leaf.item for leaf in self.leaves() if leaf.item))

    def codes(self) -> tuple[Code, ...]:
        """Answer codes this leaf names."""
        if self.in_ is not None:
            return self.in_
        return tuple(code for code in (self.is_, self.ticked) if code is not None)

    def edges(self) -> tuple[float, ...]:
        """Numbers this leaf compares with."""
        limits = (self.at_least, self.at_most, self.above, self.below)
        return tuple(limit for limit in limits if limit is not None)

    def holds(self, answers: Answers) -> bool:
        """Whether the answers given so far meet it."""
        if self.all is not None:
            return all(part.holds(answers) for part in self.all)
        if self.any is not None:
            return any(part.holds(answers) for part in self.any)
        if self.not_ is not None:
            return not self.not_.holds(answers)
        return self._leaf_holds(answers.get(self.item or ""))

    def _leaf_holds(self, answer: Answer) -> bool:
        given = _texts(answer)
        if self.answered is not None:
            return self.answered == bool(given - NONRESPONSE)
        if (codes := self.codes()) != ():
            return not given.isdisjoint(map(str, codes))
        return any(self.compares(number) for number in _numbers(given - NONRESPONSE))

    def compares(self, number: float) -> bool:
        """Whether a number meets the order operator of this leaf."""
        return (
            (self.at_least is not None and number >= self.at_least)
            or (self.at_most is not None and number <= self.at_most)
            or (self.above is not None and number > self.above)
            or (self.below is not None and number < self.below)
        )


def both(*conditions: Condition | None) -> Condition | None:
    """All of those that are there; None when none is."""
    present = tuple(condition for condition in conditions if condition is not None)
    if len(present) < 2:
        return present[0] if present else None
    return Condition(all=present)


def unreachable(
    order: Sequence[str], conditions: Mapping[str, Condition], answers: Mapping[str, Sequence[Answer]]
) -> list[str]:
    """Items whose condition no set of answers can meet, given that the items it looks at must be asked themselves.

    `answers` holds, per item, answers that can be given and tell the conditions apart. A chain of conditions with more
    than TOO_MANY combinations of such answers is taken as reachable.
    """
    return [code for code in order if code in conditions and not _reachable(code, order, conditions, answers)]


def _reachable(
    code: str, order: Sequence[str], conditions: Mapping[str, Condition], answers: Mapping[str, Sequence[Answer]]
) -> bool:
    needed: set[str] = set()
    waiting = [code]
    while waiting:
        for item in conditions[waiting.pop()].items():
            if item not in needed:
                needed.add(item)
                if item in conditions:
                    waiting.append(item)
    asked = [item for item in order if item in needed]
    choices = [(None, *answers.get(item, ())) for item in asked]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > TOO_MANY:
        return True
    return any(_consistent(code, asked, picks, conditions) for picks in product(*choices))


def _consistent(code: str, asked: Sequence[str], picks: Sequence[Answer], conditions: Mapping[str, Condition]) -> bool:
    given: dict[str, Answer] = {}
    for item, pick in zip(asked, picks, strict=True):
        if pick is not None:
            if item in conditions and not conditions[item].holds(given):
                return False
            given[item] = pick
    return conditions[code].holds(given)


def _texts(answer: Answer) -> frozenset[str]:
    if answer is None or answer == "":
        return frozenset()
    if isinstance(answer, str | int | float):
        return frozenset({str(int(answer)) if isinstance(answer, float) and answer.is_integer() else str(answer)})
    return frozenset(map(str, answer))


def _numbers(texts: frozenset[str]) -> Iterator[float]:
    for text in texts:
        try:
            yield float(text.replace(",", "."))
        except ValueError:
            continue
