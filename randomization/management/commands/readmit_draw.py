"""Enter a draw again that a restored office forgot."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from randomization.readmitting import Witnessed, readmit
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault
from trialmgr.core.models import User


class Command(ToolCommand):
    help = "After a restore: enter a draw again that was held since the backup, with the groups of its public record."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trial", metavar="TRIAL")
        parser.add_argument("record", metavar="RECORD.json", type=Path, help="the record as published after the draw")
        parser.add_argument("--round", required=True, help="the recruitment round that was drawn")
        days = {"listed-on": "the day the list was published, such as 2018-02-26", "event-on": "the day of the event"}
        for name, what in (days | {"day": "the day of the draw"}).items():
            parser.add_argument(f"--{name}", required=True, type=date.fromisoformat, metavar="DAY", help=what)
        for who in ("first", "second"):
            parser.add_argument(f"--{who}", required=True, metavar="EMAIL", help="a person who vouches for the record")
        parser.add_argument("--reason", required=True, help="where the record comes from")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = options["record"].read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise BadInput(Fault(str(options["record"]), "cannot be read", "give the record of the draw")) from None
        first, second = (_person(options[who]) for who in ("first", "second"))
        names = ("trial", "round", "listed_on", "event_on", "day", "reason")
        draw = readmit(Witnessed(**{name: options[name] for name in names}, text=text, first=first, second=second))
        self.stdout.write(f"draw {draw.number} of {draw.trial_id}: {draw.units} households are in their groups again")


def _person(email: str) -> User:
    found = User.objects.filter(email=email.lower(), is_active=True).first()
    if found is None:
        raise BadInput(Fault(email, "has no account here", "give the address of a member of staff"))
    return found
