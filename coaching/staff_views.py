"""Who works in a trial, for its leader: who holds which role; coaches and support staff come and go here."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coaching import selectors
from coaching.staff_forms import StaffForm
from trialmgr.core import staffing, welcoming
from trialmgr.core.access import GIVEN_BY_LEADERS, requires, sites_of
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Membership
from trialmgr.protocol.selectors import current_protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One role that somebody holds, as the page shows it."""

    held: Membership
    site: str
    may_end: bool
    invited: bool
    """The link to choose a password was not used yet."""


@require_http_methods(["GET", "POST"])
@requires("manage_staff")
def staff(request: HttpRequest, trial: str) -> HttpResponse:
    """Who holds which role, and a form that adds a coach or a member of the support staff."""
    own = sites_of(request.user, "manage_staff", trial=trial)
    names = _site_names(trial)
    form = StaffForm(request.POST or None, sites=_choices(names, own))
    if request.method == "POST" and form.is_valid():
        try:
            _appoint(request, trial, form)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("staff", trial=trial)
    waiting = selectors.count_unassigned(trial, sites=own)
    context = {"form": form, "rows": _rows(trial, names, own), "waiting": waiting}
    return render(request, "coaching/staff.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@requires("manage_staff")
def end(request: HttpRequest, trial: str, member: int) -> HttpResponse:
    """Ask once more, with what follows from it; then end the role."""
    theirs = Membership.objects.filter(trial=trial, role__in=GIVEN_BY_LEADERS).select_related("user")
    own = sites_of(request.user, "manage_staff", trial=trial)
    held = get_object_or_404(theirs if own is None else theirs.filter(site__in=own), pk=member)
    if request.method == "POST" and staffing.end_role(membership=held, by=request.user):
        messages.success(request, _("The role of %(name)s has ended.") % {"name": held.user.name})
        return redirect("staff", trial=trial)
    if request.method == "POST" or held.ended_at:
        messages.info(request, _("The role of %(name)s had ended already.") % {"name": held.user.name})
        return redirect("staff", trial=trial)
    context = {
        "held": held,
        "site": _site_names(trial).get(held.site, held.site),
        "homes": selectors.guided_under(held).count(),
        "last": staffing.held_by(held.user).count() == 1,
    }
    return render(request, "coaching/end_role.html", context)


def _appoint(request: HttpRequest, trial: str, form: StaffForm) -> None:
    """Give the role, then say what came of it, the mail included."""
    data, by, post = form.cleaned_data, request.user, form.post(trial)
    got = staffing.appoint(email=data["email"], name=data["name"], post=post, by=by)
    facts = {"name": got.user.name, "email": got.user.email}
    if not got.role_given:
        messages.info(request, _("%(name)s has this role already.") % facts)
    elif not got.needs_password:
        messages.success(request, _("%(name)s has the role now, and had an account already.") % facts)
    if got.needs_password:
        contact = ", ".join(filter(None, (f"{by.name} ({by.email})", data["phone"])))
        try:
            welcoming.send_welcome(got.user, post, contact=contact)
        except welcoming.MailNotSent as error:
            text = _("The role was given. Later they can ask for a link on the login page, by 'Forgot your password?'.")
            messages.warning(request, f"{error} {text}")
        else:
            text = _("%(name)s got a mail at %(email)s, with a link to choose a password.")
            messages.success(request, text % facts)


def _rows(trial: str, names: dict[str, str], own: set[str] | None) -> list[Row]:
    return [
        Row(
            held,
            site=names.get(held.site, held.site),
            may_end=held.role in GIVEN_BY_LEADERS and (own is None or held.site in own),
            invited=not held.user.has_usable_password(),
        )
        for held in staffing.held_in(trial)
    ]


def _site_names(trial: str) -> dict[str, str]:
    language = get_language() or "nl"
    return {site.code: site.name.text(language) for site in current_protocol(trial).sites}


def _choices(names: dict[str, str], own: set[str] | None) -> list[tuple[str, str]]:
    """The sites that a leader may choose from; in a trial of one site there is nothing to choose."""
    if own is None:
        everywhere: list[Any] = [("", _("all sites"))]
        return everywhere + (list(names.items()) if len(names) > 1 else [])
    return [(code, name) for code, name in names.items() if code in own]
