"""How staff log in: accounts are given, never taken; an institution vouches for its own people only."""

from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from trialmgr.core import security
from trialmgr.core.navigation import first_page
from trialmgr.processes import Process


def own_address(path: str) -> str:
    """A page of this process, in full."""
    home: str = settings.RESEARCH_URL if settings.PROCESS is Process.RESEARCH else settings.OFFICE_URL
    return home.rstrip("/") + path


class StaffAdapter(DefaultAccountAdapter):
    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            security.login_slowed_down(credentials.get("email", ""))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        security.login_failed(credentials.get("email", ""))

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return first_page(request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link to choose a password: it begins with our address, never with what a request claims."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return own_address(path.replace("UID-KEY", quote(key)))


class InstitutionAdapter(DefaultSocialAccountAdapter):
    """A login at the institution opens only the account it was connected to: key (issuer, subject), never e-mail."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if not sociallogin.is_existing and not request.user.is_authenticated:
            raise ImmediateHttpResponse(redirect("no_account"))
