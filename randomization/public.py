"""Pages of the draw for everybody: no login, no names."""

import re
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from randomization import selectors
from randomization.lottery.record import as_published
from randomization.telling import arm_names, told
from trialmgr.core.anonymous import public

VERIFIER = Path(__file__).parent / "lottery" / "verify.py"
CODE = re.compile("H?([0-9A-Z]{4})([0-9A-Z]{4})([0-9A-Z]{2})")


@require_safe
@public
def public_trials(request: HttpRequest) -> HttpResponse:
    """The trials of which a draw was published."""
    return render(request, "randomization/public_trials.html", {"trials": selectors.trials_with_draws()})


@require_safe
@public
def public_draws(request: HttpRequest, trial: str) -> HttpResponse:
    """The draws of a trial, and those of which no list could be made: no number is missing."""
    rows = selectors.ended_or_published_draws(trial)
    if not rows:
        raise Http404
    return render(request, "randomization/public_draws.html", {"draws": rows, "code": trial})


@require_safe
@public
def public_draw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """One draw: what was published when, and how to check it; a household can look up its code."""
    row = get_object_or_404(selectors.published_draws(trial), number=number)
    code = _code(request.GET.get("code", ""))
    arm = selectors.arm_by_code(row, code) if code else None
    names = arm_names(trial)[get_language() or "nl"]
    mine = names.get(arm, arm) if arm else None
    return render(request, "randomization/public_draw.html", told(row, in_public=True) | {"asked": code, "mine": mine})


def _code(typed: str) -> str:
    """The code of a household as it is kept, however somebody typed it."""
    bare = re.sub(r"[\s–-]", "", typed).upper()
    found = CODE.fullmatch(bare)
    return f"H-{'-'.join(found.groups())}" if found else typed.strip().upper()


@require_safe
@public
def public_record(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """The record file that the verifiers read."""
    row = get_object_or_404(selectors.published_draws(trial), number=number)
    return _file(row.record, f"draw-{trial}-{number}.json")


@require_safe
@public
def published_record(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """The record file as it was published before the draw, to the byte."""
    row = get_object_or_404(selectors.published_draws(trial), number=number)
    return _file(as_published(row.record), f"draw-{trial}-{number}-published.json")


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/json", headers=headers)


@require_safe
@public
def group_names(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """What the groups of the record are called, for the page that checks it in the browser."""
    get_object_or_404(selectors.published_draws(trial), number=number)
    return JsonResponse(arm_names(trial))


@require_safe
@public
def verifier(request: HttpRequest) -> HttpResponse:
    """The checker itself, one file for a bare Python."""
    headers = {"Content-Disposition": 'attachment; filename="verify.py"'}
    return HttpResponse(VERIFIER.read_bytes(), content_type="text/x-python; charset=utf-8", headers=headers)
