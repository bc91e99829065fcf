"""Scoring 1,000,000 persons on 50 items, beside the bare NumPy arithmetic of the same rule, and the memory it takes."""

import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from surveys.instruments.loading import parse_instrument
from surveys.instruments.scoring import score

PERSONS, ITEMS = 1_000_000, 50
CODES = [f"q{number:02d}" for number in range(1, ITEMS + 1)]
TEXT = (
    'id: fifty\nversion: "1"\ntitle: {en: Fifty}\nlanguages: [en]\nlicence: {ship: "yes", terms: made up}\n'
    "scales: {s: {steps: {from: 1, to: 5}}}\nitems:\n"
    + "".join(
        f"  - {{code: {code}, scale: s, reverse: {'true' if place % 2 else 'false'}, text: {{en: Item}}}}\n"
        for place, code in enumerate(CODES)
    )
    + f"scores: [{{id: total, items: [{', '.join(CODES)}], missing: {{at_most: 5, treat: prorate}}}}]\n"
)


def bare(answers: np.ndarray) -> np.ndarray:
    """The rule in NumPy alone: reverse, count the missing, sum, prorate; no check of codes."""
    turned = answers.copy()
    turned[:, 1::2] = 6 - turned[:, 1::2]
    missing = np.isnan(turned)
    there = ITEMS - missing.sum(axis=1)
    total = np.where(missing, 0, turned).sum(axis=1) / there * ITEMS
    total[there < ITEMS - 5] = np.nan
    return total


def timed(*jobs) -> list[float]:
    """Best of five runs of each job, taken in turns so that a busy machine slows all of them alike."""
    return [min(times) for times in zip(*([_once(*job) for job in jobs] for _ in range(5)), strict=True)]


def _once(work, *arguments) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def peak(work, *arguments) -> float:
    """Most memory taken at once, in MB, beyond what was there before."""
    tracemalloc.start()
    work(*arguments)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    instrument = parse_instrument(TEXT)
    rng = np.random.default_rng(1)
    answers = rng.integers(1, 6, (PERSONS, ITEMS)).astype(float)
    answers[rng.random(answers.shape) < 0.02] = np.nan
    frame = pd.DataFrame(answers, columns=CODES)
    found = score(instrument, frame).values["total"].to_numpy()
    if not np.allclose(found, bare(answers), equal_nan=True):
        sys.exit("the two do not agree")
    ours, reference = timed((score, instrument, frame), (bare, answers))
    rows = [("score 1,000,000 x 50, seconds", ours, reference)]
    tenth = frame.iloc[: PERSONS // 10]
    mine, few, theirs = peak(score, instrument, frame), peak(score, instrument, tenth), peak(bare, answers)
    rows.append(("memory of that, MB", mine, theirs))
    output = 9e-6 * PERSONS  # eight bytes for a score, one for its rule
    rows.append(("memory beyond the scores, MB: all persons and a tenth", mine - output, few - output / 10))
    for name, one, other in rows:
        sys.stdout.write(f"{name} | {one:.2f} | {other:.2f} | {one / other:.2f}\n")


if __name__ == "__main__":
    main()
