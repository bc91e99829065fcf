"""From words to arms: the sequence of a stratum, the order of its units, and who gets what."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from randomization.lottery.balance import BalanceRule
from randomization.lottery.minimise import Minimiser, Step
from randomization.lottery.stream import Lots, Stream

Row = tuple[str, ...]  # unit, stratum, then the further columns of the design
Params = dict[str, Any]


class NoDrawFits(ValueError):
    """The balance rule is too strict for the list."""


@dataclass(frozen=True)
class Outcome:
    """A finished draw: the arm of each row, the steps of minimisation, the accepted attempt of a balance rule."""

    arms: list[str]
    log: tuple[tuple[str, Step], ...] = ()
    attempt: int | None = None


def allocate(params: Params, rows: Sequence[Row], seed: bytes) -> Outcome:
    """Draw an arm for every row; `rows` are sorted by unit.

    Raises NoDrawFits when no attempt of a re-randomised draw meets its rule.
    """
    if params["method"] == "minimisation":
        return _minimised(params, rows, Lots(seed))
    if "balance" not in params:
        return Outcome(matched(params, rows, Lots(seed)))
    rule = BalanceRule.of(params["balance"], params["arms"], rows)
    for attempt in range(params["balance"]["tries"]):
        arms = matched(params, rows, Lots(seed, f"{attempt}|"))
        if rule.accepts(arms):
            return Outcome(arms, attempt=attempt)
    raise NoDrawFits(f"none of {params['balance']['tries']} draws met the rule")


def matched(params: Params, rows: Sequence[Row], lots: Lots) -> list[str]:
    """The arm of each row: the shuffled units of a stratum take its arms in order."""
    arms = [""] * len(rows)
    for stratum, places in strata_of(rows).items():
        order = lots.shuffle(f"order|{stratum}", places)
        for place, arm in zip(order, sequence(params, stratum, len(order), lots), strict=True):
            arms[place] = arm
    return arms


def strata_of(rows: Sequence[Row]) -> dict[str, list[int]]:
    """The places in `rows` of the units of each stratum; strata in byte order."""
    strata: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        strata[row[1]].append(place)
    return dict(sorted(strata.items()))


def sequence(params: Params, stratum: str, n: int, lots: Lots) -> list[str]:
    """The arms of the first `n` places of a stratum.

    For every method but `complete` a longer sequence begins with the shorter one, so that places can be given out
    one by one.
    """
    template = [arm for arm, times in zip(params["arms"], params["ratio"], strict=True) for _ in range(times)]
    match params["method"]:
        case "simple":
            below = lots.stream(f"simple|{stratum}").below
            return [template[below(len(template))] for _ in range(n)]
        case "complete":
            whole, left = divmod(n, len(template))
            rest = lots.shuffle(f"rest|{stratum}", template)[:left]
            return lots.shuffle(f"arms|{stratum}", template * whole + rest)
        case "blocks":
            return _blocks(template, params["multipliers"], stratum, n, lots)
        case "coin":
            return list(islice(_coin(params, lots.stream(f"coin|{stratum}")), n))
    raise ValueError(f"{params['method']} has no sequence: it looks at each unit")


def _blocks(template: list[str], multipliers: Sequence[int], stratum: str, n: int, lots: Lots) -> list[str]:
    arms: list[str] = []
    repeated, choices, block = [template * times for times in multipliers], len(multipliers), 0
    while len(arms) < n:
        size = lots.stream(f"size|{stratum}|{block}").below(choices) if choices > 1 else 0
        arms += lots.shuffle(f"block|{stratum}|{block}", repeated[size])
        block += 1
    return arms[:n]


def _coin(params: Params, stream: Stream) -> Iterator[str]:
    """Efron's biased coin (1971): the arm that is behind is more likely; with `limit` it is certain there."""
    first, second = params["arms"]
    probability, limit, lead = Fraction(params["probability"]), params.get("limit"), 0
    while True:
        behind, ahead = (second, first) if lead > 0 else (first, second)
        if lead == 0:
            arm = params["arms"][stream.below(2)]
        elif abs(lead) == limit or stream.below(probability.denominator) < probability.numerator:
            arm = behind
        else:
            arm = ahead
        lead += 1 if arm == first else -1
        yield arm


def _minimised(params: Params, rows: Sequence[Row], lots: Lots) -> Outcome:
    arms, log = [""] * len(rows), []
    for stratum, places in strata_of(rows).items():
        minimiser = Minimiser.of(params)
        keys = slot_keys(lots, stratum)
        for place in lots.shuffle(f"order|{stratum}", places):
            unit, _, *levels = rows[place]
            step = minimiser.step(levels, next(keys))
            arms[place] = step.arm
            log.append((unit, step))
    return Outcome(arms, log=tuple(log))


def slot_keys(lots: Lots, stratum: str) -> Iterator[bytes]:
    """The key of each place of a stratum: unpredictable until it is shown, and checkable then."""
    stream = lots.stream(f"slot|{stratum}")
    while True:
        yield stream.block()
