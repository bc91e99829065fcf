"""Questions about caseloads and contacts."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, DateField, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncMonth

from coaching.models import IN_PERSON, Assignment, Contact, ContactChange, ContactCount
from participants.models import Exit, Household, Person, StepKind
from participants.names import letters_of, plain
from participants.selectors import households_visible_to, persons_guided, with_people
from randomization.selectors import arms_of, households_in
from trialmgr.core import clock
from trialmgr.core.models import Membership, Role, User
from trialmgr.protocol.schema import Arm, Protocol
from trialmgr.protocol.selectors import current_protocol

SOON = timedelta(days=7)
WITHOUT_NORM = 26  # weeks
FEWEST_DIGITS = 4
"""A shorter part of a number or a code finds too many."""


@dataclass(frozen=True, slots=True)
class Case:
    """One household of a caseload, as the coach's pages show it."""

    household: Household
    members: list[Person]
    """Those who were drawn and did not withdraw their data."""
    arm: Arm | None
    """None when the protocol does not know the group any more."""
    last: date | None
    """The last contact that took place, in any way."""
    counted: date | None
    """The last one that counts for the norm of the group: some want to see the person."""
    due: date
    planned: date | None
    """What the newest contact says of the next one; every later contact or attempt replaces it."""
    today: date

    @property
    def left(self) -> Exit | None:
        """The exit from the benefit, while the household has not returned."""
        return next((one for one in self.household.exits.all() if one.returned_on is None), None)

    @property
    def days_late(self) -> int:
        return 0 if self.left else max((self.today - self.due).days, 0)

    @property
    def next_day(self) -> date:
        """The day to think of this household: what is planned, or due before that."""
        return min(self.planned, self.due) if self.planned and self.planned >= self.today else self.due

    @property
    def state(self) -> str:
        if self.planned == self.today:
            return "today"
        if self.planned and self.planned < self.today:
            return "missed"
        if self.left:
            return "left"
        if self.days_late:
            return "overdue"
        if self.last is None:
            return "new"
        return "soon" if self.next_day <= self.today + SOON else "later"

    def matches(self, text: str) -> bool:
        """Whether every word is in a name of the household, or the text is a number or the code of it, or a part."""
        words, digits = plain(text).split(), "".join(filter(str.isdigit, text))
        names = plain(" ".join(str(person.contact) for person in self.members))
        if all(word in names for word in words):
            return True
        phones = ["".join(filter(str.isdigit, person.contact.phone)) for person in self.members]
        numbers, local = [person.client_number for person in self.members], digits.removeprefix("31").lstrip("0")
        if len(digits) >= FEWEST_DIGITS and any(digits in one for one in (*phones, *numbers)):
            return True
        if len(local) >= FEWEST_DIGITS and any(local in one for one in phones):
            return True
        part = letters_of(text)
        return len(part) >= FEWEST_DIGITS and part in letters_of(self.household.code)


def caseload_of(coach: User, *, trial: str) -> QuerySet[Household]:
    """The households that a coach guides now, at the sites where they still are a coach."""
    own = Assignment.objects.filter(coach=coach, until_day=None).values("household_id")
    return households_visible_to(coach, "view_caseload", trial=trial).filter(pk__in=own)


def contacts_in_reach(user: User, *, trial: str) -> QuerySet[Contact]:
    """The contacts that a coach may see: all those of the own caseload, by whichever coach."""
    own = caseload_of(user, trial=trial).values("pk")
    return Contact.objects.filter(person__household__in=own)


def cases_of(coach: User, *, trial: str) -> list[Case]:
    """The caseload with its contacts, those who wait longest first; without households that stopped.

    A fixed number of queries.
    """
    guided = Exists(persons_guided(trial).filter(household=OuterRef("pk")))
    return cases(caseload_of(coach, trial=trial).filter(guided), trial=trial)


def cases(households: QuerySet[Household], *, trial: str) -> list[Case]:
    """How it stands with each of these households that was drawn."""
    today, protocol = clock.today(), current_protocol(trial)
    homes = list(_with_contacts(with_people(households)))
    arms = arms_of([home.pk for home in homes])
    found = [_case(home, protocol, arms[home.pk], today) for home in homes if home.pk in arms]
    return sorted(found, key=lambda case: (case.planned != today, case.next_day, case.household.pk))


def _with_contacts(homes: QuerySet[Household]) -> QuerySet[Household]:
    talks = Contact.objects.filter(person__household=OuterRef("pk"), voided_at=None).order_by("-day", "-pk")
    held, day = talks.filter(attended=True), DateField()
    guided = Assignment.objects.filter(household=OuterRef("pk"), until_day=None)
    return homes.annotate(
        last=Subquery(held.values("day")[:1], output_field=day),
        seen=Subquery(held.filter(channel__in=IN_PERSON).values("day")[:1], output_field=day),
        planned=Subquery(talks.values("next_on")[:1], output_field=day),
        began=Subquery(guided.values("from_day")[:1], output_field=day),
    )


