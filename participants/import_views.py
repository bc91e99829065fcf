"""The pages of an import: check a file, look at what it would do, confirm."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from participants import drafts
from participants.columns import TITLES
from participants.forms import ImportForm
from participants.importing import read_recipients
from participants.models import ImportDraft
from trialmgr.core import clock
from trialmgr.core.access import requires, sites_of
from trialmgr.core.errors import BadInput, DomainError, Fault
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

FAULTS = 100
PREVIEW = 20


@require_http_methods(["GET", "POST"])
@requires("import_people")
def import_file(request: HttpRequest, trial: str) -> HttpResponse:
    """Check a file of recipients; nothing is stored before every row is right and a person has confirmed."""
    protocol = current_protocol(trial)
    form = ImportForm(request.POST or None, request.FILES or None, protocol=protocol)
    faults: tuple[Fault, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            draft = _checked(request, protocol, trial, form.cleaned_data)
        except BadInput as error:
            faults = error.faults
        else:
            return redirect("confirm_import", trial=trial, draft=draft.pk)
    context = {"form": form, "count": len(faults), "faults": faults[:FAULTS], "more": len(faults[FAULTS:])}
    return render(request, "participants/import.html", context, status=422 if form.is_bound else 200)


def _checked(request: HttpRequest, protocol: Protocol, trial: str, data: dict[str, Any]) -> ImportDraft:
    upload, own = data["file"], sites_of(request.user, "import_people", trial=trial)
    sites = tuple(site.code for site in protocol.sites if own is None or site.code in own)
    found = read_recipients(upload.read(), name=upload.name, sites=sites, today=clock.today(), invited_on=data["day"])
    return drafts.keep_import(trial=trial, found=found, round_code=data["round"], day=data["day"], by=request.user)


@require_http_methods(["GET", "POST"])
@requires("import_people")
def import_draft(request: HttpRequest, trial: str, draft: int) -> HttpResponse:
    """Show what a checked file would do, and do it."""
    sites = sites_of(request.user, "import_people", trial=trial)
    asked = {"trial": trial, "draft_id": draft, "sites": sites, "by": request.user}
    if request.method == "POST":
        return _confirm(request, asked)
    try:
        found = drafts.preview(**asked)
    except drafts.DraftGone as error:
        messages.error(request, str(error))
        return redirect("import_people", trial=trial)
    context = {"draft": draft, "rows": found.rows[:PREVIEW], "count": len(found.rows), "facts": found.facts}
    context |= {"left": found.left[:FAULTS], "left_count": len(found.left), "more": len(found.left[FAULTS:])}
    context["homes"] = len({row.household for row in found.rows})
    context["apart"] = "household" not in {column for _name, column in found.facts["used"]}
    context["used"] = [(name, TITLES[column]) for name, column in found.facts["used"]]
    return render(request, "participants/import_preview.html", context)


def _confirm(request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
    try:
        count = drafts.confirm_import(**asked, leave_out="leave_out" in request.POST)
    except drafts.DraftGone as error:
        messages.error(request, str(error))
        return redirect("import_people", trial=asked["trial"])
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("confirm_import", trial=asked["trial"], draft=asked["draft_id"])
    text = ngettext("%(n)s household was entered.", "%(n)s households were entered.", count) % {"n": count}
    messages.success(request, text)
    return redirect("people", trial=asked["trial"])
