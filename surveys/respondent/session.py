"""The one cookie: an encrypted ticket for one person, one wave and one device. The server keeps no session."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from surveys.sealing import BadLink, Keyring, decode, encode, open_box, seal_box
from trialmgr.core import clock

IDLE = timedelta(minutes=60)
PURPOSE = "survey visit 1"


@dataclass(frozen=True, slots=True)
class Visit:
    """Someone answering on one device. `secret` never leaves the cookie; the store knows its hash."""

    person: bytes
    wave: int
    language: str
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def device(self) -> bytes:
        return hashlib.sha256(self.secret).digest()

    @property
    def form_token(self) -> str:
        """What forms of this visit carry, so that no other site can fill them in."""
        return hmac.digest(self.secret, b"form", hashlib.sha256).hex()

    def in_language(self, language: str) -> "Visit":
        return replace(self, language=language)

    def __repr__(self) -> str:
        return f"Visit(wave={self.wave}, language={self.language})"


def cookie_name() -> str:
    return "__Host-vragen" if settings.HTTPS else "vragen"


def current(request: HttpRequest) -> Visit | None:
    """The visit that this request belongs to; None without a cookie, with a changed one, or after an hour unused."""
    text = request.COOKIES.get(cookie_name(), "")
    for key in _keys():
        try:
            content = json.loads(open_box(key, decode(text), PURPOSE))
        except BadLink:
            continue
        if clock.now() - datetime.fromisoformat(content["seen"]) > IDLE:
            return None
        return Visit(decode(content["person"]), content["wave"], content["language"], decode(content["secret"]))
    return None


def resumed(request: HttpRequest, person: bytes, wave: int) -> Visit:
    """The visit of this person that goes on in this browser, or a new one."""
    visit = current(request)
    return visit if visit and (visit.person, visit.wave) == (person, wave) else Visit(person, wave, "")


def remember(response: HttpResponse, visit: Visit) -> HttpResponse:
    """Give the device its ticket, good for another hour."""
    content = {
        "person": encode(visit.person),
        "wave": visit.wave,
        "language": visit.language,
        "secret": encode(visit.secret),
        "seen": clock.now().isoformat(timespec="seconds"),
    }
    ticket = encode(seal_box(_keys()[0], json.dumps(content).encode(), PURPOSE))
    response.set_cookie(cookie_name(), ticket, secure=settings.HTTPS, httponly=True, samesite="Strict", path="/")
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Leave nothing of the visit on the device, for the next person who uses it."""
    response.delete_cookie(cookie_name(), path="/", samesite="Strict")
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


def is_forgotten(response: HttpResponse) -> bool:
    return "Clear-Site-Data" in response.headers


def _keys() -> list[bytes]:
    """The key that seals, then older ones that still open."""
    texts = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [Keyring({1: hashlib.sha256(text.encode()).digest()}).derive(PURPOSE) for text in texts]
