"""Rules that hold for every page of staff."""

import time
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect

from trialmgr.core.kept_forms import can_keep, kept_form
from trialmgr.core.views import wrong_method

Next = Callable[[HttpRequest], HttpResponse]
MINUTE = 60


class SessionLimits:
    """Ends a session after half an hour without use and after twelve hours in all (ASVS 7.3)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            began, seen = request.session.get("began", now), request.session.get("seen", now)
            if now - seen > settings.SESSION_IDLE_SECONDS or now - began > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif now - seen >= MINUTE or "began" not in request.session:
                request.session["began"], request.session["seen"] = began, now
        return self.get_response(request)


class LoginRequired(LoginRequiredMiddleware):
    """Pages are for who has logged in; a form that was open when the session ended is kept."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        if can_keep(request):
            return kept_form(request)
        return super().handle_no_permission(request, view_func)


class WrongMethodPage:
    """An address that only takes forms, typed or reloaded in a browser, gives a page that says so."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or request.method not in {"GET", "HEAD"}:
            return response
        page = wrong_method(request)
        page["Allow"] = response["Allow"]
        return page


class SecondFactorRequired:
    """Who has only a password gets no further than the page that adds the second factor."""

    OPEN = ("/account/", "/language/", "/healthz", "/demo/")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *rest: object
    ) -> HttpResponse | None:
        if not request.user.is_authenticated:
            return None
        if getattr(view, "required_permission", "") == "public" and request.path != "/":
            return None
        if request.path.startswith(self.OPEN) or Authenticator.objects.filter(user=request.user).exists():
            return None
        return redirect("second_factor")
