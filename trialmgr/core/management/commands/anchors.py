"""Say whether the chain holds what was anchored; after a restore, accept that it does not."""

import sys
from argparse import ArgumentParser
from typing import Any

from trialmgr.core import anchors
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "Exit 1 when the audit chain lacks the last anchored event, as after a restore; --begin-anew accepts that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--begin-anew", metavar="REASON", help="who vouches for what was lost, and how they know")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["begin_anew"]:
            aside = anchors.begin_anew(reason=options["begin_anew"])
            self.stdout.write(f"noted in the chain; the earlier anchors are in {aside}")
        elif (last := anchors.lost()) is not None:
            self.stderr.write(f"the chain lacks event {last}, which was anchored: this database was set back")
            sys.exit(1)
        else:
            self.stdout.write("the chain holds what was anchored")
