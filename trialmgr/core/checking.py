"""Whether the audit chain holds, and whether what stands in the tables was told in it, by night and by command."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from trialmgr.core import anchors, audit, clock
from trialmgr.core.errors import BadInput
from trialmgr.core.jobs import allow_long_statements
from trialmgr.core.models import ChainCheck

log = logging.getLogger("trialmgr.audit")

MOST_FAULTS = 20
OVERDUE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class State:
    """What the pages tell: the last check, the last one that found nothing, and whether one is overdue."""

    last: ChainCheck | None
    good: ChainCheck | None
    overdue: bool


@transaction.atomic
def faults(known: Mapping[int, str]) -> tuple[int, list[str]]:
    """The number of events, and what is wrong: with the chain, or between it and the tables (settings.ACCOUNTED)."""
    allow_long_statements()
    count, broken = audit.verify(dict(known))
    if broken:
        return count, [f"event {broken.seq}: {broken.what}"]
    return count, [fault for path in settings.ACCOUNTED for fault in import_string(path)()]


def check() -> ChainCheck:
    """Check against this process's own anchors, and keep what was found."""
    try:
        known, unread = anchors.own(), []
    except BadInput as error:
        known, unread = {}, [str(fault) for fault in error.faults]
    count, wrong = faults(known)
    found = [*unread, *wrong]
    for fault in found[:MOST_FAULTS]:
        log.error("the audit chain: %s", fault)
    return ChainCheck.objects.create(at=clock.now(), events=count, anchors=len(known), faults=found[:MOST_FAULTS])


def state() -> State:
    last = ChainCheck.objects.order_by("-pk").first()
    good = last if last is None or not last.faults else ChainCheck.objects.filter(faults=[]).order_by("-pk").first()
    return State(last, good, overdue=last is not None and clock.now() - last.at > OVERDUE)
