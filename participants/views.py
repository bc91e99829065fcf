"""Pages about households: the list, entering one, and one household's way through the trial."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from participants import selectors, services
from participants.consenting import may_change_mind, needed_purposes, open_purposes, refusal
from participants.entering import MemberError
from participants.forms import (
    ChecksForm,
    ConsentForm,
    ExitForm,
    HouseholdForm,
    MemberForm,
    PartnerForm,
    ReachForm,
    ReturnForm,
    SearchForm,
    StopForm,
)
from participants.models import Household, Person, StepKind
from trialmgr.core import clock
from trialmgr.core.access import may, requires, sites_of
from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema import Protocol, Purpose
from trialmgr.protocol.selectors import current_protocol

PAGE = 50
ACTIONS = ("enrol_people", "record_exit", "assign_coach")


@require_safe
@requires("view_people")
def people(request: HttpRequest, trial: str) -> HttpResponse:
    form, protocol = SearchForm(request.GET or None), current_protocol(trial)
    households = visible(request, trial, "view_people")
    if form.is_bound and not form.is_valid():
        households = households.none()
    elif form.is_bound:
        households = selectors.search(households, form.cleaned_data["q"])
        households = _at(households, form.cleaned_data["stage"], protocol)
    page = Paginator(selectors.with_people(households.order_by("-pk")), PAGE).get_page(request.GET.get("page"))
    rows = [(home, [(person, refusal(person, protocol)) for person in home.persons.all()]) for home in page]
    return render(request, "participants/people.html", {"form": form, "page": page, "rows": rows})


def _at(households: QuerySet[Household], stage: str, protocol: Protocol) -> QuerySet[Household]:
    if stage == SearchForm.NO_CONSENT:
        return selectors.without_consent(households, needed_purposes(protocol))
    if stage == SearchForm.OFF_BENEFIT:
        return selectors.off_benefit(households)
    return selectors.at_stage(households, stage) if stage else households


@require_http_methods(["GET", "POST"])
@requires("enrol_people")
def add(request: HttpRequest, trial: str) -> HttpResponse:
    """Enter a household that signs up."""
    protocol = current_protocol(trial)
    sites = sites_of(request.user, "enrol_people", trial=trial)
    home = HouseholdForm(request.POST or None, protocol=protocol, sites=sites)
    first = MemberForm(request.POST or None, prefix="first")
    second = PartnerForm(request.POST or None, prefix="second", empty_permitted=True, use_required_attribute=False)
    if request.method == "POST" and all([home.is_valid(), first.is_valid(), second.is_valid()]):
        members = [form.member() for form in (first, second) if form.has_changed() and form.cleaned_data.get("surname")]
        try:
            data = home.cleaned_data
            household = services.sign_up(
                trial=trial,
                site=data["site"],
                round_code=data["round"],
                household_type=data["household_type"],
                benefit_since=data["benefit_since"],
                members=members,
                day=data["day"],
                by=request.user,
            )
        except MemberError as error:
            (first, second)[error.member].add_error(error.field, str(error))
        except DomainError as error:
            home.add_error(error.field if error.field in home.fields else None, str(error))
        else:
            messages.success(request, _("The household was entered. Next: the checks."))
            return redirect("household", trial=trial, code=household.code)
    context = {"home": home, "first": first, "second": second}
    return render(request, "participants/add.html", context, status=422 if home.is_bound else 200)


@require_safe
@requires("view_people")
def household(request: HttpRequest, trial: str, code: str) -> HttpResponse:
    home = get_object_or_404(selectors.with_people(visible(request, trial, "view_people")), code=code)
    return render(request, "participants/household.html", page_of(request, home))


def page_of(request: HttpRequest, home: Household, *, failed: tuple[str, Form] | None = None) -> dict[str, Any]:
    """What the page of a household shows: per person the way so far and the one form that comes next."""
    protocol = current_protocol(home.trial_id)
    people = [_person_on_page(person, home, protocol, failed) for person in home.persons.all()]
    away = next((left for left in home.exits.all() if left.returned_on is None), None)
    allowed = {permission: may(request.user, permission, trial=home.trial_id, site=home.site) for permission in ACTIONS}
    forms = {
        "exit_form": ReturnForm() if away else ExitForm(),
        "drawn": any(StepKind.RANDOMISED in person["taken"] for person in people),
        "can_enrol": allowed["enrol_people"],
        "can_exit": allowed["record_exit"],
        "can_assign": allowed["assign_coach"],
    }
    if failed and failed[0] == "exit":
        forms["exit_form"] = failed[1]
    invited = any(
        StepKind.SOLICITED in person["taken"] and not person["taken"] & {StepKind.SIGNED_UP, StepKind.DECLINED}
        for person in people
    )
    return {"home": home, "people": people, "away": away, "invited": invited, **forms}


def _person_on_page(
    person: Person, home: Household, protocol: Protocol, failed: tuple[str, Form] | None
) -> dict[str, Any]:
    taken = {step.kind for step in person.steps.all()}
    reasons = {check.code: check.reason.text(get_language() or "nl") for check in protocol.eligibility}
    steps = [(step, reasons.get(step.reason, step.reason)) for step in person.steps.all()]
    names = {purpose.code: purpose.name.text(get_language() or "nl") for purpose in protocol.consent.purposes}
    agreed = [(one, names.get(one.purpose, one.purpose)) for one in person.consents.all()]
    forms: dict[str, Form | None] = dict.fromkeys(("checks", "consent", "stop", "reach"))
    withdrew = StepKind.WITHDREW_DATA in taken
    if StepKind.SIGNED_UP in taken and not withdrew and not taken & {StepKind.ELIGIBLE, StepKind.EXCLUDED}:
        forms["checks"] = ChecksForm(protocol=protocol, prefix=f"p{person.pk}")
    if StepKind.ELIGIBLE in taken and not withdrew:
        forms["consent"] = _consent_form(person, home, protocol)
    if StepKind.SIGNED_UP in taken and not withdrew:
        forms["stop"] = StopForm(prefix=f"p{person.pk}", drawn=StepKind.RANDOMISED in taken)
    if not withdrew:
        known = {name: getattr(person.contact, name) for name in services.REACH}
        forms["reach"] = ReachForm(prefix=f"p{person.pk}", initial=known)
    if failed and failed[0].endswith(f":{person.pk}"):
        forms[failed[0].partition(":")[0]] = failed[1]
    said_no = refusal(person, protocol)
    return {"person": person, "steps": steps, "taken": taken, "agreed": agreed, "refusal": said_no, **forms}


def _consent_form(person: Person, home: Household, protocol: Protocol) -> ConsentForm | None:
    """The form for what the person has not agreed to: at first everything, later what was refused and may change."""
    asked = open_purposes(protocol, [one for one in person.consents.all() if one.ended_on is None])
    household = {step.kind for one in home.persons.all() for step in one.steps.all()}
    taken = {step.kind for step in person.steps.all()}
    entry, today = protocol.round(home.round), clock.today()
    first = not person.consents.all()
    if not asked or not (first or may_change_mind(entry, today=today, person=taken, household=household)):
        return None
    return ConsentForm(purposes=asked, prefix=f"p{person.pk}")


def household_action(permission: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Guard an action on a household, and on a person in it, with a permission at the site of that household.

    Its address is asked for by GET after a failed form, by a switch of language say: that leads to the page.
    """

    def decorate(act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @require_http_methods(["GET", "POST"])
        @requires(permission)
        @wraps(act)
        def guarded(request: HttpRequest, trial: str, code: str, person: int | None = None) -> HttpResponse:
            home = get_object_or_404(selectors.with_people(visible(request, trial, permission)), code=code)
            about = [home] if person is None else [home, get_object_or_404(home.persons, pk=person)]
            if request.method == "GET":
                return redirect("household", trial=trial, code=code)
            return act(request, *about)

        return guarded

    return decorate


@household_action("enrol_people")
def checks(request: HttpRequest, home: Household, person: Person) -> HttpResponse:
    form = ChecksForm(request.POST, protocol=current_protocol(home.trial_id), prefix=f"p{person.pk}")

    def act() -> None:
        day = form.cleaned_data["day"]
        passed = services.check_eligibility(person_id=person.pk, answers=form.answers(), day=day, by=request.user)
        if passed:
            messages.success(request, _("May take part. Next: the consent form."))
        else:
            messages.info(request, _("May not take part; the reason was stored."))

    return act_on(request, home, f"checks:{person.pk}", form, act)


@household_action("enrol_people")
def consent(request: HttpRequest, home: Household, person: Person) -> HttpResponse:
    asked = open_purposes(current_protocol(home.trial_id), selectors.standing_consents(person.pk))
    form = ConsentForm(request.POST, purposes=asked, prefix=f"p{person.pk}")

    def act() -> None:
        data = form.cleaned_data
        agreed = services.record_consent(
            person_id=person.pk,
            purposes=form.purposes(),
            channel=data["channel"],
            day=data["day"],
            by=request.user,
        )
        if not any(purpose.required for purpose in asked):
            messages.success(request, _("The change was saved."))
        elif agreed:
            tell_what_follows(request, person.contact.reached_by)
        else:
            messages.info(request, _what_was_said(asked, form.purposes()))

    return act_on(request, home, f"consent:{person.pk}", form, act)


def tell_what_follows(request: HttpRequest, reached_by: str) -> None:
    if reached_by == "mail":
        messages.success(request, _("Consent recorded. The first questionnaire follows by mail."))
    elif reached_by == "letter":
        messages.success(request, _("Consent recorded. The first questionnaire follows by letter."))
    else:
        text = _("Consent recorded. No e-mail address or postal address is known: without one no questionnaire comes.")
        messages.warning(request, text)


def _what_was_said(asked: Iterable[Purpose], said: Mapping[str, bool]) -> str:
    """The answers of a person who did not agree to all that is needed."""
    language = get_language() or "nl"
    yes, no = (
        ", ".join(purpose.name.text(language) for purpose in asked if said[purpose.code] == given)
        for given in (True, False)
    )
    text = _("Recorded: yes to %(yes)s; no to %(no)s.") if yes else _("Recorded: no to %(no)s.")
    return text % {"yes": yes, "no": no} + " " + _("This person does not take part.")


@household_action("enrol_people")
def reach(request: HttpRequest, home: Household, person: Person) -> HttpResponse:
    form = ReachForm(request.POST, prefix=f"p{person.pk}")

    def act() -> None:
        services.change_reach(person_id=person.pk, reach=form.cleaned_data, by=request.user)
        messages.success(request, _("Stored."))

    return act_on(request, home, f"reach:{person.pk}", form, act)


@household_action("record_exit")
def stop(request: HttpRequest, home: Household, person: Person) -> HttpResponse:
    drawn = any(step.kind == StepKind.RANDOMISED for step in person.steps.all())
    form = StopForm(request.POST, prefix=f"p{person.pk}", drawn=drawn)

    def act() -> None:
        data = form.cleaned_data
        services.stop(person_id=person.pk, kinds=data["kinds"], day=data["day"], by=request.user)
        messages.success(request, _("Recorded. Mail to this person stops at once where it must."))

    return act_on(request, home, f"stop:{person.pk}", form, act)


@household_action("record_exit")
def leave(request: HttpRequest, home: Household) -> HttpResponse:
    """The household left the benefit, or receives it again."""
    away = any(left.returned_on is None for left in home.exits.all())
    form = ReturnForm(request.POST) if away else ExitForm(request.POST)

    def act() -> None:
        data = form.cleaned_data
        if away:
            services.record_return(household_id=home.pk, day=data["day"], by=request.user)
        else:
            services.record_exit(household_id=home.pk, by=request.user, **data)
        messages.success(request, _("Recorded."))

    return act_on(request, home, "exit", form, act)


@household_action("enrol_people")
def answer_invitation(request: HttpRequest, home: Household) -> HttpResponse:
    """A household that was invited by letter signs up or declines."""
    chosen = {"accept": services.accept_invitation, "decline": services.decline_invitation}
    if request.POST.get("answer") not in chosen:
        raise BadRequest
    try:
        chosen[request.POST["answer"]](household_id=home.pk, day=clock.today(), by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("household", trial=home.trial_id, code=home.code)


def act_on(request: HttpRequest, home: Household, name: str, form: Form, act: Callable[[], None]) -> HttpResponse:
    """Do what a form on a household's page asks; on a fault show the page again with what was typed."""
    if form.is_valid():
        try:
            act()
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            return redirect("household", trial=home.trial_id, code=home.code)
    return render(request, "participants/household.html", page_of(request, home, failed=(name, form)), status=422)


def visible(request: HttpRequest, trial: str, permission: str) -> QuerySet[Household]:
    return selectors.households_visible_to(request.user, permission, trial=trial)
