"""Runs and results as a page may show them. A sealed result is not read at all."""

import hashlib
import json
from datetime import date
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.study.models import UNDER_WAY, Registration, Result, Run
from analysis.study.reading import Opening
from trialmgr.core import clock
from trialmgr.core.errors import DomainError
from trialmgr.protocol.reading import restore
from trialmgr.protocol.schema import Protocol


class Sealed(DomainError):
    """The result may not be seen yet."""


def runs_of(trial: str) -> QuerySet[Run]:
    people = ("requested_by", "release__proposed_by", "release__confirmed_by", "ending__by")
    runs = Run.objects.filter(trial=trial).select_related("registration", "release", "ending", *people)
    return runs.defer("registration__document").prefetch_related("approvals__by").order_by("-pk")


def under_way(trial: str) -> QuerySet[Run]:
    """Runs that were asked for and have not ended."""
    return runs_of(trial).filter(status__in=UNDER_WAY)


def protocol_of(run: Run) -> Protocol:
    return _parsed(run.registration.sha256)


def plan_of(registration: Registration) -> Protocol:
    return _parsed(registration.sha256)


@lru_cache(maxsize=16)
def _parsed(sha256: str) -> Protocol:
    """Parsed once a process: a digest never comes to mean another text."""
    text = Registration.objects.filter(sha256=sha256).values_list("document", flat=True)[:1].get()
    return restore(json.loads(text))


def sites_in(trial: str) -> list[str]:
    """The codes of the sites of a registered trial, in the protocol's order; none when it is not registered."""
    registered = Registration.objects.filter(trial=trial).order_by("-number").first()
    return [site.code for site in restore(json.loads(registered.document)).sites] if registered else []


def opens_on(run: Run) -> date:
    """The last day of the embargo of the plan that the run is made under."""
    return protocol_of(run).embargo.until


def is_open(run: Run) -> bool:
    """Whether the embargo is over or two persons released the result."""
    release = getattr(run, "release", None)
    return opens_on(run) <= clock.today() or bool(release and release.confirmed_at)


def opened_early(run: Run) -> Opening | None:
    release = getattr(run, "release", None)
    if release is None or release.confirmed_at is None:
        return None
    day = timezone.localdate(release.confirmed_at)
    by = (str(release.proposed_by), str(release.confirmed_by))
    return Opening(day, by, release.ground) if day < opens_on(run) else None


def result_of(run: Run) -> dict[str, Any] | None:
    """The result's document, or None when there is none yet. Raises Sealed under embargo."""
    if not is_open(run):
        raise Sealed("the result is sealed")
    found = Result.objects.filter(run=run).first()
    if found is None:
        return None
    if hashlib.sha256(found.document.encode()).hexdigest() != found.sha256:
        raise DomainError(_("The stored result differs from its digest. It is not shown; tell the data steward."))
    document: dict[str, Any] = json.loads(found.document)
    return document
