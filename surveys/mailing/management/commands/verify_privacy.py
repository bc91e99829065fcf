from collections.abc import Iterator

from surveys import promises
from surveys.mailing import vault_client
from surveys.promise_command import PrivacyCommand


class Command(PrivacyCommand):
    def findings(self) -> Iterator[promises.Finding]:
        yield from promises.office_side()
        try:
            there = promises.Place(**vault_client.fetch("place"))
        except vault_client.VaultDown:
            yield promises.Finding("two_sides", promises.Verdict.DEPENDS, "vault_silent")
        else:
            yield promises.separation(promises.this_place(), there)
