"""Put a backup of this side back into an empty database."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from trialmgr.core import backups, restoring
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault


class Command(ToolCommand):
    help = (
        "Put the backup in DIR back into this process's empty database and hold it against its manifest; exit 1 when "
        "something differs. With --check only see whether the backup is as it was written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", metavar="DIR", type=Path)
        work = parser.add_mutually_exclusive_group()
        work.add_argument("--key", metavar="FILE", help="the private key; else the file in TRIALMGR_RESTORE_KEY_FILE")
        work.add_argument("--check", action="store_true", help="look at the files only; needs no key, changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            manifest = restoring.check_files(options["place"])
            self.stdout.write(
                f"whole: a backup of the {manifest.side} side of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
            )
            return
        begin = time.monotonic()
        report = restoring.restore(options["place"], _key(options["key"]))
        self.stdout.write(
            f"the {report.manifest.side} side as of {report.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"restored in {time.monotonic() - begin:.1f} s\n"
            f"sha256 of its manifest: {backups.digest(options['place'] / backups.MANIFEST)}"
        )
        if report.migrated:
            self.stdout.write(f"migrations run that are newer than the backup: {report.migrated}")
        for line in report.differences:
            self.stderr.write(f"differs: {line}")
        if report.differences:
            self.stderr.write("no process was let in: find out why, then `grants --apply`")
        else:
            self.stdout.write(f"verified: {report.contents}, rights as declared")
        for line in report.still_to_do:
            self.stdout.write(f"to do: {line}")
        if report.differences:
            sys.exit(1)


def _key(named: str | None) -> Path:
    if not (named or settings.RESTORE_KEY):
        raise BadInput(Fault("restore", "needs the private key of the backup", "give --key FILE"))
    return Path(named or settings.RESTORE_KEY)
