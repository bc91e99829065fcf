from django.apps import AppConfig


class StudyConfig(AppConfig):
    name = "analysis.study"
    label = "study"
