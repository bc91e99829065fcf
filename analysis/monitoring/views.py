"""Pages of the project leader and the auditor."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from analysis.monitoring import auditing, deeds, selectors, trends
from analysis.monitoring.models import ReleasedResult
from analysis.study import reading
from surveys.mailing.selectors import wave_states
from trialmgr.core import audit, clock
from trialmgr.core.access import requires, requires_for_office
from trialmgr.protocol.selectors import current_protocol

DIGITS = 18


@require_safe
@requires("view_progress")
def progress(request: HttpRequest, trial: str) -> HttpResponse:
    """Recruitment, groups against their target, contacts against their norm, exits, answers; all as of today."""
    language = get_language() or "nl"
    today, embargo = clock.today(), current_protocol(trial).embargo.until
    context = {
        "today": today,
        "arms": selectors.arm_states(trial),
        "flow": selectors.flow(trial),
        "exclusions": selectors.exclusions(trial, language),
        "contact_charts": trends.contact_charts(trial, language),
        "exits": selectors.exits(trial),
        "exit_chart": trends.exit_chart(trial),
        "states": wave_states(trial),
        "embargo": embargo,
        "sealed": today < embargo,
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
    shown = reading.shown(document, selectors.protocol_under(row, document), get_language() or "nl")
    context = {"row": row, "result": shown, "early": selectors.opening_of(row)}
    return render(request, "monitoring/result.html", context)


@require_safe
@requires("view_audit")
def audit_log(request: HttpRequest, trial: str) -> HttpResponse:
    """The events of the trial, newest first. Whether the chain holds, `audit_verify` tells: it walks all of it."""
    return _audit_page(request, auditing.scope_of(_user(request), trial))


@require_safe
@requires_for_office("view_audit")
def office_audit_log(request: HttpRequest) -> HttpResponse:
    """The whole chain: every trial, and what belongs to none."""
    return _audit_page(request, audit.Scope(trial=None))


def _audit_page(request: HttpRequest, scope: audit.Scope) -> HttpResponse:
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) <= DIGITS else audit.NO_END
    page = auditing.page(scope, before=before)
    names = deeds.names_of(event.actor for event in page.events)
    context = {
        "scope": scope,
        "page": page,
        "rows": [(event, names.get(event.actor, ""), deeds.DEEDS.get(event.verb, "")) for event in page.events],
        "first": before == audit.NO_END,
        "head": audit.head(),
        "older_elsewhere": scope.trial is not None and audit.began_without_trials(),
    }
    return render(request, "monitoring/audit.html", context)


@require_POST
@requires("view_audit")
def export_audit(request: HttpRequest, trial: str) -> StreamingHttpResponse:
    return _audit_file(request, auditing.scope_of(_user(request), trial), trial)


@require_POST
@requires_for_office("view_audit")
def export_office_audit(request: HttpRequest) -> StreamingHttpResponse:
    return _audit_file(request, audit.Scope(trial=None), "office")


def _audit_file(request: HttpRequest, scope: audit.Scope, name: str) -> StreamingHttpResponse:
    until = auditing.begin_export(scope, by=_user(request))
    response = StreamingHttpResponse(auditing.lines(scope, until=until), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{name}.csv"'
    return response


def _user(request: HttpRequest) -> Any:
    return request.user
