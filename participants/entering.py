"""Entering households: who is known already, what a household may be, and the rows that are made."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from participants.ages import ADULT, OLDEST, may_have_begun, may_join
from participants.importing import Row
from participants.models import Contact, Household, HouseholdType, Person
from participants.names import findable, letters_of
from trialmgr.core import clock
from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

ALONE = (HouseholdType.SINGLE, HouseholdType.LONE_PARENT)
COUPLES = (HouseholdType.COUPLE, HouseholdType.COUPLE_CHILDREN)
ONCE_IN_TRIAL = ("person_client_number_once_in_trial", "contact_person_once_in_trial")


class MemberError(DomainError):
    """Something about one member of a household; `member` is the place of that member, the first being 0."""

    def __init__(self, message: str, *, field: str, member: int) -> None:
        super().__init__(message, field=field)
        self.member = member


class AlreadyKnown(MemberError):
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

    def names(self) -> tuple[str, str, str]:
        return self.first_name, self.infix, self.surname


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A household to enter, with its adult members."""

    site: str
    household_type: str
    benefit_since: date | None
    members: tuple[Member, ...]


def entry_of(rows: Sequence[Row]) -> Entry:
    kind = next((row.household_type for row in rows if row.household_type), "")
    return Entry(
        site=rows[0].site,
        household_type=kind or (HouseholdType.COUPLE if len(rows) > 1 else HouseholdType.SINGLE),
        benefit_since=next((row.benefit_since for row in rows if row.benefit_since), None),
        members=tuple(map(member_of, rows)),
    )


def member_of(row: Row) -> Member:
    return Member(**{name: getattr(row, name) for name in Member.__dataclass_fields__})


def enter(trial: str, round_code: str, entries: Sequence[Entry]) -> list[Household]:
    """Create households, persons and contacts in three statements, whatever their number."""
    _check_entries(current_protocol(trial), entries)
    _refuse_known(trial, [member for entry in entries for member in entry.members])
    try:
        with transaction.atomic():
            return _create(trial, round_code, entries)
    except IntegrityError as error:
        if not any(name in str(error) for name in ONCE_IN_TRIAL):
            raise
        text = _("Somebody else entered one of these persons just now. Look them up.")
        raise AlreadyKnown(text, field="client_number", member=0) from None


def _check_entries(protocol: Protocol, entries: Sequence[Entry]) -> None:
    sites = {site.code for site in protocol.sites}
    for entry in entries:
        if not 1 <= len(entry.members) <= 2:
            raise DomainError(_("A household has one or two adult members."))
        if len(entry.members) == 2 and entry.household_type in ALONE:
            raise DomainError(_("Two adults are a couple, with or without children."), field="household_type")
        if len(entry.members) == 1 and entry.household_type in COUPLES:
            text = _("A couple has two adults: fill in the partner, or choose another kind of household.")
            raise MemberError(text, field="client_number", member=1)
        if entry.site not in sites or entry.household_type not in HouseholdType.values:
            raise DomainError(_("Choose from the list."), field="site")


def check_days(entries: Sequence[Entry], day: date) -> None:
    """Raise for who is too young or too old to join on a day, and for a benefit that cannot have begun."""
    for entry in entries:
        for place, member in enumerate(entry.members):
            if not may_join(member.born_on, day):
                text = _("Who takes part is %(young)s to %(old)s years old.") % {"young": ADULT, "old": OLDEST}
                raise MemberError(text, field="born_on", member=place)
        oldest = min((member.born_on for member in entry.members), default=date.min)
        if entry.benefit_since and not may_have_begun(entry.benefit_since, oldest, clock.today()):
            raise DomainError(_("A benefit begins after the birth, and not after today."), field="benefit_since")


def _create(trial: str, round_code: str, entries: Sequence[Entry]) -> list[Household]:
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
        Contact(
            person=person,
            trial_id=trial,
            likeness=_likeness(trial, member),
            words=findable(member.names(), number=member.client_number, code=home.code),
            **member.details(),
        )
        for person, (home, member) in zip(persons, pairs, strict=True)
    )
    return households


def _refuse_known(trial: str, members: Sequence[Member]) -> None:
    places: dict[object, int] = {}
    for place, member in enumerate(members):
        for key in (member.client_number, _likeness(trial, member)):
            if places.setdefault(key, place) != place:
                raise AlreadyKnown(_("The same person stands here twice."), field="surname", member=place)
    for place, number in known_in_trial(trial, members).items():
        new = members[place].client_number
        if number == new:
            text = _("Already in this trial: client number %s.") % number
            raise AlreadyKnown(text, field="client_number", member=place)
        text = _("A person of this name and day of birth is in this trial already: client number %s.")
        raise AlreadyKnown(
            text % (_("%(known)s (here %(new)s)") % {"known": number, "new": new}), field="surname", member=place
        )


def known_in_trial(trial: str, members: Sequence[Member]) -> Mapping[int, str]:
    """Which of these persons are in the trial already, by their place: the client number they are known by."""
    numbers = {member.client_number: place for place, member in enumerate(members)}
    same = Person.objects.filter(trial=trial, client_number__any_of=list(numbers)).values_list(
        "client_number", flat=True
    )
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]  # a digest was made with the key of its day
    alike = {
        _likeness(trial, replace(member, surname=surname), key): place
        for place, member in enumerate(members)
        for surname in _spellings(member)
        for key in keys
    }
    found = Contact.objects.filter(trial=trial, likeness__any_of=list(alike)).values_list(
        "likeness", "person__client_number"
    )
    by_name = {alike[likeness]: number for likeness, number in found}
    return dict(sorted((by_name | {numbers[number]: number for number in same}).items()))


def _spellings(member: Member) -> Iterator[str]:
    """The surname with none, some or all of its infix: where that ends is a matter of who enters it."""
    words = member.infix.split()
    return (" ".join([*words[at:], member.surname]) for at in range(len(words) + 1))


def _likeness(trial: str, member: Member, key: str | None = None) -> str:
    """Keyed digest of a name without accents and capitals and a day of birth."""
    text = f"likeness|{trial}|{letters_of(member.first_name, member.surname)}|{member.born_on.isoformat()}"
    return hmac.new((key or settings.SECRET_KEY).encode(), text.encode(), hashlib.sha256).hexdigest()
