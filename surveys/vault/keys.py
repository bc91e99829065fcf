"""The two keys of the vault. They come from its environment, stay in its memory, and are never written or sent."""

from functools import cache

from django.core.exceptions import ImproperlyConfigured

from surveys.sealing import BadKey, Keyring
from trialmgr.core import env


@cache
def map_key() -> Keyring:
    """The key that turns person ids into pseudonyms. Only the vault holds it."""
    return _read("VAULT_MAP_KEY")


@cache
def link_key() -> Keyring:
    """The key that seals links; the survey process holds it too, to open them."""
    return _read("SURVEY_LINK_KEY")


def _read(variable: str) -> Keyring:
    try:
        return Keyring.parse(env.secret(variable))
    except BadKey as error:
        raise ImproperlyConfigured(f"{variable}: {error}") from None
