"""Pages about the user and the house, not about a trial."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.i18n import set_language as django_set_language

from trialmgr.core.access import any_staff, memberships_of, trials_of
from trialmgr.core.anonymous import public
from trialmgr.core.kept_forms import can_keep, kept_form
from trialmgr.core.models import Membership
from trialmgr.core.navigation import office_sections_of, sections_of

set_language = public(django_set_language)


@require_safe
@public
def home(request: HttpRequest) -> HttpResponse:
    """Anonymous: what this is. Staff: their trials."""
    user: Any = request.user
    if user.is_authenticated:
        held = memberships_of(user)
        context = {"trials": trials_of(held), "held": held, "office_sections": office_sections_of(request)}
        return render(request, "core/trials.html", context)
    everybody: Any = get_user_model().objects.filter(is_active=True).order_by("pk")
    held_now = Prefetch("memberships", Membership.objects.filter(ended_at=None))
    accounts = everybody.prefetch_related(held_now, "authenticator_set") if settings.DEMO else []
    return render(
        request,
        "core/welcome.html",
        {
            "accounts": accounts,
            "office_url": settings.OFFICE_URL,
            "survey_url": settings.SURVEY_URL,
            "research_url": settings.RESEARCH_URL,
            "mailbox_url": settings.MAILBOX_URL,
        },
    )


@require_safe
@any_staff
def trial_home(request: HttpRequest, trial: str) -> HttpResponse:
    """The first section of the trial that the user may see."""
    sections = sections_of(request, trial)
    if sections:
        return redirect(sections[0].url)
    return message(request, 404, _("This page does not exist"), _("Check the address, or go to the start page."))


@require_safe
@any_staff
def account(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    return render(request, "core/account.html", {"held": memberships_of(user)})


@require_safe
@any_staff
def second_factor(request: HttpRequest) -> HttpResponse:
    return render(request, "core/second_factor.html")


@require_safe
@public
def no_account(request: HttpRequest) -> HttpResponse:
    text = _("Your institution knows you, but you have no account here. Ask the project leader for one.")
    return message(request, 403, _("No account"), text)


@require_safe
@public
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "core/accessibility.html")


def message(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "core/message.html", {"title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("Something in this request was not in order. Go back, load the page again, and try once more.")
    return message(request, 400, _("This could not be read"), text)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    if can_keep(request):
        return kept_form(request)
    text = _("The form was open too long or came from another page. Go back, copy what you typed, and try again.")
    return message(request, 403, _("This form has expired"), text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return message(request, 404, _("This page does not exist"), _("Check the address, or go to the start page."))


def wrong_method(request: HttpRequest) -> HttpResponse:
    text = _("This address only takes what a form sends. Go back to the form, or to the start page.")
    return message(request, 405, _("This page does not open like this"), text)


def no_access(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = _("Your role does not include this page. If you need it for your work, ask the project leader.")
    return message(request, 403, _("You have no access to this page"), text)


def failed(request: HttpRequest) -> HttpResponse:
    """Shown on an error of ours; it reads nothing, since anything may be broken."""
    return HttpResponse(
        '<!doctype html><html lang="nl"><title>Er ging iets mis</title><h1>Er ging iets mis</h1>'
        "<p>Uw laatste stap is niet bewaard. Probeer het over een paar minuten opnieuw.</p>"
        '<p lang="en">Something went wrong. Your last step was not saved. Try again in a few minutes.</p></html>',
        status=500,
    )
