"""A form that cannot be saved now is shown again with all that was typed, so that nothing is lost.

That is so when the session ended meanwhile, and when the login in another window gave out new tokens.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

LONG = 20  # letters: what is longer was typed, not chosen
NOT_KEPT = "csrfmiddlewaretoken"


def can_keep(request: HttpRequest) -> bool:
    """A form of a trial's page, sent by that page itself: the browser says where it came from.

    Forms about the account are left out, as they hold passwords.
    """
    match = request.resolver_match
    mark = getattr(match.func, "required_permission", "") if match else ""
    own_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return request.method == "POST" and own_page and mark not in {"", "public", "any_staff"} and not request.FILES


def kept_form(request: HttpRequest) -> HttpResponse:
    """The page that keeps it, with a button that sends it once more."""
    user: Any = request.user
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name != NOT_KEPT]
    typed = [value for _name, value in fields if len(value) > LONG and " " in value]
    context = {"fields": fields, "typed": typed, "login": None if user.is_authenticated else reverse("account_login")}
    return render(request, "core/kept_form.html", context, status=403)
