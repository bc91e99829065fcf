"""The sections of a trial that a user may see. Each process names its own, beside its URLs."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from trialmgr.core.access import may, may_for_office, memberships_of, trials_of


@dataclass(frozen=True)
class Section:
    """A declared section: who may see it, the name of its URL, what it is called."""

    permission: str
    url_name: str
    label: object  # text, or a translation that waits for the language


@dataclass(frozen=True)
class Link:
    url: str
    label: str
    current: bool


def office_sections_of(request: HttpRequest) -> list[Link]:
    """What the user may see of the office as a whole, in a process that has such pages."""
    declared: list[Section] = getattr(import_module(settings.ROOT_URLCONF), "OFFICE_SECTIONS", [])
    return [
        Link(reverse(section.url_name), str(section.label), False)
        for section in declared
        if may_for_office(request.user, section.permission)  # type: ignore[arg-type]
    ]


def sections_of(request: HttpRequest, trial: str) -> list[Link]:
    declared: list[Section] = import_module(settings.ROOT_URLCONF).SECTIONS
    links = [
        (reverse(section.url_name, kwargs={"trial": trial}), str(section.label))
        for section in declared
        if may(request.user, section.permission, trial=trial)  # type: ignore[arg-type]
    ]
    inside = max((url for url, _ in links if request.path.startswith(url)), key=len, default="")
    return [Link(url, label, url == inside) for url, label in links]


def first_page(request: HttpRequest) -> str:
    """Where work begins after the login: in one's only trial, else at the choice."""
    user: Any = request.user
    trials = trials_of(memberships_of(user))
    if len(trials) == 1 and not office_sections_of(request):
        return reverse("trial_home", kwargs={"trial": trials[0]})
    return reverse("home")