def _case(home: Any, protocol: Protocol, arm_code: str, today: date) -> Case:
    arm = arm_in(protocol, arm_code)
    every = arm.contact.every_weeks if arm else WITHOUT_NORM
    first = (arm.contact.first_within_weeks if arm else None) or every
    counted = home.seen if arm and arm.contact.by == "in_person" else home.last
    due = (home.began or today) + timedelta(weeks=first) if counted is None else counted + timedelta(weeks=every)
    return Case(home, members_to_meet(home), arm, home.last, counted, due, home.planned, today)


def arm_in(protocol: Protocol, code: str | None) -> Arm | None:
    """The group of this code, or None when the protocol does not know it."""
    return next((arm for arm in protocol.arms if arm.code == code), None)


def members_to_meet(household: Household) -> list[Person]:
    """Members whose contacts may be noted: drawn, and their data not withdrawn. Reads prefetched steps."""
    found = []
    for person in household.persons.all():
        taken = {step.kind for step in person.steps.all()}
        if StepKind.RANDOMISED in taken and StepKind.WITHDREW_DATA not in taken:
            found.append(person)
    return found


def contacts_of(household: Household) -> QuerySet[Contact]:
    """Newest first, each with how it stood before it was changed."""
    contacts = Contact.objects.filter(person__household=household).select_related("coach", "person__contact")
    changes = ContactChange.objects.select_related("changed_by").order_by("-version")
    return contacts.prefetch_related(Prefetch("changes", changes)).order_by("-day", "-pk")


def coaches_of(trial: str, *, sites: Collection[str] | None = None) -> QuerySet[User]:
    """The coaches of a trial, or those who work at one of these sites."""
    held = Membership.objects.filter(trial=trial, role=Role.COACH, ended_at=None)
    if sites is not None:
        held = held.filter(site__in=["", *sites])
    return User.objects.filter(pk__in=held.values("user_id"), is_active=True).order_by("name", "pk")


def guided_under(held: Membership) -> QuerySet[Assignment]:
    """Whom a coach guides by this role alone: at no site where another role of theirs makes them a coach too."""
    others = Membership.objects.filter(user=held.user_id, trial=held.trial, role=Role.COACH, ended_at=None)
    sites = set(others.exclude(pk=held.pk).values_list("site", flat=True))
    guided = Assignment.objects.filter(coach=held.user_id, until_day=None, household__trial=held.trial)
    return guided.none() if "" in sites or held.role != Role.COACH else guided.exclude(household__site__in=sites)


def caseload_sizes(trial: str) -> dict[int, int]:
    """Persons in the caseload of each coach who has any, whatever the site: the coach is one."""
    guided = Assignment.objects.filter(until_day=None, household__persons__in=persons_guided(trial))
    return dict(guided.values_list("coach_id").annotate(n=Count("household__persons")).order_by("coach_id"))


def unassigned(trial: str, *, sites: Collection[str] | None = None) -> Iterator[tuple[int, str, int]]:
    """Drawn households without a coach whose group has one: key, site, number of persons."""
    yield from _unassigned(trial, sites).values_list("pk", "site", "n").iterator(chunk_size=5000)


def count_unassigned(trial: str, *, sites: Collection[str] | None = None) -> int:
    return _unassigned(trial, sites).count()


def _unassigned(trial: str, sites: Collection[str] | None) -> QuerySet[Household]:
    guided = {arm.code for arm in current_protocol(trial).arms if arm.caseload.worker == "trial_coach"}
    have = Exists(Assignment.objects.filter(household=OuterRef("pk"), until_day=None))
    homes = Household.objects.filter(~have, pk__in=households_in(trial, guided))
    if sites is not None:
        homes = homes.filter(site__in=sites)
    count = Count("persons", filter=Q(persons__in=persons_guided(trial)))
    return homes.annotate(n=count).filter(n__gte=1).order_by("pk")


def coach_of(household_id: int) -> User | None:
    found = Assignment.objects.filter(household=household_id, until_day=None).select_related("coach").first()
    return found.coach if found else None


def contacts_by_month(trial: str, *, since: date, until: date) -> dict[tuple[str, date], int]:
    """Contacts that took place, by group and the first day of the month."""
    counted = ContactCount.objects.filter(trial=trial, day__gte=since, day__lte=until)
    rows = counted.annotate(month=TruncMonth("day")).values_list("arm", "month").annotate(n=Sum("held"))
    return {(arm, month): n for arm, month, n in rows.order_by("arm", "month")}


def contact_counts(trial: str, *, since: date, until: date) -> dict[str, dict[str, int]]:
    """Per group: contacts that took place, those in person, and missed ones, in the days from `since` to `until`."""
    counted = ContactCount.objects.filter(trial=trial, day__gte=since, day__lte=until).values("arm")
    sums = counted.annotate(held=Sum("held"), in_person=Sum("in_person"), missed=Sum("missed"))
    found = {row.pop("arm"): row for row in sums.order_by("arm")}
    none = {"held": 0, "in_person": 0, "missed": 0}
    return {arm.code: found.get(arm.code, none) for arm in current_protocol(trial).arms}
