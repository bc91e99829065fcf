"""What an auditor may read of the audit chain: a page at a time, and as a file."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from trialmgr.core import audit
from trialmgr.core.access import sites_of
from trialmgr.core.models import User
from trialmgr.core.spreadsheets import harmless

PAGE = 100
PART = 2000
HEADER = (
    "number", "moment", "who", "on_behalf", "what", "on", "trial", "site", "reason",
    "form", "details_sha256", "before_sha256", "sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first; `older` is the number before which the next page begins, None on the last page."""

    events: list[audit.Event]
    older: int | None


def scope_of(user: User, trial: str) -> audit.Scope:
    """The events of a trial that a member of its staff may see, when they may see its audit log at all."""
    sites = sites_of(user, "view_audit", trial=trial)
    return audit.Scope(trial, None if sites is None else frozenset(sites))


def page(scope: audit.Scope, *, before: int) -> Page:
    found = audit.newest(scope, before=before, limit=PAGE + 1)
    events = found[:PAGE]
    return Page(events, events[-1].seq if len(found) > PAGE else None)


@transaction.atomic
def begin_export(scope: audit.Scope, *, by: User) -> int:
    """Note that the events of a scope leave the office; gives the number of the last event that goes along."""
    trial = audit.NO_TRIAL if scope.trial is None else scope.trial
    sites = None if scope.sites is None else sorted(scope.sites)
    return audit.record("audit.exported", f"trial:{trial}" if trial else "audit", by=by, trial=trial, sites=sites)


def lines(scope: audit.Scope, *, until: int) -> Iterator[str]:
    """A CSV file of the events of a scope up to a number, newest first; holds a few thousand in memory at most."""
    writer = csv.writer(_Echo())
    yield writer.writerow(HEADER)
    before = until + 1
    while found := audit.newest(scope, before=before, limit=PART):
        yield "".join(writer.writerow(_cells(event)) for event in found)
        before = found[-1].seq


def _cells(event: audit.Event) -> list[str | int]:
    texts = [event.actor, event.on_behalf, event.verb, event.object, event.trial, event.site, event.reason]
    digests = [event.form, event.payload_digest, event.prev, event.hash]
    return [event.seq, event.at.isoformat(), *(harmless(text) for text in texts), *digests]


class _Echo:
    """A file for csv that gives each line back."""

    def write(self, line: str) -> Any:
        return line
