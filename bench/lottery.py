"""The lottery beside the bare HMAC calls it cannot do without, and re-draws beside NumPy's own shuffle.

Run with `python -m bench.lottery` or `python bench/lottery.py` from the top of the repository.
"""

import hmac
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen, commit, draw, freeze
from randomization.lottery.record import Record
from randomization.lottery.redraw import Redraw
from randomization.lottery.verify import check

ROOT = Path(__file__).resolve().parents[1]
UNITS, STRATA = 1_000_000, 10_000
DRAWS, TRIAL, TRIAL_STRATA = 10_000, 5_000, 100
BLOCKS = Design(arms=("control", "coach"), method="blocks", multipliers=(2,))
BEACON = "9999:" + "ab" * 32
TURNS = 3


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one run, which other work on the machine disturbs least."""
    start = time.process_time()
    work()
    return time.process_time() - start


def best(work: Callable[[], object]) -> float:
    return min(seconds(work) for _ in range(TURNS))


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def listed(units: int, strata: int) -> list[tuple[str, str]]:
    return [(f"h{number:07}", f"district {number % strata:05}") for number in range(units)]


def row(name: str, ours: float, reference: float, unit: str = "s") -> str:
    return f"{name} | {ours:.2f} {unit} | {reference:.2f} {unit} | {ours / reference:.2f}"


def bare_hmacs(record: Record) -> None:
    """The blocks of every stream of this draw: 25 for an order of 100 units, one for each block of four arms."""
    seed = bytes.fromhex(record.seed or "")
    size = UNITS // STRATA
    for number in range(STRATA):
        stratum = f"district {number:05}"
        for block in range((size - 1 + 3) // 4):
            hmac.digest(seed, b"VLOT-1|order|%s|%d" % (stratum.encode(), block), "sha256")
        for block in range(size // 4):
            hmac.digest(seed, b"VLOT-1|block|%s|%d|0" % (stratum.encode(), block), "sha256")


def million() -> list[str]:
    """Draw, replay with the bare verifier, and the memory of the draw."""
    secret = bytes(32)
    record = commit(freeze(listed(UNITS, STRATA), BLOCKS), secret)
    drawn = draw(record, secret, BEACON)
    drawing, floor = best(lambda: draw(record, secret, BEACON)), best(lambda: bare_hmacs(drawn))
    peak = megabytes()
    data = json.loads(drawn.to_json())
    return [
        row(f"draw {UNITS:,} units in {STRATA:,} strata, to its bare HMACs", drawing, floor),
        row("bare verifier on that record, to the draw", best(lambda: check(data)), drawing),
        row("memory of the draw, to 1 GB", peak, 1024, "MB"),
    ]


def redraws() -> list[str]:
    """Re-draws of a batch and of a sequential trial beside one `permuted` of the same matrix; memory apart."""
    rng, rows = np.random.default_rng(1), []
    matrix = np.tile(np.arange(TRIAL, dtype=np.int8) % 2, (DRAWS, 1))
    reference = best(lambda: rng.permuted(matrix, axis=1, out=matrix))
    frozen = freeze(listed(TRIAL, TRIAL_STRATA), BLOCKS)
    kinds = {
        "batch, blocks of 4": frozen,
        "sequential, blocks of 4": Frozen(
            BLOCKS.model_copy(update={"mode": "sequential"}), frozen.params, frozen.units, "", ""
        ),
    }
    for name, lottery in kinds.items():
        ours = best(lambda lottery=lottery: [None for _ in Redraw.of(lottery).many(rng, DRAWS)])
        rows.append(row(f"{DRAWS:,} re-draws of {TRIAL:,} units, {name}, to NumPy permuted", ours, reference))
    return rows


MEMORY = """
import resource, sys
import numpy as np
from bench.lottery import BLOCKS, DRAWS, TRIAL, TRIAL_STRATA, listed
from randomization.lottery.draw import freeze
from randomization.lottery.redraw import Redraw
redraw = Redraw.of(freeze(listed(TRIAL, TRIAL_STRATA), BLOCKS))
for _ in redraw.many(np.random.default_rng(1), DRAWS):
    pass
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""


def redraw_memory() -> str:
    """Peak memory of a process that does nothing but re-draw."""
    words = [sys.executable, "-c", MEMORY]
    used = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    return row("memory of a process that re-draws, to 200 MB", float(used.stdout), 200, "MB")


def main() -> None:
    lines = ["name | ours | reference | ratio", *redraws(), redraw_memory(), *million()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
