"""What every template of the staff pages may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from trialmgr.core import clock
from trialmgr.core.access import PERMISSIONS, memberships_of, trials_of
from trialmgr.core.navigation import sections_of


def staff(request: HttpRequest) -> dict[str, Any]:
    """The trial of this page, what the user may do in it, and the trials they have a part in."""
    match = request.resolver_match
    trial = match.kwargs.get("trial") if match else None
    user: Any = getattr(request, "user", None)
    held = memberships_of(user) if user and user.is_authenticated else []
    allowed = {permission for one in held if one.trial == trial for permission in PERMISSIONS[one.role]}
    return {
        "trial": trial,
        "may": dict.fromkeys(allowed, True),
        "my_trials": trials_of(held),
        "sections": sections_of(request, trial) if trial and held else [],
        "demo_today": clock.today() if settings.DEMO and clock.offset() else None,
    }
