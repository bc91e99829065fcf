"""What every command that outsiders script against has in common."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError

from trialmgr.core.errors import DomainError


class ToolCommand(BaseCommand):
    """Bad input gives its faults, a line each, on standard error and exit code 2; so does a database that fails."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DomainError as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except OperationalError as error:
            self.stderr.write(f"database: {str(error).splitlines()[0]}")
            sys.exit(2)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
