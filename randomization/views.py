"""Pages of the draw for the statistician and the second person; those for everybody are in `public`."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from participants.selectors import waiting_by_round
from randomization import selectors, services, withdrawing
from randomization.balance import compared
from randomization.forms import BeaconForm, EntryForm, RequestForm, WithdrawForm
from randomization.models import Draw, Status
from randomization.telling import told
from trialmgr.core.access import may, requires
from trialmgr.core.errors import DomainError
from trialmgr.protocol.selectors import current_protocol

SOON, LATER = "3", "30"  # seconds until a page that waits for the worker looks again


@require_http_methods(["GET", "POST"])
@requires("view_arm_sizes")
def draws(request: HttpRequest, trial: str) -> HttpResponse:
    """All draws of the trial, and the form that asks for the next."""
    protocol = current_protocol(trial)
    can_draw = may(request.user, "draw_lots", trial=trial)
    if request.method == "POST" and not can_draw:
        raise PermissionDenied
    form = RequestForm(request.POST or None, protocol=protocol)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data | {"round_code": form.cleaned_data["round"]}
        facts.pop("round")
        try:
            made = services.request_draw(trial=trial, by=request.user, **facts)
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("You asked for this draw. Its list is published as soon as it is made."))
            return redirect("draw", trial=trial, number=made.number)
    names = {one.code: one.name.text(get_language() or "nl") for one in protocol.rounds}
    rows = [(draw, names.get(draw.round, draw.round)) for draw in selectors.draws_of(trial)]
    context = {"form": form if can_draw else None, "draws": rows}
    if can_draw:
        waiting = waiting_by_round(trial)
        context["waiting"] = [(name, waiting.get(code, 0)) for code, name in names.items()]
    return render(request, "randomization/draws.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("view_arm_sizes")
def draw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    context = _context(row) | {"balance": compared(row, current_protocol(trial), get_language() or "nl")}
    response = render(request, "randomization/draw.html", context)
    if context["busy"]:
        response["Refresh"] = LATER if context["late"] else SOON
    return response


@require_POST
@requires("approve_beacon")
def beacon(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Enter the public number, or confirm the one that somebody else entered."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    first = row.status == Status.COMMITTED
    form = _beacon_form(row, request.POST)
    if form.is_valid():
        try:
            act: Callable[..., None] = services.enter_beacon if first else services.confirm_beacon
            act(draw_id=row.pk, by=request.user, **form.cleaned_data)
        except DomainError as error:
            if error.field not in form.fields:  # the draw has moved on: show how it stands now
                messages.error(request, str(error))
                return redirect("draw", trial=trial, number=number)
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _entered() if first else _confirmed())
            return redirect("draw", trial=trial, number=number)
    return render(request, "randomization/draw.html", _context(row) | {"form": form}, status=422)


def _entered() -> str:
    return _("The number is entered. Now somebody else looks it up and types it too.")


def _confirmed() -> str:
    return _("The number is confirmed: two persons vouch for it. The lots are drawn with it.")


@require_POST
@requires("approve_beacon")
def take_back(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    said = _("The number is taken back. Everybody can see that it was entered.")
    return _done(request, trial, number, services.reopen_beacon, said)


@require_POST
@requires("draw_lots")
def withdraw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Announce that a published draw will not be drawn."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        return render(request, "randomization/draw.html", _context(row) | {"withdraw_form": form}, status=422)
    said = _("The withdrawal is announced: everybody can read it. Now somebody else confirms it.")
    return _done(request, trial, number, withdrawing.announce_withdrawal, said, **form.cleaned_data)


@require_POST
@requires("approve_beacon")
def confirm_withdrawal(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Confirm the withdrawal that somebody else announced."""
    said = _("This draw is withdrawn, and its secret is published.")
    return _done(request, trial, number, withdrawing.confirm_withdrawal, said)


def _done(
    request: HttpRequest, trial: str, number: int, act: Callable[..., None], said: str, **facts: str
) -> HttpResponse:
    """Do this to the draw, and show how it stands then, with what was done or what stood in the way."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    try:
        act(draw_id=row.pk, by=request.user, **facts)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("draw", trial=trial, number=number)


def _beacon_form(row: Draw, data: Any = None) -> BeaconForm:
    return EntryForm(data) if row.status == Status.COMMITTED else BeaconForm(data)


def _context(row: Draw) -> dict[str, Any]:
    return told(row) | {"form": _beacon_form(row), "withdraw_form": WithdrawForm()}
