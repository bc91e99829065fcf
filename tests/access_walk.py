"""Walks the URL table of a process with every role and holds it against a declared matrix.

The matrix names, for every route, who may read it (`pages`) and who may act on it (`actions`): `public`,
`any_staff` or a list of roles. A route without a row is a fault, and so is a row without a route.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

from trialmgr.core.documents import read_document

NOT_OURS = "allauth."
REDIRECTS = "django.views.generic.base"  # old addresses of allauth


@dataclass(frozen=True)
class Route:
    text: str
    pattern: URLPattern

    @property
    def mark(self) -> str | None:
        return getattr(self.pattern.callback, "required_permission", None)

    @property
    def ours(self) -> bool:
        module = self.pattern.callback.__module__
        return not module.startswith(NOT_OURS) and module != REDIRECTS

    def url(self, parts: dict[str, Any]) -> str:
        url = self.text
        for name, converter in self.pattern.pattern.converters.items() if self.plain else ():
            url = url.replace(f"<{_kind(converter)}:{name}>", str(parts.get(name, "")))
        for name, value in parts.items():
            url = url.replace(f"<slug:{name}>", str(value)).replace(f"<int:{name}>", str(value))
        return "/" + url

    @property
    def plain(self) -> bool:
        return isinstance(self.pattern.pattern, RoutePattern)


def _kind(converter: Any) -> str:
    return type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")


def routes() -> dict[str, Route]:
    return {route.text: route for route in _walk(get_resolver(), "")}


def _walk(resolver: Any, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        text = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern, text)
        else:
            yield Route(text, pattern)


@dataclass(frozen=True)
class Matrix:
    pages: dict[str, Any]
    actions: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Matrix":
        document = read_document(path).data
        return cls(document["pages"], document["actions"])

    def cells(self) -> Iterator[tuple[str, str, Any]]:
        """Method, route and who may, of every row."""
        for method, rows in (("GET", self.pages), ("POST", self.actions)):
            for route, who in rows.items():
                yield method, route, who


def ask(client: Client, method: str, url: str) -> int:
    """The status of an answer; whatever the request did is undone."""
    with transaction.atomic():
        response = client.generic(method, url)
        transaction.set_rollback(True)
    if response.status_code == 302 and response["Location"].startswith("/account/login/"):
        return 401
    return int(response.status_code)
