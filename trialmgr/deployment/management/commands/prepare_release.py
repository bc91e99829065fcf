from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from trialmgr.core import messages


class Command(BaseCommand):
    help = "Compile the texts and collect the files for browsers, before a release is started. Safe to repeat."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SERVED:
            raise CommandError("set TRIALMGR_PROCESS and the rest of its environment first", returncode=2)
        try:
            texts = messages.compile_all(settings.BASE_DIR)
            call_command("collectstatic", interactive=False, verbosity=0)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=2) from None
        self.stdout.write(f"{texts} catalogues compiled, files for browsers in {settings.STATIC_ROOT}")
