from django.apps import AppConfig


class RespondentConfig(AppConfig):
    name = "surveys.respondent"
    label = "respondent"
