"""Replay the public vectors with nothing but the standard library; run by every Python at hand."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import vectors  # noqa: E402

from randomization.lottery import verify  # noqa: E402
from randomization.lottery.allocate import allocate, sequence  # noqa: E402
from randomization.lottery.stream import Lots, commitment_of, lines_hash, seed_of  # noqa: E402


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found} is not {expected}")


def main(record):
    seed = seed_of(vectors.SECRET, vectors.PARAMS_HASH, vectors.LIST_HASH, vectors.BEACON)
    lots = Lots(seed)
    same("commitment", commitment_of(vectors.SECRET), vectors.COMMITMENT)
    same("list", lines_hash(vectors.UNITS), vectors.LIST_HASH)
    same("seed", seed.hex(), vectors.SEED)
    for n, numbers in vectors.BELOW.items():
        stream, words = lots.stream(f"n{n}"), verify.words(seed, f"n{n}")
        same(f"below {n}", [stream.below(n) for _ in numbers], numbers)
        same(f"below {n}", [verify.below(words, n) for _ in numbers], numbers)
    same("shuffle", lots.shuffle("shuf", range(10)), vectors.SHUFFLED)
    for method, result in vectors.RESULT_HASH.items():
        params = vectors.PARAMS | {"method": method}
        arms = allocate(params, vectors.UNITS, seed).arms
        same(method, lines_hash([(*row, arm) for row, arm in zip(vectors.UNITS, arms, strict=True)]), result)
        again = verify.sequence(params, seed, "north", 8)
        same(method, sequence(params, "north", 8, lots), again)
    verify.check(json.loads(Path(record).read_text("utf-8")))


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.write(f"{sys.version_info.major}.{sys.version_info.minor} verified\n")
