"""The secret of a draw, encrypted with the office's key until the lots are drawn."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from randomization.errors import DrawNotReady
from randomization.models import Draw

NONCE = 12


def seal(row: Draw, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, f"draw:{row.pk}".encode())


def unseal(row: Draw) -> bytes:
    """Raises DrawNotReady when the key that it was sealed with is gone."""
    sealed = bytes(row.sealed_secret or b"")
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return _cipher(key).decrypt(sealed[:NONCE], sealed[NONCE:], f"draw:{row.pk}".encode())
        except InvalidTag:
            continue
    raise DrawNotReady(_("The secret of this draw cannot be opened: the office's key was replaced."))


def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"trialmgr lottery secret").derive(key.encode()))
