"""Make a backup of this side's database."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from trialmgr.core import backups
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = (
        "Write a backup of this side's database as the new directory DIR, encrypted to the keys of TRIALMGR_BACKUP_TO."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", metavar="DIR", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        begin, place = time.monotonic(), options["place"]
        manifest, contents = backups.make(place)
        megabytes = sum(file.size for file in manifest.files.values()) / 1e6
        self.stdout.write(
            f"backup of the {manifest.side} side: {contents}, {megabytes:.1f} MB in {time.monotonic() - begin:.1f} s\n"
            f"sha256 of its manifest: {backups.digest(place / backups.MANIFEST)}"
        )
