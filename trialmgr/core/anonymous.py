"""What pages need that know no account; the processes without staff import this and nothing of `access`."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Mark a view that anyone may see, without login."""
    view.required_permission = "public"  # type: ignore[attr-defined]
    return login_not_required(view)


def process(request: HttpRequest) -> dict[str, Any]:
    """Template context: which process this is, and whether it is a demo."""
    return {"process": str(settings.PROCESS), "demo": settings.DEMO}


class NoStore:
    """No page is kept by a browser or a proxy; static files carry their own rule."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
