"""A city's months at once: the fast path against its limit, against the explained path, and against bare NumPy.

Run with `python -m bench.money` or `python bench/money.py` from the top of the repository.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from coaching.money.case import Case
from coaching.money.fields import month_index, month_text
from coaching.money.history import history
from coaching.money.panel import Kept, Panel, keep, panel_of
from coaching.money.rulebook import rulebook

HOUSEHOLDS, MONTHS, MEMBERS = 41_667, 24, 2
LIMIT = 30.0
SAMPLE = 40


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def city() -> Panel:
    """1,000,008 household-months: couples and singles, pay in four of ten months, three in four in the trial."""
    rng = np.random.default_rng(20180101)
    shape = (HOUSEHOLDS, MONTHS, MEMBERS)
    couple = rng.random(HOUSEHOLDS) < 0.3
    present = np.ones(shape, np.bool_)
    present[:, :, 1] = couple[:, None]
    pay = np.where(present & (rng.random(shape) < 0.4), rng.integers(1, 150_000, shape), 0)
    covered = present & (rng.random(HOUSEHOLDS) < 0.75)[:, None, None]
    none = np.zeros(shape, np.int64)
    return Panel(
        first=month_index(2018, 1),
        regular="participatiewet",
        trial="decree-2017",
        in_trial=np.where(covered, pay, 0),
        outside=np.where(covered, 0, pay),
        present=present,
        covered=covered,
        traits=(rng.random(shape) < 0.05).astype(np.int64),
        new_job=np.zeros(shape, np.bool_),
        hours_in_trial=none,
        hours_outside=none,
        benefit_days=np.full(shape[:2], 30),
        other=np.zeros(shape[:2], np.int64),
    )


def bare(panel: Panel) -> np.ndarray:
    """Half of the pay and a quarter of it, under the cap: the arithmetic alone, without counting any months."""
    together = (panel.in_trial + panel.outside).sum(axis=2)
    trial, ordinary = np.minimum((together + 1) // 2, 19_900), np.minimum((together + 2) // 4, 19_900)
    return np.maximum(trial, ordinary)


def sample() -> list[Case]:
    """Some households as cases, with pay in every month."""
    rng = np.random.default_rng(20180102)
    months = [month_text(month_index(2018, 1) + offset) for offset in range(MONTHS)]
    return [
        Case.model_validate(
            {
                "household": f"H{number}",
                "from": months[0],
                "until": months[-1],
                "members": [{"name": "Anna"}, {"name": "Bert"}],
                "provisions": [{"regime": "decree-2017", "from": "2018-01-01"}],
                "earnings": [
                    {"member": name, "month": month, "amount": str(rng.integers(1, 150_000) / 100)}
                    for month in months
                    for name in ("Anna", "Bert")
                ],
            }
        )
        for number in range(SAMPLE)
    ]


def agree(cases: list[Case]) -> bool:
    """Whether both paths give the same cents for the sample."""
    fast: Kept = keep(panel_of(cases), rulebook())
    slow = [[int(result.kept * 100) for result in history(case).months] for case in cases]
    return fast.kept.tolist() == slow


def row(name: str, ours: float, reference: float, unit: str) -> str:
    return f"{name} | {ours:.3g} {unit} | {reference:.3g} {unit} | {ours / reference:.3g}"


def main() -> None:
    panel, book, cases = city(), rulebook(), sample()
    if not agree(cases):
        sys.exit("the fast path and the explained path differ")
    number = HOUSEHOLDS * MONTHS
    fast = min(seconds(lambda: keep(panel, book)) for _ in range(3))
    explained = seconds(lambda: [history(case) for case in cases]) / (SAMPLE * MONTHS) * 1e6
    numpy_alone = min(seconds(lambda: bare(panel)) for _ in range(3))
    lines = [
        "name | ours | reference | ratio",
        row(f"money: {number:,} household-months, against the limit", fast, LIMIT, "s"),
        row("money: a household-month, fast path against explained path", fast / number * 1e6, explained, "us"),
        row(f"money: {number:,} household-months, against bare arithmetic", fast, numpy_alone, "s"),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
