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


class NoBody:
    """A HEAD is answered without the page: the server would drop it, and write a line each time."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: Any = self.get_response(request)
        if request.method == "HEAD":
            setattr(response, "streaming_content" if response.streaming else "content", b"")
        return response  # type: ignore[no-any-return]


class NoStore:
    """No page is kept by a browser or a proxy; static files carry their own rule."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
