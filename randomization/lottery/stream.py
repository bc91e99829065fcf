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


class Stream:
    """The words of one domain, in order. A domain is used by one stream only."""

    def __init__(self, mac: hmac.HMAC, domain: str) -> None:
        self._mac = mac
        self._prefix = f"VLOT-1|{domain}|".encode()
        self._blocks = 0
        self._words: list[int] = []

    def word(self) -> int:
        """The next 64-bit number."""
        if not self._words:
            self._words = list(_FOUR_WORDS.unpack(self.block()))[::-1]
        return self._words.pop()

    def below(self, n: int) -> int:
        """A number from 0 up to and without `n`, all equally likely: words of the incomplete last round are skipped."""
        limit = WORDS - WORDS % n
        while (word := self.word()) >= limit:
            continue
        return word % n

    def words(self, count: int) -> tuple[int, ...]:
        """The words of the next blocks, at least `count` of them."""
        blocks = (count + 3) // 4
        return struct.unpack(f">{4 * blocks}Q", b"".join([self.block() for _ in range(blocks)]))

    def block(self) -> bytes:
        """The next 32 bytes."""
        mac = self._mac.copy()
        mac.update(self._prefix + b"%d" % self._blocks)
        self._blocks += 1
        return mac.digest()


class Lots:
    """All streams of one seed; `prefix` keeps the attempts of a re-randomised draw apart."""

    def __init__(self, seed: bytes, prefix: str = "") -> None:
        self._mac = hmac.new(seed, digestmod="sha256")
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
        words = self.stream(domain).words(last)
        if max(words) >= WORDS - last - 1:
            below = self.stream(domain).below
            others = [below(place + 1) for place in range(last, 0, -1)]
        else:
            others = [word % (place + 1) for place, word in zip(range(last, 0, -1), words, strict=False)]
        for place, other in zip(range(last, 0, -1), others, strict=True):
            shuffled[place], shuffled[other] = shuffled[other], shuffled[place]
        return shuffled
