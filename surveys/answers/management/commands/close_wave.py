from typing import Any

from django.core.management.base import CommandParser

from surveys.answers import services
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "Close a wave for good: unfinished answers are dropped, the rest is written anew in the order of pseudonyms."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study")
        parser.add_argument("wave")
        parser.add_argument("--reason", required=True, help="why it closes now; stands in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        services.close_wave(study=options["study"], wave=options["wave"], by="close_wave", reason=options["reason"])
        self.stdout.write(f"wave {options['wave']} of {options['study']} is closed")
