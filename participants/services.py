"""Everything that changes a household, a person or what they agreed to. Nothing else writes these tables."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from participants.consenting import may_change_mind, open_purposes
from participants.entering import Entry, Member, check_days, enter, entry_of
from participants.importing import Row
from participants.models import (
    STOPS,
    Check,
    Consent,
    Contact,
    Exit,
    ExitReason,
    Household,
    Person,
    Step,
    StepKind,
)
from participants.selectors import standing_consents
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

REACH = ("email", "phone", "street", "postcode", "city", "language")


class NotAllowedYet(DomainError):
    """A step was asked for before the one that must come first."""


class RoundNotOpen(DomainError):
    """People cannot join the round on that day."""


class Withdrawn(DomainError):
    """The person withdrew their data, so nothing more is recorded about them."""


@transaction.atomic
def sign_up(
    *,
    trial: str,
    site: str,
    round_code: str,
    household_type: str,
    benefit_since: date | None,
    members: Sequence[Member],
    day: date,
    by: User,
) -> Household:
    """Enter a household that wants to take part, with all its adult members."""
    _require_open_round(current_protocol(trial), round_code, day)
    entry = Entry(site=site, household_type=household_type, benefit_since=benefit_since, members=tuple(members))
    check_days([entry], day)
    household = enter(trial, round_code, [entry])[0]
    _step(household.persons.all(), StepKind.SIGNED_UP, day=day, by=by)
    _note("household.signed_up", household, by=by, persons=len(members))
    return household


@transaction.atomic
def solicit(*, trial: str, round_code: str, rows: Sequence[Row], day: date, by: User) -> int:
    """Enter recipients who are invited by letter, all or none; give the number of households."""
    _require_not_closed(current_protocol(trial), round_code, day)
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row.household, []).append(row)
    entries = [entry_of(together) for together in members.values()]
    check_days(entries, day)
    households = enter(trial, round_code, entries)
    _step(
        Person.objects.filter(household__pk__any_of=[home.pk for home in households]),
        StepKind.SOLICITED,
        day=day,
        by=by,
    )
    audit.record(
        "households.solicited", f"trial:{trial}", by=by, trial=trial, households=len(households), persons=len(rows)
    )
    return len(households)


@transaction.atomic
def accept_invitation(*, household_id: int, day: date, by: User) -> None:
    """A household that was invited by letter signs up. Safe to repeat."""
    household = _lock(household_id)
    _require(household, StepKind.SOLICITED, _("Only a household that was invited can accept the invitation."))
    if _took(household, StepKind.SIGNED_UP):
        return
    _require_open_round(current_protocol(household.trial_id), household.round, day)
    _require_in_order(household.persons.all()[0], day)
    _step(household.persons.all(), StepKind.SIGNED_UP, day=day, by=by)
    _note("household.signed_up", household, by=by)


@transaction.atomic
def decline_invitation(*, household_id: int, day: date, by: User) -> None:
    """A household that was invited by letter will not take part. Safe to repeat."""
    household = _lock(household_id)
    _require(household, StepKind.SOLICITED, _("Only a household that was invited can decline."))
    if _took(household, StepKind.SIGNED_UP):
        raise NotAllowedYet(_("This household has signed up already."))
    if _took(household, StepKind.DECLINED):
        return
    _require_in_order(household.persons.all()[0], day)
    _step(household.persons.all(), StepKind.DECLINED, day=day, by=by)
    _note("household.declined", household, by=by)


@transaction.atomic
def check_eligibility(*, person_id: int, answers: Mapping[str, bool], day: date, by: User) -> bool:
    """Store the answer to every question of the protocol; True when the person may take part.

    A wrong answer excludes, with that question as the reason; the partner is not excluded by it.
    """
    person = _person(person_id)
    _require_step(person, StepKind.SIGNED_UP, _("Record the sign-up before the checks."))
    _refuse_withdrawn(person)
    checks = current_protocol(person.trial_id).eligibility
    missing = [check.question.text(get_language() or "nl") for check in checks if check.code not in answers]
    if missing or len(answers) != len(checks):
        raise DomainError(_("Answer every question: %(missing)s") % {"missing": ", ".join(missing)})
    if person.checks.exists():
        raise DomainError(_("The checks of this person have been done."))
    _require_in_order(person, day)
    Check.objects.bulk_create(
        Check(person=person, code=check.code, answer=answers[check.code], day=day, recorded_by=by) for check in checks
    )
    failed = next((check for check in checks if answers[check.code] != check.must_be), None)
    kind = StepKind.EXCLUDED if failed else StepKind.ELIGIBLE
    _step([person], kind, day=day, by=by, reason=failed.code if failed else "")
    _note(f"person.{kind}", person, by=by, reason_code=failed.code if failed else "")
    return failed is None


@transaction.atomic
def record_consent(*, person_id: int, purposes: Mapping[str, bool], channel: str, day: date, by: User) -> bool:
    """Store what the person says to each purpose they did not agree to yet; True when all needed ones are agreed to.

    While recruitment is open and before the draw a no may become a yes. The no stays on record, ended on that day.
    """
    person = _person(person_id)
    _require_step(person, StepKind.ELIGIBLE, _("Do the checks before the consent."))
    _refuse_withdrawn(person)
    protocol = current_protocol(person.trial_id)
    standing = {one.purpose: one for one in standing_consents(person.pk)}
    said = _said_now(protocol, standing, purposes)
    if standing:
        _end_refusals(person, protocol, [standing[code] for code in said if code in standing], day)
    _require_in_order(person, day)
    _keep_consents(person, protocol.consent.version, said, channel, day, by)
    yes = {code for code, one in standing.items() if one.given} | {code for code, given in said.items() if given}
    agreed = all(purpose.code in yes for purpose in protocol.consent.purposes if purpose.required)
    if agreed and not person.steps.filter(kind=StepKind.CONSENTED).exists():
        _step([person], StepKind.CONSENTED, day=day, by=by)
    _note(
        "person.consent_changed" if standing else "person.consent_recorded",
        person,
        by=by,
        agreed=agreed,
        version=protocol.consent.version,
        purposes=said,
    )
    return agreed


def _said_now(protocol: Protocol, standing: Mapping[str, Consent], purposes: Mapping[str, bool]) -> dict[str, bool]:
    """What is new in these answers: everything the first time, later each yes where a no stood."""
    asked = {purpose.code for purpose in open_purposes(protocol, standing.values())}
    said = {code: given for code, given in purposes.items() if given or code not in standing}
    if standing and (set(purposes) != asked or not said):
        raise DomainError(_("The consent of this person has been recorded."))
    if set(purposes) != asked:
        raise DomainError(_("Record an answer for every purpose of the consent form."))
    return said


def _end_refusals(person: Person, protocol: Protocol, refusals: Sequence[Consent], day: date) -> None:
    household = set(Step.objects.filter(person__household=person.household_id).values_list("kind", flat=True))
    taken = set(person.steps.values_list("kind", flat=True))
    entry = protocol.round(person.household.round)
    if not may_change_mind(entry, today=clock.today(), person=taken, household=household):
        text = _("A no can become a yes while recruitment is open, before the draw, and when the person did not stop.")
        raise NotAllowedYet(text)
    _require_open_round(protocol, person.household.round, day)
    said_no = max((one.day for one in refusals), default=day)
    if day < said_no:
        text = _("The person said no on %(day)s; the yes comes on that day or later.")
        raise DomainError(text % {"day": date_format(said_no, "SHORT_DATE_FORMAT")}, field="day")
    Consent.objects.filter(pk__in=[one.pk for one in refusals]).update(ended_on=day)


def _keep_consents(person: Person, version: str, said: Mapping[str, bool], channel: str, day: date, by: User) -> None:
    Consent.objects.bulk_create(
        Consent(person=person, purpose=code, version=version, given=given, day=day, channel=channel, recorded_by=by)
        for code, given in said.items()
    )


@transaction.atomic
def record_exit(*, household_id: int, day: date, reason: str, by: User, returned_on: date | None = None) -> Exit:
    """The household left the benefit. It stays in its group and is followed.

    An exit before one that is recorded already names its return, as the household was back in between.
    """
    household = _lock(household_id)
    if reason not in ExitReason.values:
        raise DomainError(_("Choose a reason from the list."), field="reason")
    if household.benefit_since and day <= household.benefit_since:
        text = _("The benefit began on %(day)s; the exit comes after that day.")
        raise DomainError(text % {"day": date_format(household.benefit_since, "SHORT_DATE_FORMAT")}, field="day")
    _require_past(day, returned_on)
    _refuse_overlap(household, day, returned_on)
    left = Exit.objects.create(
        household=household, day=day, reason=reason, returned_on=returned_on, recorded_at=clock.now(), recorded_by=by
    )
    returned = {"returned": True} if returned_on else {}
    _note("household.exited", household, by=by, exit=left.pk, reason_code=reason, **returned)
    return left


def _require_past(day: date, returned_on: date | None) -> None:
    if day > clock.today():
        raise DomainError(_("An exit lies in the past: give the day it happened."), field="day")
    if returned_on and returned_on > clock.today():
        raise DomainError(_("A return lies in the past: give the day it happened."), field="returned_on")
    if returned_on and returned_on <= day:
        text = _("The return comes after the exit of %(day)s.")
        raise DomainError(text % {"day": date_format(day, "SHORT_DATE_FORMAT")}, field="returned_on")


def _refuse_overlap(household: Household, day: date, returned_on: date | None) -> None:
    """The database refuses it too; this says what would be right."""
    away = household.exits.filter(day__lte=day).filter(Q(returned_on=None) | Q(returned_on__gt=day)).first()
    if away and away.returned_on is None:
        raise DomainError(_("This household has left the benefit already; record the return first."))
    if away:
        raise DomainError(_("The household was away from the benefit on that day already."), field="day")
    later = household.exits.filter(day__gt=day).order_by("day").first()
    if later and (returned_on is None or returned_on > later.day):
        text = _("The household left again on %(day)s. Give the day before then on which it received benefit again.")
        raise DomainError(text % {"day": date_format(later.day, "SHORT_DATE_FORMAT")}, field="returned_on")


@transaction.atomic
def record_return(*, household_id: int, day: date, by: User) -> Exit:
    """The household receives benefit again."""
    left = (
        Exit.objects.select_related("household")
        .select_for_update(of=("self",))
        .filter(household_id=household_id, returned_on=None)
        .first()
    )
    if left is None:
        raise DomainError(_("This household has not left the benefit."))
    if day <= left.day:
        text = _("The return comes after the exit of %(day)s.")
        raise DomainError(text % {"day": date_format(left.day, "SHORT_DATE_FORMAT")}, field="day")
    if day > clock.today():
        raise DomainError(_("A return lies in the past: give the day it happened."), field="day")
    left.returned_on = day
    left.save(update_fields=["returned_on"])
    _note("household.returned", left.household, by=by, exit=left.pk)
    return left


@transaction.atomic
def change_reach(*, person_id: int, reach: Mapping[str, str], by: User) -> None:
    """Store a new way to reach a person; the evidence names which field changed, and holds no address."""
    person = _person(person_id)
    _refuse_withdrawn(person)
    contact = person.contact
    changed = sorted(name for name in REACH if getattr(contact, name) != reach[name])
    if changed:
        Contact.objects.filter(pk=contact.pk).update(**{name: reach[name] for name in changed})
        _note("person.reach_changed", person, by=by, fields=changed)


@transaction.atomic
def stop(*, person_id: int, kinds: Collection[str], day: date, by: User) -> None:
    """A person stops: with the group's rules, with questionnaires, or with everything. No reason is asked.

    Who withdraws before the draw never lived under the rules of a group, so stops with the rest only.
    Safe to repeat: what the person stopped with before keeps its day.
    """
    person = _person(person_id)
    chosen = [kind for kind in STOPS if kind in kinds]
    if not chosen or len(chosen) != len(set(kinds)):
        raise DomainError(_("Choose what the person stops with."), field="kinds")
    _require_step(person, StepKind.SIGNED_UP, _("This person has not joined, so there is nothing to stop."))
    taken = set(person.steps.values_list("kind", flat=True))
    if StepKind.WITHDREW_DATA in chosen:
        chosen = [kind for kind in STOPS if kind != StepKind.STOPPED_TREATMENT or StepKind.RANDOMISED in taken]
        _end_consents(person, day)
    _require_in_order(person, day)
    new = [kind for kind in chosen if kind not in taken]
    for kind in new:
        _step([person], kind, day=day, by=by)
    if new:
        _note("person.stopped", person, by=by, kinds=[str(kind) for kind in new])


def _end_consents(person: Person, day: date) -> None:
    consents = person.consents.filter(ended_on=None)
    if consents.filter(day__gt=day).exists():
        raise DomainError(_("The person consented after that day."), field="day")
    consents.update(ended_on=day)


def _note(verb: str, about: Household | Person, *, by: User, **detail: Any) -> None:
    """Write an event about a household or a person; the household says whose auditors may see it."""
    home = about if isinstance(about, Household) else about.household
    kind = "household" if isinstance(about, Household) else "person"
    audit.record(verb, f"{kind}:{about.pk}", by=by, trial=home.trial_id, site=home.site, **detail)


def _lock(household_id: int) -> Household:
    return Household.objects.select_for_update(of=("self",), no_key=True).get(pk=household_id)


def _person(person_id: int) -> Person:
    return Person.objects.select_related("household").select_for_update(of=("self",), no_key=True).get(pk=person_id)


def _require_not_closed(protocol: Protocol, round_code: str, day: date) -> None:
    entry = protocol.round(round_code)
    if day > entry.closes:
        text = _("This recruitment round closed on %(day)s.")
        raise RoundNotOpen(text % {"day": date_format(entry.closes, "SHORT_DATE_FORMAT")}, field="day")


def _require_open_round(protocol: Protocol, round_code: str, day: date) -> None:
    _require_not_closed(protocol, round_code, day)
    entry = protocol.round(round_code)
    if day < entry.opens:
        text = _("This recruitment round opens on %(day)s.")
        raise RoundNotOpen(text % {"day": date_format(entry.opens, "SHORT_DATE_FORMAT")}, field="day")


def _refuse_withdrawn(person: Person) -> None:
    if person.steps.filter(kind=StepKind.WITHDREW_DATA).exists():
        raise Withdrawn(_("This person withdrew their data; nothing more is recorded."))


def _took(household: Household, kind: StepKind) -> bool:
    return household.persons.filter(steps__kind=kind).exists()


def _require(household: Household, kind: StepKind, message: str) -> None:
    if not _took(household, kind):
        raise NotAllowedYet(message)


def _require_step(person: Person, kind: StepKind, message: str) -> None:
    if not person.steps.filter(kind=kind).exists():
        raise NotAllowedYet(message)


def _require_in_order(person: Person, day: date) -> None:
    """Each step comes on the day of the one before, or later; lots are drawn meanwhile, and stops go their own way."""
    before = person.steps.exclude(kind__in=[StepKind.RANDOMISED, *STOPS]).order_by("-day", "-pk").first()
    if before and day < before.day:
        text = _("The step before this one (%(step)s) was on %(day)s: give that day or a later one.")
        told = {"step": before.get_kind_display(), "day": date_format(before.day, "SHORT_DATE_FORMAT")}
        raise DomainError(text % told, field="day")


def _step(persons: Iterable[Person], kind: StepKind, *, day: date, by: User | None, reason: str = "") -> None:
    now: datetime = clock.now()
    Step.objects.bulk_create(
        Step(person=person, kind=kind, day=day, reason=reason, recorded_at=now, recorded_by=by) for person in persons
    )
