"""The protocol as a page: what the trial is, for everybody who works in it."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trialmgr.core.access import requires
from trialmgr.protocol import selectors
from trialmgr.protocol.models import ProtocolVersion


@dataclass(frozen=True, slots=True)
class Row:
    """A version, and the parts of the file in which it differs from the one before."""

    version: ProtocolVersion
    changed: list[str]


@require_safe
@requires("view_trial")
def protocol(request: HttpRequest, trial: str) -> HttpResponse:
    """The protocol as it holds now, and every version with its reason."""
    rows = [Row(version, changed) for version, changed in selectors.history(trial)]
    if not rows:
        raise Http404
    context = {"protocol": selectors.protocol_of(rows[0].version), "version": rows[0].version, "rows": rows}
    return render(request, "protocol/protocol.html", context)
