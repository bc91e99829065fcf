from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "analysis.monitoring"
    label = "monitoring"
