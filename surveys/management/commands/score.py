"""`manage.py score INSTRUMENT.yaml ANSWERS.csv [--out FILE]`: score a file of answers."""

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from surveys.instruments.batch import HEADER_ROWS, Batch, score_file
from surveys.instruments.loading import load_instrument
from surveys.instruments.scoring import cell_faults
from surveys.instruments.statistics import as_table
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.output import written_whole


class Command(ToolCommand):
    help = (
        "Score a CSV file of answers (a column per item code) with an instrument: a file, or the id of a shipped pack."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("instrument", metavar="INSTRUMENT.yaml")
        parser.add_argument("answers", metavar="ANSWERS.csv", type=Path)
        parser.add_argument("--out", metavar="FILE", type=Path, help="write here; without it, to standard output")
        parser.add_argument(
            "--statistics", metavar="FILE", type=Path, help="write item and scale statistics (.csv, .json)"
        )
        parser.add_argument(
            "--wrong", choices=["refuse", "missing"], default="refuse",
            help="what to do with codes an item does not have: refuse the file, or count them as missing and list them",
        )  # fmt: skip
        parser.add_argument("--empty", metavar="TEXT", default="", help="text that stands for no answer, such as NA")

    def handle(self, *args: Any, **options: Any) -> None:
        instrument = load_instrument(options["instrument"])
        answers, statistics = options["answers"], options["statistics"]
        if statistics and statistics.suffix not in (".csv", ".json"):
            raise BadInput(Fault(str(statistics), "is neither .csv nor .json", "give one of these endings"))
        how = {"wrong_as_missing": options["wrong"] == "missing", "empty": options["empty"]}
        if target := options["out"]:
            batch = score_file(instrument, answers, target, **how)
            self.stdout.write(_summary(batch))
        else:
            with tempfile.TemporaryDirectory() as folder:
                whole = Path(folder) / "scores.csv"
                batch = score_file(instrument, answers, whole, **how)
                with whole.open(encoding="utf-8", newline="") as file:
                    for line in file:
                        self.stdout.write(line, ending="")
        self._warn(batch, answers.name)
        if statistics:
            _write_statistics(batch, statistics)

    def _warn(self, batch: Batch, name: str) -> None:
        for fault in cell_faults(batch.wrong, batch.wrong_count, HEADER_ROWS + 1, f"{name}: "):
            self.stderr.write(f"{fault.where}: {fault.what}: counted as missing")
        for one in batch.statistics:
            for warning in one.warnings():
                self.stderr.write(f"warning: {warning}")


def _write_statistics(batch: Batch, target: Path) -> None:
    table = as_table(batch.statistics)
    with written_whole(target) as file:
        if target.suffix == ".json":
            table.to_json(file, orient="records", indent=1, double_precision=15)
        else:
            table.to_csv(file, index=False)


def _summary(batch: Batch) -> str:
    table = as_table(batch.statistics)
    shown = [name for name in table if table[name].notna().any() and name != "persons"]
    numbers = table[shown].round(3).astype(object)
    return f"{batch.persons} persons\n" + numbers.where(numbers.notna(), "").to_string(index=False)
