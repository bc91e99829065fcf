from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "surveys.vault"
    label = "vault"

    def ready(self) -> None:
        """Fail at the start, not at the first request, when a key or the place for state is missing."""
        from surveys.vault import keys, state

        keys.map_key()
        keys.link_key()
        state.directory()
