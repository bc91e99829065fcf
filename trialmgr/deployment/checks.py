"""What a deployment must have that nothing else would miss before people do: `manage.py check --deploy`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import Error, register

from trialmgr.core import messages
from trialmgr.processes import DEMO_ONLY

ADDRESSES = ("OFFICE_URL", "SURVEY_URL", "RESEARCH_URL", "VAULT_URL")
TOKEN = re.compile(r"[0-9A-Fa-f]{64}")
PREPARE = "Run manage.py prepare_release, at each release."


@register("trialmgr", deploy=True)
def release(**_: Any) -> list[Error]:
    """The texts are compiled and the files for browsers collected, of this release."""
    found = []
    if stale := messages.stale(settings.BASE_DIR):
        places = ", ".join(str(path.relative_to(settings.BASE_DIR)) for path in stale)
        found.append(Error(f"The Dutch texts are not compiled: {places}", hint=PREPARE, id="trialmgr.E001"))
    collected = getattr(staticfiles_storage, "hashed_files", {})
    if lacking := [path for path in _served() if path not in collected]:
        text = f"{settings.STATIC_ROOT} lacks {len(lacking)} files that pages need, such as {lacking[0]}"
        found.append(Error(text, hint=PREPARE, id="trialmgr.E002"))
    return found


def _served() -> list[str]:
    return sorted(path for finder in get_finders() for path, _storage in finder.list([]))


@register("trialmgr", deploy=True)
def surroundings(**_: Any) -> list[Error]:
    """Settings that each are allowed, and together would harm somebody."""
    return [Error(text, id=f"trialmgr.{code}") for code, text in _faults()]


def _faults() -> Iterator[tuple[str, str]]:
    demo = [name for name in DEMO_ONLY if os.environ.get(name, "0") not in {"", "0"}]
    if demo:
        yield "E003", f"{', '.join(demo)}: for demo and tests only, remove from this environment."
    if any("*" in host for host in settings.ALLOWED_HOSTS):
        yield "E004", "TRIALMGR_ALLOWED_HOSTS holds *: write the exact host names."
    for name in ADDRESSES:
        address = getattr(settings, name)
        if address and urlsplit(address).scheme != "https":
            variable = name if name == "VAULT_URL" else f"TRIALMGR_{name}"
            yield "E005", f"{variable} does not begin with https://, so others could read what it carries."
    if settings.ANCHOR_FILE and not Path(settings.ANCHOR_FILE).parent.is_dir():
        yield "E006", "The folder of TRIALMGR_ANCHOR_FILE does not exist: is its disk there?"
    if settings.VAULT_TOKEN and not TOKEN.fullmatch(settings.VAULT_TOKEN):
        yield "E007", "VAULT_TOKEN is not 64 hexadecimal digits: make one with `openssl rand -hex 32`."
