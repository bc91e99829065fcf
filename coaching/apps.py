from typing import Any

from django.apps import AppConfig

from trialmgr.core.signals import role_ended


class CoachingConfig(AppConfig):
    name = "coaching"
    label = "coaching"

    def ready(self) -> None:
        role_ended.connect(_release_caseload)


def _release_caseload(*, membership: Any, by: Any, **_: object) -> None:
    from coaching.services import release_caseload  # needs the models, which load after this module

    release_caseload(ended=membership, by=by)
