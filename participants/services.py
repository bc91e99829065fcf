"""Everything that changes a household, a person or what they agreed to. Nothing else writes these tables."""

import hashlib
import hmac
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from participants.importing import Row
from participants.models import (
    Baseline,
    Check,
    Consent,
    Contact,
    Exit,
    ExitReason,
    Household,
    HouseholdType,
    ImportDraft,
    Person,
    Step,
    StepKind,
)
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User
from trialmgr.protocol.selectors import current_protocol

DRAFT_LIVES = timedelta(hours=1)


class NotAllowedYet(DomainError):
    """A step was asked for before the one that must come first."""


class AlreadyKnown(DomainError):
    """The person is in this trial already."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """What the office knows of a person when they sign up."""

    client_number: str
    first_name: str
    surname: str
    born_on: date
    infix: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    language: str = "nl"

    def details(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name != "client_number"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A household to enter, with its adult members."""

    site: str
    household_type: str
    benefit_since: date | None
    members: tuple[Member, ...]


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
    entry = Entry(site=site, household_type=household_type, benefit_since=benefit_since, members=tuple(members))
    household = _enter(trial, round_code, [entry])[0]
    _step(household.persons.all(), StepKind.SIGNED_UP, day=day, by=by)
    audit.record("household.signed_up", f"household:{household.pk}", by=by, persons=len(members))
    return household


@transaction.atomic
def solicit(*, trial: str, round_code: str, rows: Sequence[Row], day: date, by: User) -> int:
    """Enter recipients who are invited by letter, all or none; give the number of households."""
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row.household, []).append(row)
    households = _enter(trial, round_code, [_entry(together) for together in members.values()])
    _step(Person.objects.filter(household__in=households), StepKind.SOLICITED, day=day, by=by)
    audit.record("households.solicited", f"trial:{trial}", by=by, households=len(households), persons=len(rows))
    return len(households)


@transaction.atomic
def accept_invitation(*, household_id: int, day: date, by: User) -> None:
    """A household that was invited by letter signs up."""
    household = _lock(household_id)
    _require(household, StepKind.SOLICITED, _("Only a household that was invited can accept the invitation."))
    _step(household.persons.all(), StepKind.SIGNED_UP, day=day, by=by)
    audit.record("household.signed_up", f"household:{household.pk}", by=by)


@transaction.atomic
def decline_invitation(*, household_id: int, day: date, by: User) -> None:
    household = _lock(household_id)
    _require(household, StepKind.SOLICITED, _("Only a household that was invited can decline."))
    if household.persons.filter(steps__kind=StepKind.SIGNED_UP).exists():
        raise NotAllowedYet(_("This household has signed up already."))
    _step(household.persons.all(), StepKind.DECLINED, day=day, by=by)
    audit.record("household.declined", f"household:{household.pk}", by=by)


@transaction.atomic
def check_eligibility(*, person_id: int, answers: Mapping[str, bool], day: date, by: User) -> bool:
    """Store the answer to every question of the protocol; True when the person may take part.

    A wrong answer excludes, with that question as the reason; the partner is not excluded by it.
    """
    person = _person(person_id)
    _require_step(person, StepKind.SIGNED_UP, _("Record the sign-up before the checks."))
    checks = current_protocol(person.trial_id).eligibility
    missing = [check.question.text("nl") for check in checks if check.code not in answers]
    if missing or len(answers) != len(checks):
        raise DomainError(_("Answer every question: %(missing)s") % {"missing": ", ".join(missing)})
    if person.checks.exists():
        raise DomainError(_("The checks of this person have been done."))
    Check.objects.bulk_create(
        Check(person=person, code=check.code, answer=answers[check.code], day=day, recorded_by=by) for check in checks
    )
    failed = next((check for check in checks if answers[check.code] != check.must_be), None)
    kind = StepKind.EXCLUDED if failed else StepKind.ELIGIBLE
    _step([person], kind, day=day, by=by, reason=failed.code if failed else "")
    audit.record(f"person.{kind}", f"person:{person.pk}", by=by, reason_code=failed.code if failed else "")
    return failed is None


