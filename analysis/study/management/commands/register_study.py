"""Register the plan of a protocol with the research side."""

from typing import Any

from django.core.management.base import CommandParser

from analysis.study import services
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User
from trialmgr.protocol.reading import load_protocol


class Command(ToolCommand):
    help = "Register the analysis plan and embargo of a protocol; runs are made under the newest registration."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("protocol", help="a protocol file, or the name of a preset")
        parser.add_argument(
            "--by", metavar="EMAIL", help="who registers it; left out for the first plan of a trial, before any account"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = self._account(options["by"]) if options["by"] else None
        made = services.register(protocol=load_protocol(options["protocol"]), by=by)
        self.stdout.write(f"registered {made.trial}, number {made.number}, {made.sha256}")

    def _account(self, email: str) -> User:
        by = User.objects.filter(email=email.lower(), is_active=True).first()
        if by is None:
            raise DomainError(f"--by: {email} has no active account here: give the address of one")
        return by
