"""The custodian's page: what was sent, what could not be, how many answered."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from surveys.mailing import selectors, services
from trialmgr.core.access import requires


@require_safe
@requires("send_waves")
def waves(request: HttpRequest, trial: str) -> HttpResponse:
    page = Paginator(selectors.failed_mails(trial), 50).get_page(request.GET.get("page"))
    context = {"states": selectors.wave_states(trial), "page": page, "held": selectors.is_held(trial)}
    return render(request, "mailing/waves.html", context)


@require_POST
@requires("send_waves")
def hold(request: HttpRequest, trial: str) -> HttpResponse:
    """Hold back all mail of the trial, or let it go again."""
    act = services.release_mail if selectors.is_held(trial) else services.hold_mail
    act(trial=trial, by=request.user)
    return redirect("waves", trial=trial)
