"""Pages of coaches: the day, one household with its contacts; and of the leader: who coaches whom."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coaching import selectors, services
from coaching.forms import AssignForm, ContactForm, CorrectionForm, VoidForm
from coaching.models import Channel, Contact
from participants.models import Household
from participants.selectors import households_visible_to, with_people
from randomization.selectors import arm_of
from trialmgr.core import clock
from trialmgr.core.access import requires, sites_of
from trialmgr.core.errors import DomainError
from trialmgr.protocol.selectors import current_protocol

LAST_CHANNEL = "last_channel"


@require_safe
@requires("view_caseload")
def today(request: HttpRequest, trial: str) -> HttpResponse:
    """The coach's day: who was planned, who waits too long, who is new."""
    cases = selectors.cases_of(request.user, trial=trial)
    wanted = request.GET.get("q", "").strip().casefold()
    if wanted:
        cases = [case for case in cases if _matches(case.household, wanted)]
    groups = [
        (state, label, [case for case in cases if case.state == state])
        for state, label in (
            ("today", _("Planned for today")),
            ("overdue", _("Waits too long")),
            ("new", _("New in your caseload")),
            ("soon", _("Within a week")),
            ("later", _("Later")),
        )
    ]
    context = {"groups": groups, "total": len(cases), "q": request.GET.get("q", "")}
    return render(request, "coaching/today.html", context)


def _matches(household: Household, wanted: str) -> bool:
    names = [str(person.contact).casefold() for person in household.persons.all()]
    numbers = [person.client_number.casefold() for person in household.persons.all()]
    return wanted == household.code.casefold() or wanted in numbers or any(wanted in name for name in names)


@require_http_methods(["GET", "POST"])
@requires("log_contact")
def case(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    """A household of the coach's own caseload: its group's rules, its contacts, and the form for the next."""
    home = _own(request, trial, code)
    initial = {"channel": request.session.get(LAST_CHANNEL, Channel.PHONE)}
    form = ContactForm(request.POST or None, household=home, initial=initial)
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
    status = 422 if form.is_bound else 200
    return render(request, "coaching/case.html", _case_context(home, form), status=status)


def _case_context(home: Household, form: ContactForm) -> dict[str, Any]:
    language = get_language() or "nl"
    arm = selectors.arm_in(current_protocol(home.trial_id), arm_of(home.pk))
    return {
        "home": home,
        "arm": arm.name.text(language) if arm else _("group that is no longer in the protocol"),
        "texts": arm.texts.texts(language) if arm else None,
        "members": selectors.members_to_meet(home),
        "contacts": selectors.contacts_of(home),
        "form": form,
    }


@require_http_methods(["GET", "POST"])
@requires("log_contact")
def correct(request: HttpRequest, trial: str, contact: int) -> HttpResponse:
    """Change a contact. When somebody else saved meanwhile, both texts are shown and nothing is lost."""
    row = get_object_or_404(selectors.contacts_in_reach(request.user, trial=trial), pk=contact, voided_at=None)
    home = get_object_or_404(with_people(Household.objects.all()), pk=row.person.household_id)
    form = CorrectionForm(request.POST or None, household=home, initial=_stored(row))
    status = 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.correct_contact(
                contact_id=row.pk, talk=form.talk(), version=data["version"], reason=data["reason"], by=request.user
            )
        except services.Conflict as error:
            row.refresh_from_db()
            form.data = form.data.copy()
            form.data["version"] = str(row.version)
            form.add_error(None, str(error))
            status = 409
        except DomainError as error:
            form.add_error(error.field, str(error))
            status = 422
        else:
            messages.success(request, _("The change was saved."))
            return redirect("case", trial=trial, code=home.code)
    elif form.is_bound:
        status = 422
    context = {"form": form, "home": home, "row": row, "conflict": status == 409}
    return render(request, "coaching/correct.html", context, status=status)


@require_POST
@requires("log_contact")
def void(request: HttpRequest, trial: str, contact: int) -> HttpResponse:
    row = get_object_or_404(selectors.contacts_in_reach(request.user, trial=trial), pk=contact, voided_at=None)
    form = VoidForm(request.POST)
    try:
        if not form.is_valid():
            raise DomainError(_("Say in at most 200 letters why this contact never was."))
        services.void_contact(contact_id=row.pk, by=request.user, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("correct_contact", trial=trial, contact=row.pk)
    messages.success(request, _("The contact was struck out. It stays visible as such."))
    return redirect("case", trial=trial, code=row.person.household.code)


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


def _own(request: HttpRequest, trial: str, code: str) -> Household:
    own: Household = get_object_or_404(with_people(selectors.caseload_of(request.user, trial=trial)), code=code)
    return own


def _stored(row: Contact) -> dict[str, Any]:
    same = ("key", "channel", "by_participant", "minutes", "topics", "note", "day", "next_on", "version")
    return {name: getattr(row, name) for name in same} | {
        "person": str(row.person_id),
        "attended": "yes" if row.attended else "no",
    }
