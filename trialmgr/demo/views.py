"""Shortcuts that only a demonstration has, and that say so on the page."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from trialmgr.core import audit
from trialmgr.core.access import any_staff
from trialmgr.core.navigation import first_page
from trialmgr.demo import night


@require_POST
@any_staff
def enrol_second_factor(request: HttpRequest) -> HttpResponse:
    """Give the account a one-time-code generator whose codes the demo's start page shows."""
    user: Any = request.user
    if not Authenticator.objects.filter(user=user).exists():
        TOTP.activate(user, generate_totp_secret())
        audit.record("account.second_factor_added", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL, demo=True)
    messages.success(request, _("A demonstration second factor is on. Its codes are on the start page."))
    return redirect(first_page(request))


@require_POST
@any_staff
def let_a_night_pass(request: HttpRequest) -> HttpResponse:
    day = night.pass_one()
    text = _("It is now the morning of %(day)s. The night's work runs; look again in a few seconds.")
    messages.info(request, text % {"day": date_format(day, "SHORT_DATE_FORMAT")})
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if safe else "home")
