"""The second factor of staff: its secrets are encrypted in the database, and a code works once, as long as it could.

The keys are in the environment: who copies the database, or a row of it, cannot make anybody's codes. The first key
encrypts, every one decrypts; rows of before they were encrypted are read as they stand.
"""

import logging
import re
from base64 import urlsafe_b64encode

from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction

from trialmgr.core import security

log = logging.getLogger("trialmgr.accounts")

SEALED = "f1:"
SECRETS = ("secret", "seed")
"""What allauth calls that of the generator of codes, and that of the recovery codes."""
SHORTEST_KEY = 32
NO_DIGIT = re.compile("[^0-9]")


def keyring() -> MultiFernet:
    """The keys of this side. Raises ImproperlyConfigured when there is none, or one that could be guessed."""
    keys = settings.SECOND_FACTOR_KEYS
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise ImproperlyConfigured(f"TRIALMGR_SECOND_FACTOR_KEYS: give {SHORTEST_KEY} random characters or more")
    return MultiFernet([_fernet(key) for key in keys])


def _fernet(key: str) -> Fernet:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"trialmgr second factor").derive(key.encode())
    return Fernet(urlsafe_b64encode(derived))


class Adapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return SEALED + keyring().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError, as for a wrong code, when its key is gone: the person then needs `staff renew`."""
        if not encrypted_text.startswith(SEALED):
            return encrypted_text
        try:
            return keyring().decrypt(encrypted_text.removeprefix(SEALED)).decode()
        except InvalidToken:
            log.error("a second factor does not open: TRIALMGR_SECOND_FACTOR_KEYS lacks its key")
            raise self.validation_error("incorrect_code") from None


@transaction.atomic
def encrypt_all() -> tuple[int, int]:
    """Encrypt every secret with the first key; give how many were, and how many no key opens. Safe to repeat."""
    found = Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk")
    done = [_encrypt_anew(one) for one in found]
    return done.count(True), done.count(False)


def _encrypt_anew(one: Authenticator) -> bool:
    adapter = Adapter()
    try:
        plain = {name: adapter.decrypt(one.data[name]) for name in SECRETS if name in one.data}
    except ValidationError:
        return False
    one.data |= {name: adapter.encrypt(text) for name, text in plain.items()}
    one.save(update_fields=["data"])
    return True


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
