from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from trialmgr.core import grants


class Command(BaseCommand):
    help = "Compare the roles and rights in this process's database with the declared matrix, or make them agree."

    def add_arguments(self, parser: CommandParser) -> None:
        work = parser.add_mutually_exclusive_group(required=True)
        work.add_argument("--lint", action="store_true", help="name every difference; exit 1 when there is one")
        work.add_argument("--apply", action="store_true", help="make the rights agree (runs as the migrate login)")
        work.add_argument(
            "--sql", action="store_true", help="print what a superuser runs once, before the first migration"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = "office" if settings.PROCESS == "office" else "research"
        matrix = grants.matrices()[cluster]
        if options["sql"]:
            self.stdout.write(self.script(cluster, matrix))
            return
        with transaction.atomic(), connection.cursor() as cursor:
            found = (grants.apply if options["apply"] else grants.differences)(cursor, matrix)
        if found:
            raise CommandError("\n".join(difference.text for difference in found), returncode=1)
        self.stdout.write(f"{cluster}: roles and rights are as declared")

    @staticmethod
    def script(cluster: str, matrix: grants.Matrix) -> str:
        lines = [*grants.provision_roles(matrix), f"CREATE DATABASE {cluster} OWNER {matrix.owner}"]
        statements = [f"{line};" for line in lines]
        inside = [f"{line};" for line in grants.provision_database(cluster, matrix)]
        return "\n".join([*statements, f"\\connect {cluster}", *inside])
