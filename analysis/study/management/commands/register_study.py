"""Register the plan of a protocol with the research side."""

from typing import Any

from django.core.management.base import CommandParser

from analysis.study import services
from trialmgr.core.commands import ToolCommand
from trialmgr.protocol.reading import load_protocol


class Command(ToolCommand):
    help = "Register the analysis plan and embargo of a protocol; runs are made under the newest registration."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("protocol", help="a protocol file, or the name of a preset")

    def handle(self, *args: Any, **options: Any) -> None:
        made = services.register(protocol=load_protocol(options["protocol"]))
        self.stdout.write(f"registered {made.trial}, number {made.number}, {made.sha256}")
