"""What every template of the staff pages may use."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from trialmgr.core import clock
from trialmgr.core.access import PERMISSIONS, memberships_of, trials_of
from trialmgr.core.navigation import sections_of


def page_to_return_to(request: HttpRequest) -> str:
    """The address of this page; of what a form sent that of the page with the form, for its own may not open so."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return reverse("home")
    parts = urlsplit(before)
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


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
        "this_page": page_to_return_to(request),
        "demo_today": clock.today() if settings.DEMO and clock.offset() else None,
    }
