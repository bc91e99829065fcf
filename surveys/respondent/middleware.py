"""Rules for every page that participants meet."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from surveys.respondent.pages import refused

Next = Callable[[HttpRequest], HttpResponse]


class PrivatePages:
    """Nothing of these pages is indexed, kept or passed on, and no other site can post to them.

    There is no cross-site token before the first answer, because that would need a cookie: the browser's own word on
    where a form came from decides, and forms that save carry a token of their visit besides.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = refused(request) if self.comes_from_elsewhere(request) else self.get_response(request)
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), interest-cohort=()"
        return response

    @staticmethod
    def comes_from_elsewhere(request: HttpRequest) -> bool:
        if request.method in ("GET", "HEAD"):
            return False
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return True
        origin = request.headers.get("Origin", "null")
        return origin != "null" and _host(origin) != request.get_host()


def _host(origin: str) -> str:
    """The host that an Origin names; none for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
