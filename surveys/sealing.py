"""Pseudonyms and sealed links: who may make them, who may open them, and nothing about where they go.

The vault holds both keys, the survey process only the link key, the office neither. A pseudonym
exists in the research cluster only; a link is the pseudonym, the wave and a last day, sealed so that
two links of one person look unrelated and a changed character makes the whole link worthless.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = PSEUDONYM_BYTES = 32
NONCE_BYTES = 12
LINK_LENGTH = 87
LINK_PATTERN = re.compile(rf"[A-Za-z0-9_-]{{{LINK_LENGTH}}}")
PID_PATTERN = re.compile(r"[0-9a-f]{32}")
_FIRST_DAY = date(2000, 1, 1)
_BODY = struct.Struct(f">{PSEUDONYM_BYTES}sHH")  # pseudonym, wave, last day as days since _FIRST_DAY
_PURPOSE = b"trialmgr survey link"


class BadKey(ValueError):
    """A key that cannot be used; the message says how keys are written and holds none of it."""


class BadLink(ValueError):
    """A link that does not open: changed, cut off, made with another key, or never ours. Says no more on purpose."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys of 32 bytes by version (1-255). The highest version seals; every version opens."""

    keys: Mapping[int, bytes]

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read `KEY` (version 1) or `1:KEY,2:KEY`; a KEY is 64 hexadecimal digits or base64url of 32 bytes."""
        keys: dict[int, bytes] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            version, _, key = part.rpartition(":")
            number = int(version) if version.isdecimal() else 0 if version else 1
            if not 1 <= number <= 255 or number in keys:
                raise BadKey("a key version is a number from 1 to 255, each used once: write 1:KEY,2:KEY")
            keys[number] = _key_bytes(key)
        if not keys:
            raise BadKey("no key given: write 64 hexadecimal digits or base64url of 32 random bytes")
        return cls(MappingProxyType(keys))

    @property
    def newest(self) -> int:
        return max(self.keys)

    def derive(self, purpose: str, version: int | None = None) -> bytes:
        """A key for one purpose only, so that nothing sealed for one can be opened as another."""
        chosen = self.keys[self.newest if version is None else version]
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(chosen)

    def __repr__(self) -> str:
        return f"Keyring(versions={sorted(self.keys)})"


@dataclass(frozen=True, slots=True)
class Seat:
    """What a link holds: a place to answer one wave, until and including a last day."""

    pseudonym: bytes
    wave: int
    last_day: date

    def __repr__(self) -> str:
        return f"Seat(wave={self.wave})"


def pseudonym(keys: Keyring, study: str, pid: str) -> bytes:
    """The 32 bytes under which a person answers in one study.

    `pid` is 32 lower-case hexadecimal digits (128 random bits), so trying all is hopeless. Pseudonyms use the
    lowest key version for ever: a new one would cut a person's waves apart.
    """
    if not PID_PATTERN.fullmatch(pid):
        raise ValueError("a person id is 32 lower-case hexadecimal digits")
    if not study or "|" in study:
        raise ValueError("a study code may not be empty or hold a bar")
    return hmac.digest(keys.keys[min(keys.keys)], f"pseud|v1|{study}|{pid}".encode(), hashlib.sha256)


def seal(keys: Keyring, seat: Seat) -> str:
    """A link of 87 characters for this seat; a different one each time."""
    days = (seat.last_day - _FIRST_DAY).days
    body = _BODY.pack(seat.pseudonym, seat.wave, days)
    version = bytes([keys.newest])
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCMSIV(keys.derive("survey link")).encrypt(nonce, body, _PURPOSE + version)
    return base64.urlsafe_b64encode(version + nonce + sealed).rstrip(b"=").decode()


def open_link(keys: Keyring, link: str) -> Seat:
    """The seat that a link was made for. Raises BadLink; whether its last day has passed is for the caller to ask."""
    if not LINK_PATTERN.fullmatch(link):
        raise BadLink
    raw = base64.urlsafe_b64decode(link + "=")
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != link:  # spare bits of the last character
        raise BadLink
    version, nonce, sealed = raw[:1], raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :]
    known = version[0] in keys.keys
    # A key that was never ours costs the same time as one that was, so that timing tells nothing about versions.
    key = keys.derive("survey link", version[0] if known else None)
    try:
        body = AESGCMSIV(key).decrypt(nonce, sealed, _PURPOSE + version)
    except InvalidTag:
        raise BadLink from None
    return _seat(body)


def seal_box(key: bytes, content: bytes, purpose: str) -> bytes:
    """Encrypt any content for one purpose: nonce and ciphertext in one piece."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCMSIV(key).encrypt(nonce, content, purpose.encode())


def open_box(key: bytes, box: bytes, purpose: str) -> bytes:
    """The content of a sealed box. Raises BadLink when it was changed or sealed for another purpose."""
    try:
        return AESGCMSIV(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError):
        raise BadLink from None


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of unpadded base64url. Raises BadLink for anything else."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadLink from None
    return raw


def _seat(body: bytes) -> Seat:
    mark, wave, days = _BODY.unpack(body)
    return Seat(mark, wave, _FIRST_DAY + timedelta(days=days))


def _key_bytes(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else decode(text.rstrip("="))
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise BadKey("a key is 64 hexadecimal digits or base64url of 32 random bytes")
    return raw
