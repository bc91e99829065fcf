"""Pages of coaches: the day, one household with its contacts; and of the leader: who coaches whom."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coaching import selectors, services
from coaching.forms import AssignForm, ContactForm, CorrectionForm, VoidForm
from coaching.models import Channel, Contact
from participants.selectors import households_visible_to, with_people
from randomization.selectors import arm_of
from trialmgr.core import clock
from trialmgr.core.access import requires, sites_of
from trialmgr.core.errors import DomainError
from trialmgr.protocol.selectors import current_protocol

LAST_CHANNEL = "last_channel"
STATES = (
    ("today", gettext_lazy("Planned for today")),
    ("missed", gettext_lazy("Planned earlier, nothing noted")),
    ("overdue", gettext_lazy("Waits too long")),
    ("new", gettext_lazy("New in your caseload")),
    ("soon", gettext_lazy("Within a week")),
    ("later", gettext_lazy("Later")),
    ("left", gettext_lazy("Left the benefit")),
)


@require_safe
@requires("view_caseload")
def today(request: HttpRequest, trial: str) -> HttpResponse:
    """The coach's day: who was planned, who waits too long, who is new. A search that finds one opens that one."""
    cases = selectors.cases_of(request.user, trial=trial)
    wanted = request.GET.get("q", "").strip()
    if wanted:
        cases = [case for case in cases if case.matches(wanted)]
        if len(cases) == 1:
            return redirect("case", trial=trial, code=cases[0].household.code)
    groups = [(state, label, [case for case in cases if case.state == state]) for state, label in STATES]
    return render(request, "coaching/today.html", {"groups": groups, "total": len(cases), "q": wanted})


@require_http_methods(["GET", "POST"])
@requires("log_contact")
def case(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    """A household of the coach's own caseload: its group's rules, its contacts, and the form for the next."""
    own = selectors.caseload_of(request.user, trial=trial).filter(code=code)
    found = next(iter(selectors.cases(own, trial=trial)), None)
    if found is None:
        raise Http404
    initial = {"channel": request.session.get(LAST_CHANNEL, Channel.PHONE)}
    form = ContactForm(request.POST or None, household=found.household, initial=initial)
    if request.method == "POST" and form.is_valid():
        key, person = form.key_and_person()
        try:
            services.log_contact(trial=trial, person_id=person, talk=form.talk(), key=key, by=request.user)
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            request.session[LAST_CHANNEL] = form.cleaned_data["channel"]
            messages.success(request, _("Contact saved. You can change it for a quarter of an hour."))
            return redirect("today", trial=trial)
    context = {
        "case": found,
        "texts": found.arm.texts.texts(get_language() or "nl") if found.arm else None,
        "contacts": selectors.contacts_of(found.household),
        "form": form,
    }
    return render(request, "coaching/case.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
@requires("log_contact")
def correct(request: HttpRequest, trial: str, contact: int) -> HttpResponse:
    """Change a contact. When another version was saved meanwhile, both are shown and nothing is lost."""
    row = _contact(request, trial, contact)
    if row.voided_at and request.method != "POST":
        messages.info(request, _("This contact was struck out."))
        return redirect("case", trial=trial, code=row.person.household.code)
    reason_needed = services.reason_needed(row, request.user)
    form = CorrectionForm(request.POST or None, initial=_stored(row), reason_needed=reason_needed)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        said = {"version": data["version"], "reason": data.get("reason", "")}
        try:
            services.correct_contact(contact_id=row.pk, talk=form.talk(), **said, by=request.user)
        except DomainError as error:
            form.add_error(error.field, str(error))
            status = 409 if isinstance(error, services.Conflict) else 422
        else:
            messages.success(request, _("The change was saved."))
            return redirect("case", trial=trial, code=row.person.household.code)
    if status == 409:
        form.data = form.data.copy()
        form.data["version"] = str(row.version)
    strike = VoidForm(initial={"version": row.version}, reason_needed=reason_needed)
    return _correction(request, row, form, strike, status=status)


@require_POST
@requires("log_contact")
def void(request: HttpRequest, trial: str, contact: int) -> HttpResponse:
    row = _contact(request, trial, contact)
    reason_needed = services.reason_needed(row, request.user)
    strike = VoidForm(request.POST, reason_needed=reason_needed)
    if strike.is_valid():
        said = {"version": strike.cleaned_data["version"], "reason": strike.cleaned_data.get("reason", "")}
        try:
            services.void_contact(contact_id=row.pk, **said, by=request.user)
        except DomainError as error:
            strike.add_error(error.field, str(error))
        else:
            messages.success(request, _("The contact was struck out. It stays visible as such."))
            return redirect("case", trial=trial, code=row.person.household.code)
    form = CorrectionForm(initial=_stored(row), reason_needed=reason_needed)
    return _correction(request, row, form, strike, status=422)


def _contact(request: HttpRequest, trial: str, contact: int) -> Contact:
    reach = selectors.contacts_in_reach(request.user, trial=trial)
    return get_object_or_404(reach.select_related("person__household", "person__contact", "coach"), pk=contact)


def _correction(
    request: HttpRequest, row: Contact, form: CorrectionForm, strike: VoidForm, *, status: int
) -> HttpResponse:
    context = {"form": form, "strike": strike, "row": row, "home": row.person.household, "conflict": status == 409}
    return render(request, "coaching/correct.html", context, status=status)


@require_safe
@requires("assign_coach")
def coaches(request: HttpRequest, trial: str) -> HttpResponse:
    """Caseloads against their band, and the households that wait for a coach."""
    sites = sites_of(request.user, "assign_coach", trial=trial)
    sizes = selectors.caseload_sizes(trial)
    bands = [arm.caseload for arm in current_protocol(trial).arms if arm.caseload.worker == "trial_coach"]
    low, high = min((band.low for band in bands), default=0), max((band.high for band in bands), default=0)
    rows = [(coach, sizes.get(coach.pk, 0)) for coach in selectors.coaches_of(trial, sites=sites)]
    waiting = selectors.count_unassigned(trial, sites=sites)
    return render(request, "coaching/coaches.html", {"rows": rows, "low": low, "high": high, "waiting": waiting})


@require_POST
@requires("assign_coach")
def divide(request: HttpRequest, trial: str) -> HttpResponse:
    try:
        sites = sites_of(request.user, "assign_coach", trial=trial)
        count = services.divide_evenly(trial=trial, day=clock.today(), by=request.user, sites=sites)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        text = ngettext("%(n)s household got a coach.", "%(n)s households got a coach.", count) % {"n": count}
        messages.success(request, text)
    return redirect("coaches", trial=trial)


@require_http_methods(["GET", "POST"])
@requires("assign_coach")
def assign(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    """Give one household to another coach."""
    visible = households_visible_to(request.user, "assign_coach", trial=trial)
    home = get_object_or_404(with_people(visible), code=code)
    form = AssignForm(request.POST or None, coaches=selectors.coaches_of(trial, sites=[home.site]))
    drawn = arm_of(home.pk) is not None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.assign_coach(household_id=home.pk, coach=data["coach"], day=data["day"], by=request.user)
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("The household has a new coach."))
            return redirect("household", trial=trial, code=code)
    context = {"form": form, "home": home, "drawn": drawn, "coach": selectors.coach_of(home.pk)}
    return render(request, "coaching/assign.html", context, status=422 if form.is_bound else 200)


def _stored(row: Contact) -> dict[str, Any]:
    same = ("channel", "by_participant", "minutes", "topics", "note", "day", "next_on", "version")
    return {name: getattr(row, name) for name in same} | {"attended": "yes" if row.attended else "no"}
