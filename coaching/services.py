"""Everything that changes a caseload or a contact."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coaching.models import Assignment, Channel, Contact, ContactChange, Topic
from coaching.selectors import caseload_sizes, coaches_of, guided_under, unassigned
from participants.models import Household, Person, Step, StepKind
from participants.selectors import person_in_trial
from randomization.selectors import arm_of
from trialmgr.core import audit, clock
from trialmgr.core.bsn import holds_bsn
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Membership, Role, User
from trialmgr.protocol.models import Trial

UNDO = timedelta(minutes=15)
FURTHEST = timedelta(days=2 * 366)


class Conflict(DomainError):
    """Somebody else saved this record in the meantime; nothing was overwritten."""


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What a coach notes of a contact."""

    day: date
    channel: str
    attended: bool = True
    by_participant: bool = False
    minutes: int = 30
    topics: tuple[str, ...] = ()
    note: str = ""
    next_on: date | None = None


@transaction.atomic
def assign_coach(*, household_id: int, coach: User, day: date, by: User) -> Assignment:
    """Give a household to a coach of its site; the former coach's time ends that day. Safe to repeat.

    Locks the trial, so that two leaders cannot give one household to two coaches.
    """
    home = Household.objects.get(pk=household_id)
    _lock_trial(home.trial_id)
    if not coaches_of(home.trial_id, sites=[home.site]).filter(pk=coach.pk).exists():
        raise DomainError(_("This is not a coach of the site of this household."), field="coach")
    if arm_of(household_id) is None:
        raise DomainError(_("This household was not drawn yet. A coach comes after the draw."))
    if day > clock.today():
        raise DomainError(_("This day has yet to come: change the coach on the day itself."), field="day")
    _refuse_before_draw(day, _drawn_on(household_id))
    current = Assignment.objects.select_for_update(of=("self",)).filter(household=household_id, until_day=None).first()
    if current and current.coach_id == coach.pk:
        return current
    if current:
        if day < current.from_day:
            raise DomainError(_("The present coach began after that day."), field="day")
        current.until_day = day
        current.save(update_fields=["until_day"])
    elif Assignment.objects.filter(household=household_id, until_day__gt=day).exists():
        raise DomainError(_("The household had another coach on that day."), field="day")
    made = Assignment.objects.create(household_id=household_id, coach=coach, from_day=day, assigned_by=by)
    audit.record(
        "household.coach_assigned",
        f"household:{household_id}",
        by=by,
        trial=home.trial_id,
        site=home.site,
        coach=coach.pk,
    )
    return made


@transaction.atomic
def divide_evenly(*, trial: str, day: date, by: User, sites: Collection[str] | None = None) -> int:
    """Give every drawn household that needs a coach and has none to the coach of its site with the fewest persons.

    Of all sites, or of these; safe to repeat. Households of a site without a coach keep waiting.
    """
    _lock_trial(trial)
    load: dict[int, int] = caseload_sizes(trial)
    teams: dict[str, list[int]] = {}
    made = []
    for household_id, site, persons in unassigned(trial, sites=sites):
        if site not in teams:
            teams[site] = list(coaches_of(trial, sites=[site]).values_list("pk", flat=True))
        if not teams[site]:
            continue
        pk = min(teams[site], key=lambda one: (load.get(one, 0), one))
        load[pk] = load.get(pk, 0) + persons
        made.append(Assignment(household_id=household_id, coach_id=pk, from_day=day, assigned_by=by))
    if not made and not all(teams.values()):
        raise DomainError(_("There are no coaches at the site of these households yet."))
    Assignment.objects.bulk_create(made)
    audit.record("households.coaches_assigned", f"trial:{trial}", by=by, trial=trial, households=len(made))
    return len(made)


@transaction.atomic
def release_caseload(*, ended: Membership, by: User | str) -> int:
    """End a coach's time with the households that an ended role had given: they wait for another coach.

    Locks the trial, so that nobody gives the coach one more meanwhile.
    """
    if ended.role != Role.COACH:
        return 0
    _lock_trial(ended.trial)
    left = guided_under(ended).update(until_day=Greatest(F("from_day"), clock.today()))
    if left:
        audit.record(
            "households.coach_left",
            f"trial:{ended.trial}",
            by=by,
            trial=ended.trial,
            site=ended.site,
            coach=ended.user_id,
            households=left,
        )
    return left


@transaction.atomic
def log_contact(*, trial: str, person_id: int, talk: Talk, key: UUID, by: User) -> Contact:
    """Store a contact once, however often the form is sent."""
    _check(talk)
    person = person_in_trial(trial, person_id)
    _may_be_noted(person, talk)
    contact, made = Contact.objects.get_or_create(
        key=key,
        defaults={"person_id": person_id, "coach": by, "recorded_at": clock.now(), **_fields(talk)},
    )
    if not made:
        return _same_form(contact, person_id, by)
    _refuse_twin(contact)
    late = (clock.today() - talk.day).days
    audit.record("contact.logged", f"contact:{contact.pk}", by=by, **_scope(person), person=person_id, days_late=late)
    return contact


def _same_form(contact: Contact, person_id: int, by: User) -> Contact:
    if contact.person_id != person_id or contact.coach_id != by.pk:
        raise DomainError(_("This form was used before. Open a new one."))
    return contact


def _may_be_noted(person: Person, talk: Talk) -> None:
    taken = dict(person.steps.values_list("kind", "day"))
    if StepKind.RANDOMISED not in taken:
        raise DomainError(_("This person was not drawn. Contacts are noted after the draw."))
    if StepKind.WITHDREW_DATA in taken:
        raise DomainError(_("This person withdrew their data; nothing more is recorded."))
    _refuse_before_draw(talk.day, taken[StepKind.RANDOMISED])


