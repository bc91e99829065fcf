"""Files that only the holder of a private key can open, in the format of age (https://c2sp.org/age).

Who encrypts needs public keys only. What is written here opens with the programs `age` and `rage` too.
"""

from collections.abc import Sequence
from typing import IO

from pyrage import DecryptError, IdentityError, RecipientError, decrypt_io, encrypt_io
from pyrage.x25519 import Identity, Recipient


class NotOpened(ValueError):
    """The file is damaged, was cut short, or was not made for this key."""


class NotAKey(ValueError):
    """The text is not a key of age."""


def new_identity() -> Identity:
    """A new private key; its text is `str(identity)`, its public key `identity.to_public()`."""
    return Identity.generate()


def identity_of(text: str) -> Identity:
    """A private key from `AGE-SECRET-KEY-1…`. Raises NotAKey."""
    try:
        return Identity.from_str(text)
    except IdentityError:
        raise NotAKey("no private key, or a mistyped one") from None


def recipient_of(text: str) -> Recipient:
    """A public key, whom a file is for, from `age1…`. Raises NotAKey."""
    try:
        return Recipient.from_str(text)
    except RecipientError:
        raise NotAKey("no public key, or a mistyped one") from None


def encrypt(source: IO[bytes], target: IO[bytes], recipients: Sequence[Recipient]) -> None:
    """Copy `source` to `target`, encrypted so that each of the recipients can open it."""
    encrypt_io(source, target, list(recipients))


def decrypt(source: IO[bytes], target: IO[bytes], identity: Identity) -> None:
    """Copy the content to `target`, each chunk checked before it is written.

    Raises NotOpened, also after some chunks: what came before is worth nothing then.
    """
    try:
        decrypt_io(source, target, [identity])
    except DecryptError:
        raise NotOpened("was not made for this key, or its beginning is damaged") from None
    except OSError as error:
        if error.errno:  # of the source or the target, not of what is in the file
            raise
        raise NotOpened("is damaged or was cut short") from None
