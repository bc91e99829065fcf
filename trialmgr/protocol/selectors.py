"""Reading protocol versions."""

import json
from datetime import datetime
from functools import lru_cache

from django.utils.translation import gettext as _

from trialmgr.core.errors import DomainError
from trialmgr.protocol.changes import changes
from trialmgr.protocol.models import ProtocolVersion
from trialmgr.protocol.reading import restore
from trialmgr.protocol.schema import Protocol


def current_protocol(trial: str) -> Protocol:
    """The newest protocol of the trial with this code. Raises DomainError when there is none.

    One small query; the parsed protocol itself is kept by its digest, which never comes to mean another text.
    """
    versions = ProtocolVersion.objects.filter(trial__code=trial).order_by("-number")
    digest = versions.values_list("sha256", flat=True).first()
    if digest is None:
        raise DomainError(no_protocol(trial))
    return _parsed(digest)


def sites_in(trial: str) -> list[str]:
    """The codes of the sites of a trial, in the protocol's order; none when there is no such trial."""
    version = current_version(trial)
    return [site.code for site in protocol_of(version).sites] if version else []


def no_protocol(trial: str) -> str:
    return _("There is no protocol of the trial %(trial)s.") % {"trial": trial}


def current_version(trial: str) -> ProtocolVersion | None:
    return ProtocolVersion.objects.filter(trial__code=trial).order_by("-number").first()


def version_at(trial: str, moment: datetime) -> ProtocolVersion | None:
    """The version that held at a moment."""
    held = ProtocolVersion.objects.filter(trial__code=trial, created_at__lte=moment)
    return held.order_by("-number").first()


def version_named(trial: str, sha256: str) -> ProtocolVersion | None:
    """The version with this text, the newest when it came back."""
    return ProtocolVersion.objects.filter(trial__code=trial, sha256=sha256).order_by("-number").first()


def history(trial: str) -> list[tuple[ProtocolVersion, list[str]]]:
    """Every version, newest first, with the parts of the file in which it differs from the one before."""
    found = ProtocolVersion.objects.filter(trial__code=trial).select_related("created_by").order_by("number")
    before: Protocol | None = None
    told = []
    for version in found:
        protocol = restore(json.loads(version.document))
        keys = [change.key.split(".")[0] for change in changes(before, protocol)] if before else []
        told.append((version, list(dict.fromkeys(keys))))
        before = protocol
    return told[::-1]


def protocol_of(version: ProtocolVersion) -> Protocol:
    """The protocol of a version, parsed once a process."""
    return _parsed(version.sha256)


@lru_cache(maxsize=64)
def _parsed(sha256: str) -> Protocol:
    text = ProtocolVersion.objects.filter(sha256=sha256).values_list("document", flat=True)[:1].get()
    return restore(json.loads(text))
