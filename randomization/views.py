"""Pages of the draw: for the statistician and the second person, and for everybody."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from randomization import selectors, services, withdrawing
from randomization.forms import BeaconForm, RequestForm, WithdrawForm
from randomization.models import BUSY, Draw, Status
from trialmgr.core import clock
from trialmgr.core.access import may, requires
from trialmgr.core.anonymous import public
from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

VERIFIER = Path(__file__).parent / "lottery" / "verify.py"
MOMENT = 2.0  # seconds
LONG = timedelta(minutes=2)


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
        try:
            draw = services.request_draw(
                trial=trial,
                round_code=form.cleaned_data["round"],
                event=form.cleaned_data["event"],
                event_on=form.cleaned_data["event_on"],
                by=request.user,
            )
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("The list is being made. It is published as soon as it is ready."))
            _let_a_job_finish(draw)
            return redirect("draw", trial=trial, number=draw.number)
    names = {one.code: one.name.text(get_language() or "nl") for one in protocol.rounds}
    rows = [(draw, names.get(draw.round, draw.round)) for draw in selectors.draws_of(trial)]
    context = {"form": form if can_draw else None, "draws": rows}
    return render(request, "randomization/draws.html", context, status=422 if form.is_bound else 200)


@require_safe
@requires("view_arm_sizes")
def draw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    return render(request, "randomization/draw.html", _context(row))


@require_POST
@requires("approve_beacon")
def beacon(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Enter the public number, or confirm the one that somebody else entered."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    form = BeaconForm(request.POST)
    act = services.enter_beacon if row.status == Status.COMMITTED else services.confirm_beacon
    if form.is_valid():
        try:
            act(draw_id=row.pk, beacon=form.cleaned_data["beacon"], by=request.user)
        except DomainError as error:
            if error.field not in form.fields:  # the draw has moved on: show how it stands now
                messages.error(request, str(error))
                return redirect("draw", trial=trial, number=number)
            form.add_error(error.field, str(error))
        else:
            _let_a_job_finish(row)
            if Draw.objects.filter(pk=row.pk, status=Status.DRAWN).exists():
                messages.success(request, _("The lots are drawn. Everybody can see and check them."))
            return redirect("draw", trial=trial, number=number)
    return render(request, "randomization/draw.html", _context(row) | {"form": form}, status=422)


def _let_a_job_finish(row: Draw) -> None:
    """Wait a moment for the worker, so that who confirms the draw of a town sees its result at once."""
    deadline = time.monotonic() + MOMENT
    while Draw.objects.filter(pk=row.pk, status__in=BUSY).exists() and time.monotonic() < deadline:
        time.sleep(0.1)


@require_POST
@requires("approve_beacon")
def take_back(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    return _done(request, trial, number, services.reopen_beacon)


@require_POST
@requires("draw_lots")
def withdraw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Announce that a published draw will not be drawn."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        return render(request, "randomization/draw.html", _context(row) | {"withdraw_form": form}, status=422)
    try:
        withdrawing.announce_withdrawal(draw_id=row.pk, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("draw", trial=trial, number=number)


@require_POST
@requires("approve_beacon")
def confirm_withdrawal(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """Confirm the withdrawal that somebody else announced."""
    return _done(request, trial, number, withdrawing.confirm_withdrawal)


def _done(request: HttpRequest, trial: str, number: int, act: Callable[..., None]) -> HttpResponse:
    """Do this to the draw, and show how it stands then, with what stood in the way."""
    row = get_object_or_404(selectors.draws_of(trial), number=number)
    try:
        act(draw_id=row.pk, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("draw", trial=trial, number=number)


@require_safe
@public
def public_draws(request: HttpRequest, trial: str) -> HttpResponse:
    """The draws of a trial, for everybody; no login, no names."""
    rows = selectors.published_draws(trial)
    if not rows:
        raise Http404
    return render(request, "randomization/public_draws.html", {"draws": rows, "code": trial})


@require_safe
@public
def public_draw(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """One draw, for everybody: what was published when, and how to check it; a household can look up its code."""
    row = get_object_or_404(selectors.published_draws(trial), number=number)
    code = request.GET.get("code", "").strip().upper()
    arm = selectors.arm_by_code(row, code) if code else None
    names = {arm.code: arm.name.text(get_language() or "nl") for arm in current_protocol(trial).arms}
    mine = names.get(arm, arm) if arm else None
    return render(request, "randomization/public_draw.html", _context(row) | {"asked": code, "mine": mine})


@require_safe
@public
def public_record(request: HttpRequest, trial: str, number: int) -> HttpResponse:
    """The record file that the verifiers read."""
    row = get_object_or_404(selectors.published_draws(trial), number=number)
    headers = {"Content-Disposition": f'attachment; filename="draw-{trial}-{number}.json"'}
    return HttpResponse(row.record, content_type="application/json", headers=headers)


@require_safe
@public
def verifier(request: HttpRequest) -> HttpResponse:
    """The checker itself, one file for a bare Python."""
    headers = {"Content-Disposition": 'attachment; filename="verify.py"'}
    return HttpResponse(VERIFIER.read_bytes(), content_type="text/x-python; charset=utf-8", headers=headers)


def _context(row: Draw) -> dict[str, Any]:
    """What the pages tell of a draw, from what was counted when it was drawn: a record may hold a million lines."""
    protocol, language = current_protocol(row.trial_id), get_language() or "nl"
    counts = [
        (_in_words(protocol, stratum), [groups.get(arm.code, 0) for arm in protocol.arms])
        for stratum, groups in selectors.groups_of(row).items()
    ]
    busy = row.status in BUSY
    late = busy and clock.now() - (row.confirmed_at or row.requested_at) > LONG
    arms = [arm.name.text(language) for arm in protocol.arms]
    told = {"draw": row, "arms": arms, "counts": counts, "busy": busy, "late": late, "today": clock.today()}
    return told | {"form": BeaconForm(), **_withdrawal(row)}


def _withdrawal(row: Draw) -> dict[str, Any]:
    announced = selectors.withdrawal_of(row)
    open_to_it = withdrawing.can_be_withdrawn(row)
    first_day = withdrawing.confirmable_from(row, announced) if announced and open_to_it else None
    return {
        "withdrawal": announced,
        "can_withdraw": open_to_it,
        "withdraw_form": WithdrawForm(),
        "confirmable_from": first_day,
        "confirmable": first_day is not None and first_day <= clock.today(),
    }


def _in_words(protocol: Protocol, stratum: str) -> str:
    """`long/alone` as the protocol names its levels; a name it does not know stays as it is."""
    language = get_language() or "nl"
    factors, codes = protocol.allocation.strata, stratum.split("/")
    if len(codes) != len(factors):
        return stratum
    names = [{level.code: level.name.text(language) for level in factor.levels} for factor in factors]
    return ", ".join(known.get(code, code) for known, code in zip(names, codes, strict=True))
