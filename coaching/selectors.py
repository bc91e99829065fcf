"""Questions about caseloads and contacts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, DateField, OuterRef, Q, QuerySet, Subquery

from coaching.models import IN_PERSON, Assignment, Contact
from participants.models import Household
from participants.selectors import with_people
from randomization.selectors import allotted, arms_of, households_in
from trialmgr.core import clock
from trialmgr.core.models import Membership, Role, User
from trialmgr.protocol.schema import Arm, Protocol
from trialmgr.protocol.selectors import current_protocol

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Case:
    """One household of a caseload, as the coach's start page shows it."""

    household: Household
    arm: Arm
    last: date | None
    due: date
    planned: date | None
    today: date

    @property
    def days_late(self) -> int:
        return max((self.today - self.due).days, 0)

    @property
    def state(self) -> str:
        if self.planned == self.today:
            return "today"
        if self.due < self.today:
            return "overdue"
        return "new" if self.last is None else ("soon" if self.due <= self.today + SOON else "later")


def caseload_of(coach: User, *, trial: str) -> QuerySet[Household]:
    """The households that a coach guides now."""
    own = Assignment.objects.filter(coach=coach, until_day=None).values("household_id")
    return Household.objects.filter(trial=trial, pk__in=own)


def contacts_in_reach(user: User, *, trial: str) -> QuerySet[Contact]:
    """The contacts that a coach may see: all those of the own caseload, by whichever coach."""
    own = caseload_of(user, trial=trial).values("pk")
    return Contact.objects.filter(person__household__in=own)


def cases_of(coach: User, *, trial: str) -> list[Case]:
    """The caseload with its contacts, those who wait longest first. A fixed number of queries."""
    today = clock.today()
    protocol = current_protocol(trial)
    talks = Contact.objects.filter(person__household=OuterRef("pk"), voided_at=None)
    dated = with_people(caseload_of(coach, trial=trial)).annotate(
        last=Subquery(talks.filter(attended=True).order_by("-day").values("day")[:1], output_field=DateField()),
        planned=Subquery(talks.filter(next_on__gte=today).order_by("next_on").values("next_on")[:1]),
        began=Subquery(
            Assignment.objects.filter(household=OuterRef("pk"), until_day=None).values("from_day")[:1],
            output_field=DateField(),
        ),
    )
    homes = list(dated)
    arms = arms_of([home.pk for home in homes])
    cases = [_case(home, protocol, arms[home.pk], today) for home in homes if home.pk in arms]
    return sorted(cases, key=lambda case: (case.planned != today, case.due, case.household.pk))


def _case(home: Household, protocol: Protocol, arm_code: str, today: date) -> Case:
    arm = protocol.arm(arm_code)
    norm = arm.contact
    if home.last is None:
        due = home.began + timedelta(weeks=norm.first_within_weeks or norm.every_weeks)
    else:
        due = home.last + timedelta(weeks=norm.every_weeks)
    return Case(home, arm, home.last, due, home.planned, today)


def contacts_of(household: Household) -> QuerySet[Contact]:
    contacts = Contact.objects.filter(person__household=household).select_related("coach", "person__contact")
    return contacts.prefetch_related("changes").order_by("-day", "-pk")


def coaches_of(trial: str) -> QuerySet[User]:
    held = Membership.objects.filter(trial=trial, role=Role.COACH, ended_at=None)
    return User.objects.filter(pk__in=held.values("user_id"), is_active=True).order_by("name", "pk")


def caseload_sizes(trial: str) -> dict[int, int]:
    """Persons in the caseload of each coach."""
    rows = Assignment.objects.filter(until_day=None, household__trial=trial).values_list("coach_id")
    return dict(rows.annotate(n=Count("household__persons")).order_by("coach_id"))


def unassigned(trial: str) -> Iterator[tuple[int, int]]:
    """Drawn households without a coach whose group has one, with their number of persons."""
    protocol = current_protocol(trial)
    guided = {arm.code for arm in protocol.arms if arm.caseload.worker == "trial_coach"}
    arms = {row.household_id: row.arm for row in allotted(trial)}
    have = set(Assignment.objects.filter(until_day=None, household__trial=trial).values_list("household_id", flat=True))
    homes = Household.objects.filter(pk__in=households_in(trial)).annotate(n=Count("persons")).order_by("pk")
    for pk, persons in homes.values_list("pk", "n"):
        if arms.get(pk) in guided and pk not in have:
            yield pk, persons


def coach_of(household_id: int) -> User | None:
    found = Assignment.objects.filter(household=household_id, until_day=None).select_related("coach").first()
    return found.coach if found else None


def contact_counts(trial: str, *, since: date, until: date) -> dict[str, dict[str, int]]:
    """Per group: contacts that took place, those in person, and missed ones, in the days from `since` to `until`."""
    counts: dict[str, dict[str, int]] = {}
    for arm in current_protocol(trial).arms:
        contacts = Contact.objects.filter(
            person__household__in=households_in(trial, arm.code), day__gte=since, day__lte=until, voided_at=None
        )
        counts[arm.code] = contacts.aggregate(
            held=Count("pk", filter=Q(attended=True)),
            in_person=Count("pk", filter=Q(attended=True, channel__in=IN_PERSON)),
            missed=Count("pk", filter=Q(attended=False)),
        )
    return counts
