from django.apps import AppConfig
from django.conf import settings

from trialmgr.core import lookups


class CoreConfig(AppConfig):
    name = "trialmgr.core"
    label = "core"

    def ready(self) -> None:
        lookups.register()
        if settings.STAFF:
            from trialmgr.core import logins, second_factor

            second_factor.keyring()  # a missing key stops the start, not the first login
            logins.connect()
