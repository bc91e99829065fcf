from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from randomization.lottery.design import Design
from randomization.lottery.draw import commit, draw, freeze
from randomization.lottery.record import Record
from tests.lottery import vectors

DESIGNS: dict[str, dict[str, Any]] = {
    "blocks": {"method": "blocks", "multipliers": [1, 2]},
    "complete": {"method": "complete"},
    "simple": {"method": "simple"},
    "efron": {"method": "coin", "probability": "2/3"},
    "big stick": {"method": "coin", "probability": "1/2", "limit": 2},
    "range": {"method": "minimisation", "probability": 0.8, "factors": [{"column": "sex"}, {"column": "age"}]},
    "variance": {
        "method": "minimisation",
        "probability": 0.8,
        "distance": "variance",
        "factors": [{"column": "sex", "weight": 2}, {"column": "age"}],
    },
    "mahalanobis": {"method": "complete", "balance": {"mahalanobis": ["sex", "age"], "max": 0.5}},
    "tolerance": {"method": "complete", "balance": {"tolerances": [{"column": "age", "max_difference": 0.5}]}},
}


def design_of(name: str, **changes: Any) -> Design:
    return Design(**({"arms": ["control", "coach"]} | DESIGNS[name] | changes))


def rows_for(design: Design, count: int = 24) -> list[tuple[str, ...]]:
    """Units h001, h002, ... with sex 0 or 1 and age 1 to 5, in two strata unless one is enough."""
    further = {"sex": lambda n: str(n * 5 % 7 % 2), "age": lambda n: str(n * 3 % 5 + 1)}
    return [
        (f"h{n:03}", "north" if n % 3 else "south", *(further[column](n) for column in design.columns))
        for n in range(1, count + 1)
    ]


def drawn_record(design: Design, rows: list[tuple[str, ...]], secret: bytes = vectors.SECRET) -> Record:
    return draw(commit(freeze(rows, design), secret), secret, vectors.BEACON)


@pytest.fixture
def lottery(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command as a user does: gives exit code, output and error lines."""

    def run(*words: object) -> tuple[int, str, str]:
        code = 0
        try:
            call_command("lottery", *map(str, words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The list, the design and the secret of the public example, on disk."""
    paths = {name: tmp_path / name for name in ("units.csv", "design.yaml", "secret", "record.json")}
    paths["units.csv"].write_text("unit,stratum\n" + "".join(f"{unit},{stratum}\n" for unit, stratum in vectors.UNITS))
    design = {key: value for key, value in vectors.PARAMS.items() if key != "version"}
    paths["design.yaml"].write_text(yaml.safe_dump(design))
    paths["secret"].write_text(vectors.SECRET_HEX + "\n")
    paths["secret"].chmod(0o600)
    return paths
