"""`analyse PLAN [DATA]`: run an analysis plan on a data set, without a database."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.estimators.plan_reading import read_plan
from analysis.estimators.results import Results, to_csv, to_json
from analysis.estimators.run import run_file
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.output import write_whole

WRITERS: dict[str, Callable[[Results], str]] = {"json": to_json, "csv": to_csv}


class Command(ToolCommand):
    help = "Run an analysis plan (YAML or JSON) on a data set (CSV or Parquet)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plan", help="the plan file")
        parser.add_argument("data", nargs="?", help="the data file; left out when no analysis reads rows")
        parser.add_argument(
            "--format", choices=sorted([*WRITERS, "html"]), default="json", help="form of the results (default json)"
        )
        parser.add_argument("--language", choices=("nl", "en"), default="nl", help="language of the page (default nl)")
        parser.add_argument("--small-cells", type=int, default=0, help="hide counts below this on the page, such as 10")
        parser.add_argument("--out", type=Path, help="write to this file instead of standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["small_cells"] < 0:
            raise BadInput(Fault("--small-cells", "is below 0", "give the least number that may be shown, such as 10"))
        results = run_file(options["plan"], options["data"], self._progress)
        text = self._page(results, options) if options["format"] == "html" else WRITERS[options["format"]](results)
        for analysis in results.analyses:
            if analysis.refused:
                self.stderr.write(f"{analysis.id}: refused: {analysis.refused}")
        if options["out"] is None:
            self.stdout.write(text, ending="")
        else:
            write_whole(options["out"], text)

    def _page(self, results: Results, options: dict[str, Any]) -> str:
        from analysis.report.page import to_html

        return to_html(read_plan(options["plan"]), results, options["language"], options["small_cells"])

    def _progress(self, message: str) -> None:
        self.stderr.write(message)
