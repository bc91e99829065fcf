"""Rendering pages for participants, each in the language they chose."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from surveys.respondent import session
from surveys.respondent.texts import Texts, catalogue


def language_of(request: HttpRequest) -> str:
    """The language chosen on this page, else that of the visit, else that in the address, else Dutch."""
    visit = session.current(request)
    wishes = (request.POST.get("taal"), visit.language if visit else None, request.GET.get("taal"))
    return next((wish for wish in wishes if wish and wish in catalogue()), next(iter(catalogue())))


def texts_of(request: HttpRequest) -> Texts:
    return catalogue()[language_of(request)]


def page(request: HttpRequest, name: str, context: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    """One page by the name of its template, with the words of its language as `t`."""
    language = language_of(request)
    words = catalogue()[language]
    phone = settings.HELP_PHONE.replace(" ", "\N{NO-BREAK SPACE}")
    sender = settings.SENDER.get(language) or next(filter(None, settings.SENDER.values()), "")
    common = {
        "t": words,
        "promise": getattr(words.promise, settings.PRIVACY_LEVEL),
        "sender": sender,
        "from_sender": words.start_sender.format(sender=sender) if sender else "",
        "language": language,
        "languages": [(code, one.language_name) for code, one in catalogue().items()],
        "help": words.help_phone.format(phone=phone) if phone else words.help_no_phone,
        "demo": settings.DEMO,
        "visit": session.current(request),
    }
    with translation.override(language):
        return render(request, f"respondent/{name}.html", common | (context or {}), status=status)


def message(request: HttpRequest, title: str, text: list[str], *, status: int = 200) -> HttpResponse:
    """A page that only says something."""
    return page(request, "message", {"title": title, "paragraphs": text}, status=status)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The one answer to a link or address that leads nowhere, whatever the reason."""
    words = texts_of(request)
    return message(request, words.missing_title, words.missing_text, status=404)


def refused(request: HttpRequest, exception: Exception | None = None, *, status: int = 403) -> HttpResponse:
    words = texts_of(request)
    return message(request, words.refused_title, words.refused_text, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=400)


def failed(request: HttpRequest) -> HttpResponse:
    words = texts_of(request)
    return message(request, words.failed_title, words.failed_text, status=500)
