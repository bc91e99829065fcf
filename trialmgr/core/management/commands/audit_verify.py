"""Check the audit chain from its first row to its anchors."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from trialmgr.core import anchors, checking
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "Walk the audit chain and hold the tables against it; exit 0 when all holds, 1 with what does not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", help="file with anchors that left the database")

    def handle(self, *args: Any, **options: Any) -> None:
        known = anchors.read(options["anchors"]) if options["anchors"] else anchors.own()
        count, wrong = checking.faults(known)
        if wrong:
            self.stderr.write("\n".join(wrong))
            sys.exit(1)
        if not known:
            self.stderr.write("no anchor is known: a tail that was cut off would not show")
        self.stdout.write(f"verified: {count} events, {len(known)} anchors")
