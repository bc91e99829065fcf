"""Make the key pair that backups are encrypted to."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from trialmgr.core import age
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, Fault


class Command(ToolCommand):
    help = "Write a new private key for backups to FILE, which must not exist, and print its public key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        identity, path = age.new_identity(), options["file"]
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{identity}\n")
        except OSError as error:
            raise BadInput(Fault(str(path), f"cannot be made ({error.strerror})", "name a new file")) from None
        self.stdout.write(str(identity.to_public()))