def _refuse_before_draw(day: date, drawn_on: date | None) -> None:
    if drawn_on and day < drawn_on:
        text = _("The lots of this household were drawn on %(day)s. Look at the year.")
        raise DomainError(text % {"day": date_format(drawn_on, "SHORT_DATE_FORMAT")}, field="day")


def _drawn_on(household_id: int) -> date | None:
    drawn = Step.objects.filter(person__household=household_id, kind=StepKind.RANDOMISED)
    return drawn.values_list("day", flat=True).first()


def _refuse_twin(contact: Contact) -> None:
    """Who goes back in the browser after saving has a fresh form with the old words in it."""
    same = {name: getattr(contact, name) for name in ("coach", "person", *Talk.__dataclass_fields__)}
    just_now = Contact.objects.filter(recorded_at__gte=contact.recorded_at - UNDO, voided_at=None, **same)
    if just_now.exclude(pk=contact.pk).exists():
        raise DomainError(_("You saved this same contact just now. Was it another one? Then say in the note which."))


@transaction.atomic
def correct_contact(*, contact_id: int, talk: Talk, version: int, reason: str, by: User) -> Contact:
    """Replace what was noted; what stood there is kept. Safe to repeat.

    Raises Conflict when something else was saved since, or the contact was struck out.
    """
    _check(talk)
    contact = _lock_contact(contact_id)
    if contact.voided_at:
        raise Conflict(_("This contact was struck out meanwhile. If it did take place, log it anew."))
    before = _snapshot(contact)
    if before == _plain(_fields(talk)):
        return contact
    if contact.version != version:
        raise Conflict(_changed_by(contact, by))
    _refuse_before_draw(talk.day, _drawn_on(contact.person.household_id))
    _require_reason(contact, reason, by)
    Contact.objects.filter(pk=contact_id).update(version=F("version") + 1, **_fields(talk))
    _keep(contact, version, before, reason, by)
    audit.record(
        "contact.corrected",
        f"contact:{contact_id}",
        by=by,
        **_scope(contact.person),
        reason=reason,
        version=version + 1,
    )
    contact.refresh_from_db()
    return contact


def _changed_by(contact: Contact, by: User) -> str:
    last = contact.changes.select_related("changed_by").order_by("version").last()
    if last is None or last.changed_by_id == by.pk:
        return _("You changed this contact yourself meanwhile, in another window. Compare both and save again.")
    text = _("%(name)s changed this contact meanwhile. Compare both and save again.")
    return text % {"name": last.changed_by}


@transaction.atomic
def void_contact(*, contact_id: int, version: int, reason: str, by: User) -> None:
    """Declare that a contact did not take place; it is never deleted. Safe to repeat."""
    contact = _lock_contact(contact_id)
    if contact.voided_at:
        return
    if contact.version != version:
        raise Conflict(_changed_by(contact, by))
    _require_reason(contact, reason, by)
    Contact.objects.filter(pk=contact_id).update(voided_at=clock.now(), version=F("version") + 1)
    _keep(contact, version, _snapshot(contact), reason, by)
    audit.record("contact.voided", f"contact:{contact_id}", by=by, **_scope(contact.person), reason=reason)


def reason_needed(contact: Contact, by: User) -> bool:
    """A coach's own slip may be mended without a reason in the first quarter of an hour."""
    return contact.coach_id != by.pk or clock.now() - contact.recorded_at > UNDO


def _scope(person: Person) -> dict[str, str]:
    """Whose auditors may see an event about a talk with a person."""
    return {"trial": person.trial_id, "site": person.household.site}


def _lock_contact(contact_id: int) -> Contact:
    contacts = Contact.objects.select_related("person__household")
    return contacts.select_for_update(of=("self",), no_key=True).get(pk=contact_id)


def _lock_trial(trial: str) -> None:
    Trial.objects.select_for_update(of=("self",), no_key=True).get(code=trial)


def _check(talk: Talk) -> None:
    if talk.day > clock.today():
        raise DomainError(_("This day has yet to come; plan it as the next contact."), field="day")
    if talk.channel not in Channel.values or not set(talk.topics) <= set(Topic.values):
        raise DomainError(_("Choose from the list."), field="channel")
    if not 0 <= talk.minutes <= 600:
        raise DomainError(_("A contact takes 0 to 600 minutes."), field="minutes")
    if talk.next_on and talk.next_on < talk.day:
        raise DomainError(_("The next contact comes after this one."), field="next_on")
    if talk.next_on and talk.next_on > clock.today() + FURTHEST:
        raise DomainError(_("Plan the next contact within two years. Look at the year."), field="next_on")
    if holds_bsn(talk.note):
        raise DomainError(_("A citizen service number (BSN) stands in the note. Leave it out."), field="note")


def _require_reason(contact: Contact, reason: str, by: User) -> None:
    if reason_needed(contact, by) and not reason.strip():
        raise DomainError(_("Say in a few words why you change this."), field="reason")


def _keep(contact: Contact, version: int, before: dict[str, object], reason: str, by: User) -> None:
    ContactChange.objects.create(
        contact=contact, version=version, before=before, reason=reason, changed_at=clock.now(), changed_by=by
    )


def _fields(talk: Talk) -> dict[str, object]:
    return asdict(talk) | {"topics": list(talk.topics)}


def _snapshot(contact: Contact) -> dict[str, object]:
    return _plain({name: getattr(contact, name) for name in Talk.__dataclass_fields__})


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields as they are kept in a change: days as text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}
