from typing import Any

from django.core.management.base import CommandParser

from surveys.answers import services
from trialmgr.core.commands import ToolCommand


class Command(ToolCommand):
    help = "Announce a wave to the survey: which questionnaire a study asks in it. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="code of the trial, as in its protocol")
        parser.add_argument("wave", help="code of the wave, as in the protocol and in the questionnaire")
        parser.add_argument("questionnaire", help="id of a questionnaire that ships with the program, or a file")

    def handle(self, *args: Any, **options: Any) -> None:
        names = {name: options[name] for name in ("study", "wave", "questionnaire")}
        number = services.open_wave(**names, by="open_wave")
        self.stdout.write(f"wave {options['wave']} of {options['study']} is open as number {number}")
