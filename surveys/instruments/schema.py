"""What an instrument file may say: items, response scales, scores, cut-offs and the terms of use."""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from surveys.instruments.conditions import DONT_KNOW, WONT_SAY, Code, Condition

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=100)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)?$")]
Line = Annotated[str, StringConstraints(min_length=1)]
Text = dict[Language, Line]
Extra = dict[str, Any]  # what another format said and this one has no words for, under its name
Kind = Literal["choice", "multiple", "integer", "decimal", "text", "long_text", "date", "note"]
NUMERIC: tuple[Kind, ...] = ("integer", "decimal")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, ignored_types=(cached_property,))


class Option(Strict):
    """One possible answer. `value` is what it counts for (by default its code); a `missing` answer counts as none."""

    code: Code
    label: Text = {}
    value: float | None = None
    missing: bool = False
    exclusive: bool = False

    @property
    def number(self) -> float | None:
        """The value in a score; None for an answer that is a name only, or counts as missing."""
        if self.missing:
            return None
        if self.value is not None:
            return self.value
        return float(self.code) if isinstance(self.code, int) else None


NONRESPONSE_OPTIONS = (
    Option(code=DONT_KNOW, label={"nl": "Weet ik niet", "en": "I do not know"}, missing=True, exclusive=True),
    Option(
        code=WONT_SAY, label={"nl": "Wil ik niet zeggen", "en": "I would rather not say"}, missing=True, exclusive=True
    ),
)


class Steps(Strict):
    """Shorthand for the whole numbers from `from` to `to`; ends (or any step) may have words."""

    from_: int = Field(alias="from")
    to: int
    labels: dict[int, Text] = {}

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        if not 0 < self.to - self.from_ <= 100:
            raise ValueError("steps must go up, by at most 100 -> give from below to")
        if outside := [step for step in self.labels if not self.from_ <= step <= self.to]:
            raise ValueError(f"has a label for {outside[0]}, which is not one of its steps -> remove the label")
        return self

    def options(self) -> tuple[Option, ...]:
        return tuple(
            Option(code=step, label=self.labels.get(step, {}), value=step) for step in range(self.from_, self.to + 1)
        )


class Scale(Strict):
    """How an item is answered; shared by name."""

    kind: Kind = "choice"
    options: tuple[Option, ...] = ()
    steps: Steps | None = None
    min: float | None = None
    max: float | None = None
    unit: Text = {}
    extra: Extra = {}

    @model_validator(mode="after")
    def _fits_kind(self) -> Self:
        if self.options and self.steps:
            raise ValueError("has both options and steps -> keep one of them")
        if (self.kind in ("choice", "multiple")) != bool(self.options or self.steps):
            need = "needs" if self.kind in ("choice", "multiple") else "has no"
            raise ValueError(f"a scale of kind {self.kind} {need} options -> options belong to choice and multiple")
        if (self.min is not None or self.max is not None) and self.kind not in NUMERIC:
            raise ValueError("min and max belong to numbers -> remove them or use kind integer or decimal")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max -> exchange them")
        codes = [str(option.code) for option in self.choices]
        if twice := next((code for code in codes if codes.count(code) > 1), None):
            raise ValueError(f"has the code {twice} twice -> give each answer its own code")
        return self

    @cached_property
    def choices(self) -> tuple[Option, ...]:
        """The answers as written, whether listed or given as steps."""
        return self.steps.options() if self.steps else self.options

    def label_of(self, option: Option, language: str) -> str:
        """What a person reads: the words of an answer, after its number where the scale is one of steps."""
        words = option.label.get(language, "")
        numbered = self.steps is not None and option in self.choices
        return f"{option.code} – {words}" if words and numbered else words or str(option.code)

    @cached_property
    def bounds(self) -> tuple[float, float] | None:
        """Lowest and highest value that can count, if known."""
        if self.kind in NUMERIC:
            return None if self.min is None or self.max is None else (self.min, self.max)
        numbers = [option.number for option in self.choices if option.number is not None]
        return (min(numbers), max(numbers)) if numbers else None


class Item(Strict):
    """One question. `raw`: its answer is analysed as it stands; `not_asked`: its value when skipped by rule."""

    code: Name
    text: Text = {}
    hint: Text = {}
    read_aloud: Text = {}
    scale: Name
    reverse: bool = False
    sensitive: bool = False
    required: bool = False
    raw: bool = False
    not_asked: float | None = None
    group: Name | None = None
    when: Condition | None = None
    extra: Extra = {}


