from django.apps import AppConfig


class MailingConfig(AppConfig):
    name = "surveys.mailing"
    label = "mailing"
