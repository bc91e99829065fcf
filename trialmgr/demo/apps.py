from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "trialmgr.demo"
    label = "demo"
