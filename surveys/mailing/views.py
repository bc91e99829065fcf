"""The custodian's pages: what was sent, what goes on paper, how many answered."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from participants.models import Person
from participants.selectors import households_visible_to
from surveys.mailing import asking, selectors, services
from surveys.mailing import printing as on_paper
from surveys.mailing.models import Again
from surveys.mailing.vault_client import VaultDown, VaultRefused, WaveUnknown
from trialmgr.core import clock
from trialmgr.core.access import requires, sites_of
from trialmgr.core.errors import DomainError
from trialmgr.protocol.selectors import current_protocol

PRINTINGS = 20


@require_safe
@requires("send_waves")
def waves(request: HttpRequest, trial: str) -> HttpResponse:
    page = Paginator(selectors.failed_mails(request.user, trial=trial), 50).get_page(request.GET.get("page"))
    names = _wave_names(trial)
    context = {"states": selectors.wave_states(trial), "page": page, "held": selectors.is_held(trial)}
    context["failed"] = [(mail, names.get(mail.wave, mail.wave), _why(mail.fault)) for mail in page.object_list]
    context["letters"] = sum(state.ready for state in selectors.letter_states(request.user, trial=trial))
    context["unreachable"] = selectors.unreachable(request.user, trial=trial).count()
    context["may_hold"] = sites_of(request.user, "send_waves", trial=trial) is None
    return render(request, "mailing/waves.html", context)


def _wave_names(trial: str) -> dict[str, str]:
    return {wave.code: wave.name.text(get_language() or "nl") for wave in current_protocol(trial).waves}


def _why(fault: str) -> str:
    """A noted fault in the reader's language; the number is the mail server's answer."""
    code = fault.rpartition(" ")[2]
    if code.isdecimal():
        return _("the mail server refused the address or the mail (%s)") % code
    return _("the address cannot be used")


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


@require_safe
@requires("send_waves")
def letters(request: HttpRequest, trial: str) -> HttpResponse:
    """How many letters wait, what was printed and by whom, and who cannot be reached at all."""
    page = Paginator(selectors.unreachable(request.user, trial=trial), 50).get_page(request.GET.get("page"))
    states = selectors.letter_states(request.user, trial=trial)
    names = _wave_names(trial)
    printed = selectors.printings(request.user, trial=trial)[:PRINTINGS]
    context = {
        "states": states,
        "ready": sum(state.ready for state in states),
        "printings": [(one, names.get(one.wave, one.wave)) for one in printed],
        "page": page,
        "held": selectors.is_held(trial),
        "most": on_paper.MOST,
        "reasons": Again.choices,
        "phone": settings.HELP_PHONE,
    }
    return render(request, "mailing/letters.html", context)


@require_POST
@requires("send_waves")
def print_letters(request: HttpRequest, trial: str, wave: str) -> HttpResponse:
    return _handed_over(request, trial, wave, lambda: on_paper.print_letters(trial=trial, wave=wave, by=request.user))


@require_POST
@requires("send_waves")
def print_again(request: HttpRequest, trial: str, printing: int) -> HttpResponse:
    first = get_object_or_404(selectors.printings(request.user, trial=trial), pk=printing)
    seen, reason = request.POST.get("seen", ""), request.POST.get("reason", "")
    if not seen.isdecimal() or len(seen) > 4:
        raise BadRequest

    def act() -> bytes:
        return on_paper.print_again(trial=trial, printing=first, seen=int(seen), reason=reason, by=request.user)

    return _handed_over(request, trial, first.wave, act)


@require_POST
@requires("send_link_again")
def send_again(request: HttpRequest, trial: str, code: str, person: int) -> HttpResponse:
    """The link of the open questionnaire once more, for a person who lost it."""
    homes = households_visible_to(request.user, "send_link_again", trial=trial)
    found = get_object_or_404(Person, pk=person, household__in=homes, household__code=code)
    try:
        new = asking.send_again(trial=trial, person_id=found.pk, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        text = _("The link goes with the next mail or letters.")
        messages.success(request, text if new else _("This was asked before: the link is on its way."))
    return redirect("household", trial=trial, code=code)


def _handed_over(request: HttpRequest, trial: str, wave: str, make: Callable[[], bytes]) -> HttpResponse:
    """The PDF as a download that no proxy on the way may put in a file, or back to the page that says why not."""
    try:
        pdf = make()
    except WaveUnknown:
        messages.error(request, _("The research side has not opened this questionnaire yet, so nothing was printed."))
        return redirect("letters", trial=trial)
    except (VaultDown, VaultRefused):
        messages.error(request, _("The vault gives no links at the moment, so nothing was printed. Try again later."))
        return redirect("letters", trial=trial)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("letters", trial=trial)
    word = _("letters")
    name = f"{word}-{wave}-{clock.today().isoformat()}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)
