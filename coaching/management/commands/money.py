from argparse import ArgumentParser
from typing import Any

from coaching.money.checks import read_case
from coaching.money.history import compared, history
from coaching.money.report import as_csv, as_json, as_text
from coaching.money.words import LANGUAGES
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "What a household may keep of its earnings, month by month, by which rule, in words. Pays nothing out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        explain = actions.add_parser("explain", help="work out a case file and explain every step")
        explain.add_argument("case", help="the case, a YAML or JSON file: see docs/money.md")
        explain.add_argument("--format", choices=("text", "csv", "json"), default="text")
        explain.add_argument("--before", help="the case as it was known then: tells what is due or to be settled")
        explain.add_argument("--language", choices=(*LANGUAGES, "both"), default="both", help="of the text")

    def handle(self, *args: Any, **options: Any) -> None:
        worked_out = history(read_case(options["case"]))
        if options["before"]:
            worked_out = compared(worked_out, history(read_case(options["before"])))
        languages = LANGUAGES if options["language"] == "both" else (options["language"],)
        written = {
            "csv": lambda: as_csv(worked_out),
            "json": lambda: as_json(worked_out),
            "text": lambda: as_text(worked_out, languages),
        }
        self.stdout.write(written[options["format"]](), ending="")
