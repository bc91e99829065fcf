"""Entering households: who is known already, what a household may be, and the rows that are made."""

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from participants.importing import Row
from participants.models import Contact, Household, HouseholdType, Person
from trialmgr.core import clock
from trialmgr.core.errors import DomainError
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

ALONE = (HouseholdType.SINGLE, HouseholdType.LONE_PARENT)
ONCE_IN_TRIAL = ("person_client_number_once_in_trial", "contact_person_once_in_trial")


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


def entry_of(rows: Sequence[Row]) -> Entry:
    kind = next((row.household_type for row in rows if row.household_type), "")
    return Entry(
        site=rows[0].site,
        household_type=kind or (HouseholdType.COUPLE if len(rows) > 1 else HouseholdType.SINGLE),
        benefit_since=next((row.benefit_since for row in rows if row.benefit_since), None),
        members=tuple(Member(**{name: getattr(row, name) for name in Member.__dataclass_fields__}) for row in rows),
    )


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
        raise AlreadyKnown(_("Somebody else entered one of these persons just now. Look them up.")) from None


def _check_entries(protocol: Protocol, entries: Sequence[Entry]) -> None:
    sites = {site.code for site in protocol.sites}
    for entry in entries:
        if not 1 <= len(entry.members) <= 2:
            raise DomainError(_("A household has one or two adult members."))
        if len(entry.members) == 2 and entry.household_type in ALONE:
            raise DomainError(_("Two adults are a couple, with or without children."), field="household_type")
        if entry.site not in sites or entry.household_type not in HouseholdType.values:
            raise DomainError(_("Choose from the list."), field="site")


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
        Contact(person=person, trial_id=trial, likeness=_likeness(trial, member), **member.details())
        for person, (_home, member) in zip(persons, pairs, strict=True)
    )
    return households


def _refuse_known(trial: str, members: Sequence[Member]) -> None:
    numbers = {member.client_number for member in members}
    known = Person.objects.filter(trial=trial, client_number__any_of=list(numbers)).values_list(
        "client_number", flat=True
    )
    if known:
        text = _("Already in this trial: client number %s.") % ", ".join(sorted(known)[:5])
        raise AlreadyKnown(text, field="client_number")
    if len(numbers) < len(members) or len({_likeness(trial, member) for member in members}) < len(members):
        raise AlreadyKnown(_("The same person stands here twice."), field="surname")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]  # a digest was made with the key of its day
    alike = {_likeness(trial, member, key): member for member in members for key in keys}
    found = Contact.objects.filter(trial=trial, likeness__any_of=list(alike)).values_list(
        "likeness", "person__client_number"
    )
    if found:
        text = _("A person of this name and day of birth is in this trial already: client number %s.")
        here = _("%(known)s (here %(new)s)")
        twice = [here % {"known": known, "new": alike[likeness].client_number} for likeness, known in found]
        raise AlreadyKnown(text % ", ".join(twice[:5]), field="surname")


def _likeness(trial: str, member: Member, key: str | None = None) -> str:
    """Keyed digest of a name without accents and capitals and a day of birth."""
    plain = unicodedata.normalize("NFKD", f"{member.first_name} {member.surname}").casefold()
    letters = "".join(letter for letter in plain if letter.isalnum())
    text = f"likeness|{trial}|{letters}|{member.born_on.isoformat()}"
    return hmac.new((key or settings.SECRET_KEY).encode(), text.encode(), hashlib.sha256).hexdigest()
