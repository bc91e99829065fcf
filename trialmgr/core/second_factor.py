"""The second factor of staff: a code works once, for as long as it could."""

import re

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from django.core.cache import cache
from django.core.exceptions import ValidationError

from trialmgr.core import security

NO_DIGIT = re.compile("[^0-9]")


class OnceOnly(BaseAuthenticateForm):
    """Allauth remembers a code for one period; a clock may be off by the tolerance, so it lives for more."""

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            if error.code == "too_many_login_attempts":
                security.code_slowed_down(self.user)
            raise
        seconds = (2 * app_settings.TOTP_TOLERANCE + 1) * app_settings.TOTP_PERIOD
        if not cache.add(f"second-factor:{self.user.pk}:{NO_DIGIT.sub('', code)}", True, timeout=seconds):
            self._emit_authentication_failed(self.authenticator)
            raise get_adapter().validation_error("incorrect_code")
        return code


class LogIn(OnceOnly, AuthenticateForm):
    pass


class AskAgain(OnceOnly, ReauthenticateForm):
    pass
