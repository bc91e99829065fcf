"""Pages of the project leader and the auditor."""

import json

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from analysis.monitoring import selectors
from analysis.monitoring.models import ReleasedResult
from analysis.study import reading
from surveys.mailing.selectors import wave_states
from trialmgr.core import audit, clock
from trialmgr.core.access import requires
from trialmgr.protocol.selectors import current_protocol

PAGE = 100


@require_safe
@requires("view_progress")
def progress(request: HttpRequest, trial: str) -> HttpResponse:
    """Recruitment, groups against their target, contacts against their norm, exits, answers; all as of today."""
    total, reasons = selectors.exits(trial)
    context = {
        "today": clock.today(),
        "arms": selectors.arm_states(trial),
        "flow": selectors.flow(trial),
        "exclusions": selectors.exclusions(trial, get_language() or "nl"),
        "exits": total,
        "reasons": reasons,
        "states": wave_states(trial),
        "embargo": current_protocol(trial).embargo.until,
        "results": ReleasedResult.objects.filter(trial=trial).order_by("-pk"),
    }
    return render(request, "monitoring/progress.html", context)


@require_safe
@requires("view_progress")
def result(request: HttpRequest, trial: str, run: str) -> HttpResponse:
    """A result that the research side released."""
    row = ReleasedResult.objects.filter(trial=trial, run=run).first()
    if row is None:
        return render(request, "monitoring/no_result.html", status=404)
    document = json.loads(row.document)
    analyses = reading.analyses(document, current_protocol(trial), get_language() or "nl")
    context = {"row": row, "analyses": analyses, "software": document["software"]}
    return render(request, "monitoring/result.html", context)


@require_safe
@requires("view_audit")
def audit_log(request: HttpRequest, trial: str) -> HttpResponse:
    """The audit chain, newest first. Whether it holds is told by `audit_verify`, which walks all of it."""
    last = audit.head()
    number = int(request.GET["page"]) if request.GET.get("page", "").isdecimal() else 1
    pages = Paginator(range(last[0] if last else 0), PAGE)
    page = pages.get_page(number)
    newest = (last[0] if last else 0) - (page.number - 1) * PAGE
    events = audit.between(max(newest - PAGE, 0), newest)
    return render(request, "monitoring/audit.html", {"page": page, "events": events, "head": last})
