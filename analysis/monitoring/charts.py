"""Where the bars of a small chart stand, in the units of its drawing. Knows no database and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

WIDTH, HEIGHT = 260, 120
LEFT, TOP, FOOT = 34, 10, 100
"""The bars stand right of LEFT, between TOP and FOOT."""
GAP, WIDEST = 4, 40


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in a period, from its first day to its last, and what a norm asks of it."""

    first: date
    last: date
    number: int | None
    """None: too few to show."""
    norm: float | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """The drawing of one count; `named` when its first day stands under it."""

    count: Count
    x: int
    y: int
    width: int
    height: int
    named: bool

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(frozen=True)
class Chart:
    """Counts side by side, up to the value `top`; one in `every` is named. A hidden one stands as high as `hidden`."""

    counts: Sequence[Count]
    top: int
    every: int = 1
    hidden: int = 0

    @cached_property
    def bars(self) -> list[Bar]:
        step = min((WIDTH - LEFT) // len(self.counts), WIDEST)
        found = []
        for place, one in enumerate(self.counts):
            y = self.height_of(self.hidden if one.number is None else one.number)
            x = LEFT + place * step + GAP // 2
            found.append(Bar(one, x, y, step - GAP, FOOT - y, place % self.every == 0))
        return found

    @property
    def norm_line(self) -> str:
        """The points of the norm, a stair from period to period; '' where nothing is asked."""
        asked = [(bar, self.height_of(bar.count.norm)) for bar in self.bars if bar.count.norm]
        edge = GAP // 2
        return " ".join(f"{bar.x - edge},{y} {bar.x + bar.width + edge},{y}" for bar, y in asked)

    @property
    def middle(self) -> int:
        """Half the height of the chart."""
        return (TOP + FOOT) // 2

    @property
    def has_hidden(self) -> bool:
        return any(one.number is None for one in self.counts)

    @property
    def half(self) -> int:
        return self.top // 2

    def height_of(self, number: float) -> int:
        return FOOT - round((FOOT - TOP) * min(number / self.top, 1))


def round_top(highest: float) -> int:
    """The first of 10, 20, 30, 40, 60, 80, 100, 200 ... that nothing is higher than: half of it is a whole number."""
    size = 10
    while True:
        for factor in (1, 2, 3, 4, 6, 8):
            if highest <= factor * size:
                return factor * size
        size *= 10
