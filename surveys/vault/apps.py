from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "surveys.vault"
    label = "vault"
