from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    name = "trialmgr.core"
    label = "core"

    def ready(self) -> None:
        if settings.STAFF:
            from trialmgr.core import logins

            logins.connect()
