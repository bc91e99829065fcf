"""Check the audit chain from its first row to its anchors."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from trialmgr.core import anchors, audit
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "Walk the audit chain; exit 0 when it holds, 1 with the number of the first event that does not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", help="file with anchors that left the database")

    def handle(self, *args: Any, **options: Any) -> None:
        known = anchors.read(options["anchors"]) if options["anchors"] else anchors.own()
        count, broken = audit.verify(known)
        if broken:
            self.stderr.write(f"event {broken.seq}: {broken.what}")
            sys.exit(1)
        self.stdout.write(f"verified: {count} events, {len(known)} anchors")
