"""Reading a protocol, beside the bare parsing of the same text.

Run with `python -m bench.protocol` or `python bench/protocol.py` from the top of the repository.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from trialmgr.core.documents import parse_document
from trialmgr.protocol.reading import PRESETS, canonical, check, load_protocol, restore

TURNS = 15


def median(work: Callable[[], object]) -> float:
    """Median wall time of some runs, in milliseconds."""
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    text = (PRESETS / "tilburg.yaml").read_text("utf-8")
    document = parse_document(text)
    stored = canonical(load_protocol("tilburg"))
    pairs = {
        "protocol: file to checked protocol / bare YAML": (
            lambda: check(parse_document(text)),
            lambda: yaml.load(text, Loader=yaml.SafeLoader),
        ),
        "protocol: form and rules only / bare JSON": (lambda: check(document), lambda: json.loads(stored)),
        "protocol: stored version to protocol / bare JSON": (
            lambda: restore(json.loads(stored)),
            lambda: json.loads(stored),
        ),
    }
    sys.stdout.write("name | ours | reference | ratio\n")
    for name, (ours, reference) in pairs.items():
        mine, theirs = median(ours), median(reference)
        sys.stdout.write(f"{name} | {mine:.2f} ms | {theirs:.2f} ms | {mine / theirs:.1f}\n")


if __name__ == "__main__":
    main()