@transaction.atomic
def record_consent(*, person_id: int, purposes: Mapping[str, bool], channel: str, day: date, by: User) -> bool:
    """Store what the person agreed to; True when everything that taking part needs was agreed to."""
    person = _person(person_id)
    _require_step(person, StepKind.ELIGIBLE, _("Do the checks before the consent."))
    protocol = current_protocol(person.trial_id)
    known = {purpose.code: purpose for purpose in protocol.consent.purposes}
    if set(purposes) != set(known):
        raise DomainError(_("Record an answer for every purpose of the consent form."))
    if person.consents.filter(ended_on=None).exists():
        raise DomainError(_("The consent of this person has been recorded."))
    Consent.objects.bulk_create(
        Consent(
            person=person,
            purpose=code,
            version=protocol.consent.version,
            given=given,
            day=day,
            channel=channel,
            recorded_by=by,
        )
        for code, given in purposes.items()
    )
    agreed = all(purposes[code] for code, purpose in known.items() if purpose.required)
    if agreed:
        _step([person], StepKind.CONSENTED, day=day, by=by)
    audit.record(
        "person.consent_recorded", f"person:{person.pk}", by=by, agreed=agreed, version=protocol.consent.version
    )
    return agreed


@transaction.atomic
def mark_randomised(*, household_ids: Collection[int], day: date, by: User | None) -> None:
    """Called by the draw, in its transaction. Safe to repeat."""
    persons = Person.objects.filter(household_id__in=household_ids).exclude(steps__kind=StepKind.RANDOMISED)
    _step(persons.filter(steps__kind=StepKind.CONSENTED), StepKind.RANDOMISED, day=day, by=by)


@transaction.atomic
def record_baselines(*, pids: Collection[str]) -> int:
    """Called by the nightly status, under the login that may know who answered; give how many are new."""
    persons = Person.objects.filter(pid__in=pids, baseline=None)
    made = Baseline.objects.bulk_create(Baseline(person=person, known_since=clock.today()) for person in persons)
    return len(made)


@transaction.atomic
def record_exit(*, household_id: int, day: date, reason: str, by: User) -> Exit:
    """The household left the benefit. It stays in its group and is followed."""
    household = _lock(household_id)
    if reason not in ExitReason.values:
        raise DomainError(_("Choose a reason from the list."), field="reason")
    if day > clock.today():
        raise DomainError(_("An exit lies in the past: give the day it happened."), field="day")
    if household.exits.filter(returned_on=None).exists():
        raise DomainError(_("This household has left the benefit already; record the return first."))
    left = Exit.objects.create(household=household, day=day, reason=reason, recorded_at=clock.now(), recorded_by=by)
    audit.record("household.exited", f"household:{household.pk}", by=by, exit=left.pk, reason_code=reason)
    return left


@transaction.atomic
def record_return(*, household_id: int, day: date, by: User) -> Exit:
    """The household receives benefit again."""
    left = Exit.objects.select_for_update(of=("self",)).filter(household_id=household_id, returned_on=None).first()
    if left is None:
        raise DomainError(_("This household has not left the benefit."))
    if day <= left.day:
        raise DomainError(_("The return comes after the exit of %(day)s.") % {"day": left.day}, field="day")
    left.returned_on = day
    left.save(update_fields=["returned_on"])
    audit.record("household.returned", f"household:{household_id}", by=by, exit=left.pk)
    return left


STOPS = (StepKind.STOPPED_TREATMENT, StepKind.STOPPED_SURVEYS, StepKind.WITHDREW_DATA)


@transaction.atomic
def stop(*, person_id: int, kinds: Collection[str], day: date, by: User) -> None:
    """A person stops: with the group's rules, with questionnaires, or with everything. No reason is asked."""
    person = _person(person_id)
    chosen = [kind for kind in STOPS if kind in kinds]
    if not chosen or len(chosen) != len(set(kinds)):
        raise DomainError(_("Choose what the person stops with."), field="kinds")
    _require_step(person, StepKind.SIGNED_UP, _("This person has not joined, so there is nothing to stop."))
    done = set(person.steps.filter(kind__in=chosen).values_list("kind", flat=True))
    if StepKind.WITHDREW_DATA in chosen:
        chosen = [kind for kind in STOPS if kind not in done]
        person.consents.filter(ended_on=None).update(ended_on=day)
    for kind in chosen:
        if kind not in done:
            _step([person], kind, day=day, by=by)
    audit.record("person.stopped", f"person:{person.pk}", by=by, kinds=[str(kind) for kind in chosen])


@transaction.atomic
def keep_import(*, trial: str, rows: Sequence[Row], by: User) -> ImportDraft:
    """Keep a checked file until its import is confirmed; older drafts go."""
    now = clock.now()
    ImportDraft.objects.filter(created_at__lt=now - DRAFT_LIVES).delete()
    return ImportDraft.objects.create(
        trial_id=trial, rows=[row.as_json() for row in rows], created_at=now, created_by=by
    )