class Group(Strict):
    """Items that stand together: a section, a matrix, a page; may lie in another group and have a condition."""

    code: Name
    label: Text = {}
    parent: Name | None = None
    when: Condition | None = None
    extra: Extra = {}


class Missing(Strict):
    """How many answers may be missing, and what then: the plain sum of the rest, or their mean times all."""

    at_most: int = Field(0, ge=0)
    treat: Literal["ignore", "prorate"] = "ignore"
    source: Line | None = None


class Band(Strict):
    """A class of scores, from the band before it to `below` (not included) or `up_to` (included); the last is open."""

    code: Name
    label: Text = {}
    below: float | None = None
    up_to: float | None = None

    @property
    def edge(self) -> tuple[float, bool] | None:
        """Upper edge, and whether it belongs to the band."""
        if self.below is not None:
            return self.below, False
        return None if self.up_to is None else (self.up_to, True)


class Cutoff(Strict):
    """A named way to class a score, with who proposed it."""

    id: Name
    title: Text = {}
    source: Line
    bands: tuple[Band, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        edges = [band.edge for band in self.bands[:-1]]
        if any((band.below is None) == (band.up_to is None) for band in self.bands[:-1]):
            raise ValueError("each band but the last needs one upper edge -> give it below or up_to")
        if self.bands[-1].edge is not None:
            raise ValueError("the last band is open -> remove its below or up_to")
        if edges != sorted({edge for edge in edges if edge}):
            raise ValueError("band edges must rise -> put the bands in order")
        return self


class Score(Strict):
    """A number from items by a rule: method over (reversed or recoded) values, missing rule, `* multiply + add`."""

    id: Name
    title: Text = {}
    method: Literal["value", "sum", "mean", "weighted"] = "sum"
    items: tuple[Name, ...] = Field(min_length=1)
    recode: dict[Name, Name] = {}
    weights: dict[Name, float] = {}
    missing: Missing = Missing()
    multiply: float = 1
    add: float = 0
    range: tuple[float, float] | None = None
    direction: Literal["higher_is_better", "higher_is_worse", "neutral"] = "neutral"
    cutoffs: tuple[Cutoff, ...] = ()
    source: Line | None = None
    extra: Extra = {}


class Licence(Strict):
    """Whether the item texts may travel with the program, and under which terms.

    `ship`: `yes`, `attribution` (with the citation), `separate` (own terms, in a pack of its own) or `no` (texts are
    added by who holds a licence).
    """

    ship: Literal["yes", "attribution", "separate", "no"]
    terms: Line
    holder: Line | None = None
    note: Line | None = None


class Instrument(Strict):
    """A scale or list of questions with its scoring."""

    id: Name
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    title: Text
    languages: tuple[Language, ...] = Field(min_length=1)
    about: Text = {}
    intro: Text = {}
    wording: dict[Language, Line] = {}
    licence: Licence
    citation: tuple[Line, ...] = ()
    source: tuple[Line, ...] = ()
    scales: dict[Name, Scale]
    groups: tuple[Group, ...] = ()
    items: tuple[Item, ...] = Field(min_length=1)
    tables: dict[Name, dict[Code, float]] = {}
    scores: tuple[Score, ...] = ()
    extra: Extra = {}

    @cached_property
    def item_by_code(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def group_by_code(self) -> dict[str, Group]:
        return {group.code: group for group in self.groups}

    def scale_of(self, item: Item) -> Scale:
        return self.scales[item.scale]

    def options_of(self, item: Item) -> tuple[Option, ...]:
        """All answers an item offers; a sensitive item also offers "don't know" and "won't say"."""
        own = self.scale_of(item).choices
        return own + NONRESPONSE_OPTIONS if item.sensitive else own

    def condition_of(self, item: Item) -> Condition | None:
        """When the item is asked: its own condition and those of all groups it lies in."""
        conditions = [] if item.when is None else [item.when]
        name = item.group
        while name is not None:
            group = self.group_by_code[name]
            if group.when is not None:
                conditions.insert(0, group.when)
            name = group.parent
        if len(conditions) < 2:
            return conditions[0] if conditions else None
        return Condition(all=tuple(conditions))
