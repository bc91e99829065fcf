from collections.abc import Iterator

from surveys import promises
from surveys.promise_command import PrivacyCommand
from surveys.vault import state


class Command(PrivacyCommand):
    def findings(self) -> Iterator[promises.Finding]:
        yield from promises.research_side()
        mode = state.directory().stat().st_mode & 0o777
        if mode & 0o077:
            yield promises.Finding("vault_state", promises.Verdict.BROKEN, f"VAULT_STATE_DIR: {mode:o}")
        else:
            yield promises.Finding("vault_state", promises.Verdict.HOLDS, "vault_state_seen")
