"""What a design is worth before it is used: how well lots can be guessed, how unequal groups may become, which strata
are too thin, and when places run out. Each answer has its numbers and one sentence in Dutch and in English.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import islice
from math import prod, sqrt

import numpy as np
import numpy.typing as npt

from randomization.lottery.design import Design
from randomization.lottery.minimise import Minimiser
from randomization.lottery.probabilities import coin_leads, last_blocks
from randomization.lottery.redraw import Redraw
from trialmgr.core.errors import BadInput, Fault

MOST_STATES = 300_000
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Advice:
    """Numbers by name, and one sentence for each language; `warns` when the design had better be changed."""

    numbers: dict[str, float]
    nl: str
    en: str
    warns: bool = False


def advise(design: Design, sizes: Mapping[str, int]) -> list[Advice]:
    """All that can be said of a design on strata of these sizes without simulating."""
    if design.method == "minimisation":
        return [thin_strata(design, sizes)]
    known = [] if design.balance else [imbalance(design, sizes)]
    return [guessing(design), *known, thin_strata(design, sizes)]


def guessing(design: Design) -> Advice:
    """How often someone who knows all earlier lots guesses the next one, against blind luck."""
    chance, luck = float(guess_chance(design)), float(max(design.shares.values()))
    if design.mode == "batch":
        nl, en = "De lijst is dicht voor de loting, dus er valt niets te raden.", "The list is closed before the draw"
        return Advice({"guess": chance, "luck": luck}, nl, en + ", so there is nothing to guess.")
    nl = f"Wie alle eerdere loten kent, raadt het volgende lot in {_percent(chance, 'nl')} van de gevallen; "
    en = f"Who knows all earlier lots guesses the next one in {_percent(chance, 'en')} of the cases; "
    return Advice(
        {"guess": chance, "luck": luck},
        nl + f"zonder kennis is dat {_percent(luck, 'nl')}.",
        en + f"without knowledge that is {_percent(luck, 'en')}.",
        warns=chance > 0.7,
    )


def guess_chance(design: Design) -> Fraction:
    """The exact share of right guesses in the long run, when the arm with most lots left in its block is guessed.

    That is the convergence strategy of Blackwell and Hodges (1957); with an equal ratio it is the arm that is behind,
    so the guesser need not know the block sizes. In a batch nothing is known before the draw, so only the shares
    help. Raises BadInput for minimisation, where it depends on who comes (see `minimised_guess_chance`), and for
    blocks too large to count.
    """
    if design.method == "minimisation":
        raise BadInput(Fault("design", "has no exact chance", "simulate it with the values of the units"))
    if design.method == "simple" or design.mode == "batch":
        return max(design.shares.values())
    if design.method == "coin":
        return _coin_guess(design)
    length = sum(design.ratio)
    right = sum((_block_guess(design, size) for size in design.multipliers), start=Fraction(0))
    return right / (length * sum(design.multipliers))


def _block_guess(design: Design, size: int) -> Fraction:
    """Expected right guesses in one block, by counting what is left in it."""
    whole = tuple(times * size for times in design.ratio)
    if prod(times + 1 for times in whole) > MOST_STATES:
        raise BadInput(Fault("ratio", "makes blocks too large to count", "use smaller numbers in the same proportion"))
    ways: dict[tuple[int, ...], Fraction] = {whole: Fraction(1)}
    expected = Fraction(0)
    for left in range(sum(whole), 0, -1):
        after: dict[tuple[int, ...], Fraction] = {}
        for state, chance in ways.items():
            expected += chance * Fraction(max(state), left)
            for arm, rest in enumerate(state):
                if rest:
                    step = (*state[:arm], rest - 1, *state[arm + 1 :])
                    after[step] = after.get(step, Fraction(0)) + chance * Fraction(rest, left)
        ways = after
    return expected


def _coin_guess(design: Design) -> Fraction:
    """From the stationary chain of the lead: in the long run a step up is as frequent as the step back."""
    chance = Fraction(design.probability or 0)
    if design.limit is None:
        if chance <= Fraction(1, 2):
            return 1 - chance  # the lead runs away, and the arm ahead stays the likelier one
        even = (2 * chance - 1) / (2 * chance)
        return even / 2 + (1 - even) * chance
    weights, back = [Fraction(1)], [Fraction(1, 2)]
    for lead in range(1, design.limit + 1):
        back.append(Fraction(1) if lead == design.limit else chance)
        up = Fraction(1) if lead == 1 else 1 - chance
        weights.append(weights[-1] * up / back[-1])
    right = sum((weight * max(step, 1 - step) for weight, step in zip(weights, back, strict=True)), start=Fraction(0))
    return right / sum(weights, start=Fraction(0))


def minimised_guess_chance(
    design: Design, levels: Sequence[tuple[str, ...]], rng: np.random.Generator, runs: int = 200
) -> float:
    """The simulated share of right guesses under minimisation, when the arm with the lowest score is guessed.

    `levels` are those of the units expected; each run lets them come in a new order.
    """
    params, right = design.params(), 0.0
    for _ in range(runs):
        minimiser = Minimiser.of(params)
        for unit in rng.permutation(len(levels)):
            chances = minimiser.chances(levels[unit])
            right += float(max(chances))
            minimiser.add(levels[unit], int(rng.choice(len(chances), p=[float(chance) for chance in chances])))
    return right / (runs * len(levels))


def imbalance(design: Design, sizes: Mapping[str, int]) -> Advice:
    """How far the number of units of an arm may end from its share, over all strata of these sizes.

    The number is the largest standard deviation over the arms, exact except for minimisation, which is refused.
    """
    spread = max(sqrt(sum(count_variance(design, n, arm) for n in sizes.values())) for arm in range(len(design.arms)))
    units = sum(sizes.values())
    return Advice(
        {"sd": spread, "units": units},
        f"Van {units} huishoudens wijkt een groep meestal hooguit {_number(2 * spread, 'nl')} af van het plan.",
        f"Of {units} households a group usually ends at most {_number(2 * spread, 'en')} away from the plan.",
        warns=spread > 0.05 * units,
    )


def count_variance(design: Design, n: int, arm: int) -> float:
    """The variance of the number of units that arm number `arm` gets in a stratum of `n`."""
    share = float(design.ratio[arm]) / sum(design.ratio)
    match design.method:
        case "simple":
            return n * share * (1 - share)
        case "coin":
            leads = next(islice(coin_leads(design), n, None))
            return float(sum(chance * lead * lead for lead, chance in leads.items())) / 4
        case "complete" | "blocks":
            return _block_variance(design, n, arm)
    raise BadInput(Fault("design", "has no exact variance", "simulate it with redraw"))


def _block_variance(design: Design, n: int, arm: int) -> float:
    """Each way a stratum can end: whole templates, then a part of a block drawn without replacement."""
    length, times = sum(design.ratio), design.ratio[arm]
    sizes = design.multipliers if design.method == "blocks" else (1,)
    total = 0.0
    for (whole, size), chance in last_blocks(length, sizes, n).items():
        left, block, mine = n - whole * length, length * size, times * size
        if block > 1:
            part = left * mine / block
            spread = part * (1 - mine / block) * (block - left) / (block - 1)
            total += float(chance) * (spread + (whole * times + part - n * times / length) ** 2)
    return total


def thin_strata(design: Design, sizes: Mapping[str, int]) -> Advice:
    """Whether the list is cut into too many pieces: strata smaller than one template, and more than n / 20 strata."""
    length = sum(design.ratio) * (max(design.multipliers) if design.method == "blocks" else 1)
    thin = sorted(name for name, n in sizes.items() if n < length)
    most = max(1, sum(sizes.values()) // 20)
    warns = bool(thin) or len(sizes) > most
    return Advice(
        {"strata": len(sizes), "thin": len(thin), "most": most, "block": length},
        f"{len(thin)} van de {len(sizes)} strata hebben minder dan {length} huishoudens, het kleinste volle pakje; "
        f"houd het op hooguit {most} strata.",
        f"{len(thin)} of the {len(sizes)} strata have fewer than {length} households, one full block; "
        f"keep to at most {most} strata.",
        warns=warns,
    )


def run_out(places: int, given: Sequence[date], today: date, *, window: int = 56) -> Advice:
    """When a stratum gives out its last place at the pace of the last `window` days.

    `given` are the days on which its places were given out.
    """
    left = places - len(given)
    recent = sum(today - timedelta(days=window) < day <= today for day in given)
    if left <= 0:
        return Advice({"left": 0}, "Alle plaatsen zijn vergeven.", "All places are given out.", warns=True)
    if not recent:
        nl, en = "er kwam de laatste tijd niemand bij.", "nobody joined lately."
        return Advice({"left": left}, f"Er zijn nog {left} plaatsen; {nl}", f"There are {left} places left; {en}")
    days = -(-left * window // recent)
    end = today + timedelta(days=days)
    return Advice(
        {"left": left, "days": days},
        f"Er zijn nog {left} plaatsen; in dit tempo is de laatste op {end.day}-{end.month}-{end.year} vergeven.",
        f"There are {left} places left; at this pace the last one goes on {end.isoformat()}.",
        warns=days < window,
    )


def false_alarms(design: Design, n: int, shift: float, rng: np.random.Generator, trials: int = 2_000) -> float:
    """How often a two-sided 5 % test finds an effect where there is none, when lots are guessed while enrolling.

    The biasing policy of Blackwell and Hodges (1957), as Proschan (1994) uses it: whoever enrols takes somebody
    `shift` standard deviations better when the first arm is behind and so expected next, and somebody as much worse
    when it is ahead. Two arms in equal ratio, `n` units of one stratum; simulated.
    """
    sequential = design.model_copy(update={"mode": "sequential"})
    labels = np.concatenate(list(Redraw(sequential, (np.arange(n),), ()).many(rng, trials)))
    lead = np.cumsum(1 - 2 * labels.astype(int), axis=1)
    before = np.concatenate([np.zeros((trials, 1), int), lead[:, :-1]], axis=1)
    outcomes = rng.standard_normal((trials, n)) - shift * np.sign(before)
    return float(np.mean(np.abs(_z_statistic(outcomes, labels)) > 1.959964))


def _z_statistic(outcomes: Numbers, labels: npt.NDArray[np.int8]) -> Numbers:
    first = labels == 0
    n1, n0 = first.sum(axis=1), (~first).sum(axis=1)
    mean1, mean0 = (outcomes * first).sum(axis=1) / n1, (outcomes * ~first).sum(axis=1) / n0
    residual = outcomes - np.where(first, mean1[:, None], mean0[:, None])
    variance = (residual**2).sum(axis=1) / (n1 + n0 - 2)
    return np.asarray((mean1 - mean0) / np.sqrt(variance * (1 / n1 + 1 / n0)), np.float64)


def _percent(share: float, language: str) -> str:
    return _number(100 * share, language) + "%"


def _number(value: float, language: str) -> str:
    text = f"{value:.1f}"
    return text.replace(".", ",") if language == "nl" else text
