"""Pages of the research side: runs of the registered plan, their approvals, and results once they may be seen."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.study import reading, selectors, services
from trialmgr.core.access import may, requires
from trialmgr.core.errors import DomainError


class PurposeForm(forms.Form):
    purpose = forms.CharField(
        label=gettext_lazy("What is this run for?"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class GroundForm(forms.Form):
    ground = forms.CharField(
        label=gettext_lazy("Ground: who decided this, and when"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@require_http_methods(["GET", "POST"])
@requires("view_study")
def runs(request: HttpRequest, trial: str) -> HttpResponse:
    """All runs, and the form that asks for one."""
    allowed = may(request.user, "request_run", trial=trial)
    if request.method == "POST" and not allowed:
        raise PermissionDenied
    form = PurposeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.request_run(trial=trial, purpose=form.cleaned_data["purpose"], by=request.user)
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Asked for. Two others must approve it."))
            return redirect("run", trial=trial, code=made.code)
    context = {"runs": selectors.runs_of(trial), "form": form if allowed else None}
    return render(request, "study/runs.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("view_study")
def run(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    return render(request, "study/run.html", _context(request, row, GroundForm()))


def _context(request: HttpRequest, row: Any, form: forms.Form) -> dict[str, Any]:
    language = get_language() or "nl"
    approvers = [approval.by for approval in row.approvals.all()]
    context: dict[str, Any] = {"run": row, "approvers": approvers, "form": form, "open": selectors.is_open(row)}
    context["opens_on"] = selectors.opens_on(row)
    context["may_approve"] = request.user not in approvers and request.user != row.requested_by
    try:
        document = selectors.result_of(row) if context["open"] else None
    except DomainError as error:
        context["fault"], document = str(error), None
    if document:
        context["analyses"] = reading.analyses(document, selectors.protocol_of(row), language)
        context["software"] = document["software"]
    return context


@require_POST
@requires("approve_run")
def approve(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    try:
        services.approve_run(run_id=row.pk, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("You approved this run."))
    return redirect("run", trial=trial, code=code)


@require_POST
@requires("lift_embargo")
def release(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    """Propose to open a result before the embargo ends, or confirm the proposal of somebody else."""
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    form = GroundForm(request.POST)
    try:
        if getattr(row, "release", None):
            services.confirm_release(run_id=row.pk, by=request.user)
            done = _("The result is open now.")
        elif form.is_valid():
            services.propose_release(run_id=row.pk, ground=form.cleaned_data["ground"], by=request.user)
            done = _("Your proposal was recorded.")
        else:
            return render(request, "study/run.html", _context(request, row, form), status=422)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("run", trial=trial, code=code)
