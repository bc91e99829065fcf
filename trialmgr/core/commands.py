"""What every command that outsiders script against has in common."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from trialmgr.core.errors import DomainError


class ToolCommand(BaseCommand):
    """A command on files, without a database: bad input gives its faults on standard error and exit code 2."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DomainError as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
