"""Check a protocol file, or store it as a version."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, DomainError, Fault
from trialmgr.core.models import User
from trialmgr.processes import Process
from trialmgr.protocol import services
from trialmgr.protocol.reading import check, preset_names, read_source
from trialmgr.protocol.summary import summary


class Command(ToolCommand):
    help = "Check a protocol file and print every fault with its place, or store it as a new version of its trial."

    def add_arguments(self, parser: CommandParser) -> None:
        presets = f"a file, or a preset: {', '.join(preset_names())}"
        actions = parser.add_subparsers(dest="action", required=True)
        checking = actions.add_parser("check", help="every fault with its place, without a database; exit 2 if any")
        checking.add_argument("file", metavar="FILE.yaml", help=presets)
        loading = actions.add_parser("load", help="store a version; needs the office process and its database")
        loading.add_argument("file", metavar="FILE.yaml", help=presets)
        loading.add_argument("--by", required=True, metavar="EMAIL", help="the member of staff who loads it")
        loading.add_argument("--reason", default="", help="why it changed; compulsory after the first draw")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "check":
            self.check_file(options["file"])
        else:
            self.load_file(options["file"], email=options["by"], reason=options["reason"])

    def check_file(self, source: str) -> None:
        document = read_source(source)
        checked = check(document)
        if checked.protocol is None:
            raise BadInput(checked.faults)
        self.stdout.write(f"{document.path.name} is valid.\n")
        for line in summary(checked.protocol):
            self.stdout.write(line)
        self._list("Worth a second look", [str(remark) for remark in checked.remarks])
        self._list("Not known, so chosen in this file", list(checked.protocol.unknown))

    def load_file(self, source: str, *, email: str, reason: str) -> None:
        if settings.PROCESS is not Process.OFFICE:
            raise BadInput(Fault("protocol load", "needs the database", "run it with TRIALMGR_PROCESS=office"))
        by = User.objects.filter(email=email.lower(), is_active=True).first()
        if by is None:
            raise DomainError(f"--by: {email} is no active member of staff: give the address of an account")
        version = services.load_version(document=read_source(source), by=by, reason=reason)
        self.stdout.write(f"{version.trial} version {version.number}, sha256 {version.sha256}")

    def _list(self, title: str, lines: list[str]) -> None:
        if lines:
            self.stdout.write(f"\n{title} ({len(lines)}):")
            for line in lines:
                self.stdout.write(f"  {line}")
