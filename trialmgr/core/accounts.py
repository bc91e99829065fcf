"""How staff log in: accounts are given, never taken; an institution vouches for its own people only."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest
from django.shortcuts import redirect


class StaffAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class InstitutionAdapter(DefaultSocialAccountAdapter):
    """A login at the institution opens only the account it was connected to: key (issuer, subject), never e-mail."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if not sociallogin.is_existing and not request.user.is_authenticated:
            raise ImmediateHttpResponse(redirect("no_account"))
