from typing import Any

from django.core.management.base import BaseCommand

from surveys.vault import services


class Command(BaseCommand):
    help = "Erase again every person who was ever erased. Run it after each restore of the research cluster."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{services.replay_erasures()} erasures applied")
