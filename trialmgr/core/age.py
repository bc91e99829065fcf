"""Files that only the holder of a private key can open, in the format of age (https://c2sp.org/age, version 1).

Who encrypts needs public keys only. What is written here opens with the programs `age` and `rage` too, and they can
write what is read here; of the format's kinds of key only X25519, the common one, is known.
"""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"age-encryption.org/v1\n"
LABEL = b"age-encryption.org/v1/X25519"
CHUNK, TAG = 65536, 16
FILE_KEY = 16
MOST_KEYS = 20  # each costs work before anything in the header is known to be genuine
FULL_LINE, LONGEST_LINE, LONGEST_BODY = 65, 400, 4000
PUBLIC, PRIVATE = "age", "age-secret-key-"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class NotOpened(ValueError):
    """The file is damaged, was cut short, or was not made for this key."""


class NotAKey(ValueError):
    """The text is not a key of age."""


@dataclass(frozen=True)
class Recipient:
    """A public key: whom a file is for."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "Recipient":
        """From `age1…`. Raises NotAKey."""
        return cls(_from_bech32(PUBLIC, text))

    def __str__(self) -> str:
        return _to_bech32(PUBLIC, self.raw)


@dataclass(frozen=True, repr=False)
class Identity:
    """A private key."""

    raw: bytes

    @classmethod
    def new(cls) -> "Identity":
        return cls(os.urandom(32))

    @classmethod
    def parse(cls, text: str) -> "Identity":
        """From `AGE-SECRET-KEY-1…`. Raises NotAKey."""
        return cls(_from_bech32(PRIVATE, text))

    @property
    def recipient(self) -> Recipient:
        return Recipient(X25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    def to_text(self) -> str:
        return _to_bech32(PRIVATE, self.raw).upper()


def encrypt(source: IO[bytes], target: IO[bytes], recipients: Sequence[Recipient]) -> None:
    """Copy `source` to `target`, encrypted so that each of the recipients can open it; holds two chunks in memory."""
    file_key, nonce = os.urandom(FILE_KEY), os.urandom(16)
    header = VERSION + b"".join(_wrap(file_key, recipient) for recipient in recipients) + b"---"
    target.write(header + b" " + _encode(_header_mac(file_key, header)) + b"\n" + nonce)
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    for number, (chunk, last) in enumerate(_chunks(source, CHUNK)):
        target.write(cipher.encrypt(_nonce(number, last), chunk, None))


def decrypt(source: IO[bytes], identity: Identity) -> Iterator[bytes]:
    """The content, a chunk at a time, each checked before it is given. Raises NotOpened, also after some chunks:
    what came before is worth nothing then."""
    file_key = _file_key(source, identity)
    nonce = source.read(16)
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    for number, (chunk, last) in enumerate(_chunks(source, CHUNK + TAG)):
        if last and number and len(chunk) == TAG:
            raise NotOpened("is damaged: its end is not where it should be")
        try:
            yield cipher.decrypt(_nonce(number, last), chunk, None)
        except InvalidTag:
            raise NotOpened("is damaged or was cut short") from None


def _chunks(source: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """All of the source in chunks, each with whether it is the last; an empty source is one empty chunk."""
    chunk = _read(source, size)
    while following := _read(source, size):
        yield chunk, False
        chunk = following
    yield chunk, True


def _read(source: IO[bytes], size: int) -> bytes:
    """So many bytes, fewer only at the end: a pipe may give less at a time."""
    parts = []
    while size and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _wrap(file_key: bytes, recipient: Recipient) -> bytes:
    """The lines of the header that give the file key to one recipient."""
    own = X25519PrivateKey.generate()
    share = own.public_key().public_bytes_raw()
    key = _derive(own.exchange(X25519PublicKey.from_public_bytes(recipient.raw)), share + recipient.raw, LABEL)
    return b"-> X25519 %s\n%s\n" % (_encode(share), _encode(ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)))


def _unwrap(share: bytes, body: bytes, identity: Identity) -> bytes | None:
    """The file key from one recipient's lines; None when they are somebody else's."""
    private = X25519PrivateKey.from_private_bytes(identity.raw)
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(share))
        key = _derive(shared, share + identity.recipient.raw, LABEL)
        return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except (InvalidTag, ValueError):  # a share of the wrong length, or one of the few that give no secret
        return None


def _file_key(source: IO[bytes], identity: Identity) -> bytes:
    """Read the header and find the file key in it; the source then stands at the payload."""
    header = source.readline(LONGEST_LINE)
    keys: list[bytes | None] = []
    if header != VERSION:
        raise NotOpened("is not a file of age, version 1")
    while (line := source.readline(LONGEST_LINE)).startswith(b"-> ") and len(keys) < MOST_KEYS:
        body = _body(source)
        header += line + body
        words = line[3:].split()
        mine = words[:1] == [b"X25519"] and len(words) == 2  # other kinds of key, and noise, are passed by
        keys.append(_unwrap(_decode(words[1]), _decode(body.rstrip(b"\n")), identity) if mine else None)
    file_key = next((key for key in keys if key and len(key) == FILE_KEY), None)
    if file_key is None:
        raise NotOpened("was not made for this key")
    if line != b"--- " + _encode(_header_mac(file_key, header + b"---")) + b"\n":
        raise NotOpened("is damaged: its header was changed")
    return file_key


def _body(source: IO[bytes]) -> bytes:
    """The lines that belong to one recipient: all are 64 characters long but the last."""
    body = b""
    while len(body) < LONGEST_BODY and (line := source.readline(LONGEST_LINE)):
        body += line
        if len(line) != FULL_LINE:
            break
    return body


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), header, "sha256")


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def _encode(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    try:
        data = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise NotOpened("is damaged: its header cannot be read") from None
    if _encode(data) != text:
        raise NotOpened("is damaged: its header cannot be read")
    return data


def _to_bech32(prefix: str, data: bytes) -> str:
    """32 bytes as letters and digits with a checksum (BIP 173, without its limit of length)."""
    bits = int.from_bytes(data, "big") << 4  # 256 bits and 4 of padding make 52 characters
    values = [bits >> 5 * place & 31 for place in reversed(range(52))]
    rest = _polymod([*_expanded(prefix), *values, *[0] * 6]) ^ 1
    values += [rest >> 5 * place & 31 for place in reversed(range(6))]
    return f"{prefix}1" + "".join(BECH32[value] for value in values)


def _from_bech32(prefix: str, text: str) -> bytes:
    word = text.strip()
    if word not in {word.lower(), word.upper()} or not word.lower().startswith(f"{prefix}1"):
        raise NotAKey(f"does not begin with {prefix}1")
    values = [BECH32.find(letter) for letter in word.lower()[len(prefix) + 1 :]]
    if len(values) != 58 or -1 in values or _polymod([*_expanded(prefix), *values]) != 1 or values[51] & 15:
        raise NotAKey("has a character too many, too few or mistyped")
    bits = 0
    for value in values[:52]:
        bits = bits << 5 | value
    return (bits >> 4).to_bytes(32, "big")


def _expanded(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _polymod(values: Sequence[int]) -> int:
    """The checksum of BIP 173."""
    rest = 1
    for value in values:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ value
        for place, factor in enumerate(GENERATOR):
            rest ^= factor if top >> place & 1 else 0
    return rest
