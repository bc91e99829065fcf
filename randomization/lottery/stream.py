"""VLOT-1 randomness: a keyed stream of words that anyone can replay with HMAC-SHA256.

Nothing here knows of arms or people. All text is UTF-8, hex is lower case.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
VERSION = "VLOT-1"
WORDS = 1 << 64
_FOUR_WORDS = struct.Struct(">4Q")


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lines_hash(rows: Iterable[Sequence[str]]) -> str:
    """SHA-256 over one line a row: its fields with a TAB between them and LF at the end."""
    return sha256_hex("".join(["\t".join(row) + "\n" for row in rows]).encode())


def commitment_of(secret: bytes) -> str:
    """What is published before the draw; it binds the operator to `secret` and tells nothing about it."""
    return sha256_hex(b"VLOT-1|commit|" + secret)


def seed_of(secret: bytes, params_hash: str, list_hash: str, beacon: str) -> bytes:
    """The 32 bytes that decide everything: the secret binds the operator, the beacon binds nature."""
    return hmac.digest(secret, f"VLOT-1|seed|{params_hash}|{list_hash}|{beacon}".encode(), "sha256")


class Mac:
    """HMAC-SHA256 (RFC 2104) under one key, with the key worked in once; `hmac` would do that for every block."""

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Stream:
    """The words of one domain, in order. A domain is used by one stream only."""

    def __init__(self, mac: Mac, domain: str) -> None:
        self._mac = mac
        self._prefix = f"VLOT-1|{domain}|".encode()
        self._blocks = 0
        self._words: list[int] = []

    def block(self) -> bytes:
        """The next 32 bytes."""
        block = self._mac.digest(self._prefix + b"%d" % self._blocks)
        self._blocks += 1
        return block

    def word(self) -> int:
        """The next 64-bit number, a quarter of a block."""
        if not self._words:
            self._words = list(_FOUR_WORDS.unpack(self.block()))[::-1]
        return self._words.pop()

    def below(self, n: int) -> int:
        """A number from 0 up to and without `n`, all equally likely: words of the incomplete last round are skipped."""
        limit = WORDS - WORDS % n
        while (word := self.word()) >= limit:
            continue
        return word % n


class Lots:
    """All streams of one seed; `prefix` keeps the attempts of a re-randomised draw apart."""

    def __init__(self, seed: bytes, prefix: str = "") -> None:
        self._mac = Mac(seed)
        self.prefix = prefix

    def stream(self, domain: str) -> Stream:
        return Stream(self._mac, self.prefix + domain)

    def shuffle(self, domain: str, items: Iterable[Item]) -> list[Item]:
        """A new list in an order drawn from the stream of `domain`.

        A draw of a million units spends its time here, so all words are made in one go;
        in the rare case that one of them might have to be skipped they are taken one by one.
        """
        shuffled = list(items)
        last = len(shuffled) - 1
        if last < 1:
            return shuffled
        words = self._words(domain, last)
        if max(words) >= WORDS - last - 1:
            below = self.stream(domain).below
            words = [below(place + 1) for place in range(last, 0, -1)]
        for place, word in zip(range(last, 0, -1), words, strict=False):
            other = word % (place + 1)
            shuffled[place], shuffled[other] = shuffled[other], shuffled[place]
        return shuffled

    def _words(self, domain: str, count: int) -> Sequence[int]:
        """The first words of a domain, at least `count`."""
        prefix, digest = f"VLOT-1|{self.prefix}{domain}|".encode(), self._mac.digest
        if count <= 4:
            return _FOUR_WORDS.unpack(digest(prefix + b"0"))
        blocks = (count + 3) // 4
        return struct.unpack(f">{4 * blocks}Q", b"".join([digest(prefix + b"%d" % block) for block in range(blocks)]))
