from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "trialmgr.core"
    label = "core"
