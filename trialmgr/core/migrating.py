"""Changing what belongs to another role than the one that migrates, such as the audit chain's tables."""

from collections.abc import Callable
from typing import Any

from django.db import migrations


def run_as_owner(table: str, forward: str, reverse: str) -> migrations.RunPython:
    """An operation that runs SQL as the owner of a table.

    On a new database that is still the migrating role; `grants --apply` hands the table over afterwards.
    """
    return migrations.RunPython(_running(table, forward), _running(table, reverse))


def _running(table: str, statement: str) -> Callable[[Any, Any], None]:
    def run(_apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, relowner::regrole::text FROM pg_class WHERE oid = %s::regclass", [table]
            )
            migrating, owner = cursor.fetchone()
            cursor.execute(f'SET ROLE "{owner}"')
            cursor.execute(statement)
            cursor.execute(f'SET ROLE "{migrating}"')

    return run
