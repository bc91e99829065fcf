"""The custodian's page: what was sent, what could not be, how many answered."""

from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from surveys.mailing import selectors, services
from trialmgr.core.access import requires, sites_of


@require_safe
@requires("send_waves")
def waves(request: HttpRequest, trial: str) -> HttpResponse:
    page = Paginator(selectors.failed_mails(request.user, trial=trial), 50).get_page(request.GET.get("page"))
    context = {"states": selectors.wave_states(trial), "page": page, "held": selectors.is_held(trial)}
    context["may_hold"] = sites_of(request.user, "send_waves", trial=trial) is None
    return render(request, "mailing/waves.html", context)


@require_POST
@requires("send_waves")
def hold(request: HttpRequest, trial: str) -> HttpResponse:
    """Hold back all mail of the trial, or let it go again; for a custodian of the whole trial."""
    acts = {"hold": services.hold_mail, "release": services.release_mail}
    if sites_of(request.user, "send_waves", trial=trial) is not None:
        raise PermissionDenied
    if request.POST.get("mail") not in acts:
        raise BadRequest
    acts[request.POST["mail"]](trial=trial, by=request.user)
    return redirect("waves", trial=trial)
