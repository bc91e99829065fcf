"""Encrypt every second factor with the first of TRIALMGR_SECOND_FACTOR_KEYS."""

import sys
from typing import Any

from trialmgr.core.commands import ToolCommand
from trialmgr.core.second_factor import encrypt_all


class Command(ToolCommand):
    help = "Encrypt the secrets of all second factors with the first key; a key further on may go afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        done, lost = encrypt_all()
        self.stdout.write(f"encrypted with the first key: {done}")
        if lost:
            self.stderr.write(f"opened by none of the keys: {lost}")
            sys.exit(1)
