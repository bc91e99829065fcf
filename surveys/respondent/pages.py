"""Rendering pages for participants, each in the language they chose."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from surveys.respondent import session
from surveys.respondent.texts import Texts, catalogue
from surveys.sealing import LINK_LENGTH


def language_of(request: HttpRequest) -> str:
    """The language chosen on this page, else that of the visit, of the address, of the browser, else Dutch."""
    visit = session.current(request)
    wishes = [request.POST.get("taal"), visit.language if visit else None, request.GET.get("taal")]
    wishes += [
        name.partition("-")[0] for name, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    ]
    return next((wish for wish in wishes if wish and wish in catalogue()), next(iter(catalogue())))


def texts_of(request: HttpRequest) -> Texts:
    return catalogue()[language_of(request)]


def page(request: HttpRequest, name: str, context: dict[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
    """One page by the name of its template, with the words of its language as `t`."""
    language = language_of(request)
    words = catalogue()[language]
    sender = settings.SENDER.get(language) or next(filter(None, settings.SENDER.values()), "")
    common = {
        "t": words,
        "promise": getattr(words.promise, settings.PRIVACY_LEVEL),
        "sender": sender,
        "from_sender": words.start_sender.format(sender=sender) if sender else "",
        "language": language,
        "languages": [(code, one.language_name) for code, one in catalogue().items()],
        "help": by_phone(words.help_phone, words.help_no_phone),
        "demo": settings.DEMO,
        "visit": session.current(request),
    }
    with translation.override(language):
        return render(request, f"respondent/{name}.html", common | (context or {}), status=status)


def by_phone(text: str, otherwise: str) -> str:
    """A text with the number to call, or the other one when there is no number."""
    phone = settings.HELP_PHONE.replace(" ", "\N{NO-BREAK SPACE}")
    return text.format(phone=phone) if phone else otherwise


def message(request: HttpRequest, title: str, text: list[str], *, status: int = 200) -> HttpResponse:
    """A page that only says something."""
    return page(request, "message", {"title": title, "paragraphs": text}, status=status)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The one answer to a link or address that leads nowhere, whatever the reason; a link can be mended there."""
    words = texts_of(request)
    paragraphs = [*words.missing_text, by_phone(words.missing_phone, words.missing_no_phone)]
    given = str(request.resolver_match.kwargs.get("link", "")) if request.resolver_match else ""
    return for_link(request, words.missing_title, paragraphs, given=given, status=404)


def for_link(
    request: HttpRequest, title: str, text: list[str], *, given: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """A page with the form that takes a link, typed or pasted; what was typed stays."""
    context = {"title": title, "paragraphs": text, "given": given[: 4 * LINK_LENGTH], "error": error}
    return page(request, "code", context, status=status)


def lost(request: HttpRequest) -> HttpResponse:
    """For who sent a form without a visit: it was submitted in another tab, or too long ago."""
    words = texts_of(request)
    unsaved = [words.lost_answer] if any(request.POST.getlist("antwoord")) else []
    return for_link(request, words.lost_title, [*words.lost_text, *unsaved], status=403)


def refused(request: HttpRequest, exception: Exception | None = None, *, status: int = 403) -> HttpResponse:
    words = texts_of(request)
    return message(request, words.refused_title, words.refused_text, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refused(request, status=400)


def failed(request: HttpRequest) -> HttpResponse:
    words = texts_of(request)
    return message(request, words.failed_title, words.failed_text, status=500)
