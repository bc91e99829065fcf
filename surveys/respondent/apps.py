from django.apps import AppConfig


class RespondentConfig(AppConfig):
    name = "surveys.respondent"
    label = "respondent"

    def ready(self) -> None:
        """Fail at the start, not at the first participant, when the key or a text is missing."""
        from surveys.respondent import services, texts

        services.link_key()
        texts.catalogue()
