from collections.abc import Iterator

from surveys import promises
from surveys.promise_command import PrivacyCommand


class Command(PrivacyCommand):
    def findings(self) -> Iterator[promises.Finding]:
        yield from promises.research_side()