@transaction.atomic
def confirm_import(*, draft_id: int, round_code: str, day: date, by: User) -> int:
    """Import the rows of a draft of one's own; give the number of households. A second click finds it gone."""
    draft = ImportDraft.objects.select_for_update(of=("self",)).filter(pk=draft_id, created_by=by).first()
    if draft is None:
        raise DomainError(_("This import was confirmed already, or waited more than an hour. Upload the file again."))
    rows = [row_from_json(row) for row in draft.rows]
    count = solicit(trial=draft.trial_id, round_code=round_code, rows=rows, day=day, by=by)
    draft.delete()
    return count


def row_from_json(data: Mapping[str, str]) -> Row:
    days = {name: date.fromisoformat(data[name]) if data[name] else None for name in ("born_on", "benefit_since")}
    return Row(**{**data, **days})


def _entry(rows: Sequence[Row]) -> Entry:
    kind = next((row.household_type for row in rows if row.household_type), "")
    return Entry(
        site=rows[0].site,
        household_type=kind or (HouseholdType.COUPLE if len(rows) > 1 else HouseholdType.SINGLE),
        benefit_since=next((row.benefit_since for row in rows if row.benefit_since), None),
        members=tuple(Member(**{name: getattr(row, name) for name in Member.__dataclass_fields__}) for row in rows),
    )


def _enter(trial: str, round_code: str, entries: Sequence[Entry]) -> list[Household]:
    """Create households, persons and contacts in three statements, whatever their number."""
    if not all(1 <= len(entry.members) <= 2 for entry in entries):
        raise DomainError(_("A household has one or two adult members."))
    _refuse_known(trial, [member for entry in entries for member in entry.members])
    now = clock.now()
    households = Household.objects.bulk_create(
        Household(
            trial_id=trial,
            site=entry.site,
            round=round_code,
            household_type=entry.household_type,
            benefit_since=entry.benefit_since,
            created_at=now,
        )
        for entry in entries
    )
    pairs = [(home, member) for home, entry in zip(households, entries, strict=True) for member in entry.members]
    persons = Person.objects.bulk_create(
        Person(trial_id=trial, household=home, client_number=member.client_number) for home, member in pairs
    )
    Contact.objects.bulk_create(
        Contact(person=person, trial_id=trial, likeness=_likeness(trial, member), **member.details())
        for person, (_home, member) in zip(persons, pairs, strict=True)
    )
    return households


def _refuse_known(trial: str, members: Sequence[Member]) -> None:
    numbers = {member.client_number for member in members}
    known = Person.objects.filter(trial=trial, client_number__in=numbers).values_list("client_number", flat=True)
    if known:
        text = _("Already in this trial: client number %s.") % ", ".join(sorted(known)[:5])
        raise AlreadyKnown(text, field="client_number")
    alike = {_likeness(trial, member): member for member in members}
    found = Contact.objects.filter(trial=trial, likeness__in=alike).values_list("likeness", flat=True)
    if found or len(alike) < len(members):
        text = _("A person of this name and day of birth is in this trial already: client number %s.")
        twice = [alike[likeness].client_number for likeness in found] or sorted(numbers)
        raise AlreadyKnown(text % ", ".join(twice[:5]), field="surname")


def _likeness(trial: str, member: Member) -> str:
    """Keyed digest of a name without accents and capitals and a day of birth."""
    plain = unicodedata.normalize("NFKD", f"{member.first_name} {member.surname}").casefold()
    letters = "".join(letter for letter in plain if letter.isalnum())
    text = f"likeness|{trial}|{letters}|{member.born_on.isoformat()}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def _lock(household_id: int) -> Household:
    return Household.objects.select_for_update(of=("self",), no_key=True).get(pk=household_id)


def _person(person_id: int) -> Person:
    return Person.objects.select_for_update(of=("self",), no_key=True).get(pk=person_id)


def _require(household: Household, kind: StepKind, message: str) -> None:
    if not household.persons.filter(steps__kind=kind).exists():
        raise NotAllowedYet(message)


def _require_step(person: Person, kind: StepKind, message: str) -> None:
    if not person.steps.filter(kind=kind).exists():
        raise NotAllowedYet(message)


def _step(persons: Iterable[Person], kind: StepKind, *, day: date, by: User | None, reason: str = "") -> None:
    now: datetime = clock.now()
    Step.objects.bulk_create(
        Step(person=person, kind=kind, day=day, reason=reason, recorded_at=now, recorded_by=by) for person in persons
    )
