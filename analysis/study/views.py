"""Pages of the research side: runs of the registered plan, their approvals, and results once they may be seen."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.study import files, planning, reading, selectors, services
from analysis.study.forms import GroundForm, PurposeForm, ReasonForm
from analysis.study.models import ENDABLE, Registration, Run
from trialmgr.core.access import may, requires
from trialmgr.core.errors import DomainError


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
    context = {
        "runs": selectors.runs_of(trial),
        "plans": Registration.objects.filter(trial=trial).defer("document").order_by("-number"),
        "under_way": selectors.under_way(trial) if allowed else (),
        "form": form if allowed else None,
    }
    return render(request, "study/runs.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("view_study")
def plan(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """A registered plan, in words: what approvers of a run say yes to."""
    row = get_object_or_404(Registration.objects.defer("document"), trial=trial, number=number)
    language = get_language() or "nl"
    context = {"registration": row, "plan": planning.planned(selectors.plan_of(row), language)}
    return render(request, "study/plan.html", context)


@require_safe
@requires("view_study")
def run(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    return render(request, "study/run.html", _context(request, row))


@require_safe
@requires("view_study")
def result_file(request: HttpRequest, trial: str, code: str, form: str) -> HttpResponse:
    """An open result to take along: as it is stored (JSON), or its numbers as a table (CSV)."""
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    document = selectors.result_of(row) if selectors.is_open(row) else None
    if document is None:
        raise Http404
    write, kind = files.FORMS[form]
    response = HttpResponse(write(document), content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="result-{trial}-{row.pk}.{form}"'
    return response


def _context(request: HttpRequest, row: Run, form: forms.Form | None = None) -> dict[str, Any]:
    """What the page of a run shows; `form` is the one that was filled in wrongly."""
    approvals = row.approvals.all()
    own, can_end = request.user == row.requested_by, row.status in ENDABLE
    others = selectors.under_way(row.trial).exclude(pk=row.pk) if can_end else ()
    return {
        "run": row,
        "approvals": approvals,
        "others": others,
        "form": form if isinstance(form, GroundForm) else GroundForm(),
        "reason_form": form if isinstance(form, ReasonForm) else ReasonForm(),
        "opens_on": selectors.opens_on(row),
        "may_approve": not own and request.user not in [approval.by for approval in approvals],
        "may_withdraw": own and can_end,
        "may_refuse": not own and can_end,
        **_result(row),
    }


def _result(row: Run) -> dict[str, Any]:
    """The result as the page shows it, when it is open."""
    if not selectors.is_open(row):
        return {"open": False}
    shown: dict[str, Any] = {"open": True, "early": selectors.opened_early(row)}
    try:
        document = selectors.result_of(row)
    except DomainError as error:
        return shown | {"fault": str(error)}
    if document is None:
        return shown
    protocol, language = selectors.protocol_of(row), get_language() or "nl"
    return shown | {"result": reading.shown(document, protocol, language)}


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
@requires("approve_run")
def refuse(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    return _end(request, trial, code, services.refuse_run, _("You refused this run."))


@require_POST
@requires("request_run")
def withdraw(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    return _end(request, trial, code, services.withdraw_run, _("You withdrew this run."))


def _end(request: HttpRequest, trial: str, code: str, service: Callable[..., Run], done: str) -> HttpResponse:
    row = get_object_or_404(selectors.runs_of(trial), code=code)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return render(request, "study/run.html", _context(request, row, form), status=422)
    try:
        service(run_id=row.pk, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
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
