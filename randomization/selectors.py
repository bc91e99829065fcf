"""Questions about draws and groups. Only those who may know a group may ask: callers check the permission."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.timezone import localdate

from randomization.models import UNPUBLISHED, Allocation, Draw, GroupSize, Status, TakenBack, TraitCount, Withdrawal
from trialmgr.core.access import PERMISSIONS
from trialmgr.core.models import Membership, User


@dataclass(frozen=True, slots=True)
class Allotted:
    """The group of a household, as the study needs it."""

    household_id: int
    arm: str
    stratum: str
    draw: int
    day: date


def arm_of(household_id: int) -> str | None:
    return Allocation.objects.filter(household=household_id).values_list("arm", flat=True).first()


def arms_of(household_ids: Collection[int]) -> dict[int, str]:
    return dict(Allocation.objects.filter(household__in=household_ids).values_list("household_id", "arm"))


def households_in(trial: str, arms: Collection[str] | None = None) -> QuerySet[Allocation]:
    """Keys of the drawn households, of these groups or of all; for use inside another query."""
    allocations = Allocation.objects.filter(trial=trial)
    return (allocations if arms is None else allocations.filter(arm__in=arms)).values("household_id")


def arm_sizes(trial: str) -> dict[str, tuple[int, int]]:
    """Households and persons drawn into each group; a partner who was excluded was not drawn."""
    rows = GroupSize.objects.filter(draw__trial=trial).values("arm")
    counted = rows.annotate(homes=Sum("households"), people=Sum("persons"))
    return {row["arm"]: (row["homes"], row["people"]) for row in counted.order_by("arm")}


def arm_sizes_by_day(trial: str) -> list[tuple[str, date, int]]:
    """Persons drawn into each group by each draw: group, day of the draw, persons."""
    rows = GroupSize.objects.filter(draw__trial=trial).values_list("arm", "draw__drawn_at").annotate(n=Sum("persons"))
    return [(arm, localdate(at), persons) for arm, at, persons in rows.order_by("draw__drawn_at", "arm") if at]


def groups_of(draw: Draw) -> dict[str, dict[str, int]]:
    """The households of a draw: their number by stratum and, within it, by arm."""
    found: dict[str, dict[str, int]] = {}
    rows = GroupSize.objects.filter(draw=draw).order_by("stratum", "arm").values_list("stratum", "arm", "households")
    for stratum, arm, households in rows:
        found.setdefault(stratum, {})[arm] = households
    return found


def trait_counts(draw: Draw) -> QuerySet[TraitCount]:
    """What was counted of the people of a draw, in each group."""
    return TraitCount.objects.filter(draw=draw).order_by("trait", "level", "arm")


def arm_by_code(draw: Draw, code: str) -> str | None:
    """The group that a draw gave to the household with this code."""
    return Allocation.objects.filter(draw=draw, household__code=code).values_list("arm", flat=True).first()


def allotted(trial: str) -> Iterator[Allotted]:
    """Every allocation of a trial, streamed."""
    rows = Allocation.objects.filter(trial=trial).order_by("household_id")
    fields = rows.values_list("household_id", "arm", "stratum", "draw__number", "allocated_on")
    for row in fields.iterator(chunk_size=5000):
        yield Allotted(*row)


def draws_of(trial: str) -> QuerySet[Draw]:
    """Newest first, without their records: those grow with the list."""
    rows = Draw.objects.filter(trial=trial).defer("record", "sealed_secret")
    return rows.select_related("entered_by", "confirmed_by").order_by("-number")


def published_draws(trial: str) -> QuerySet[Draw]:
    """What everybody may see: draws with a commitment."""
    return draws_of(trial).exclude(status__in=UNPUBLISHED)


def ended_or_published_draws(trial: str) -> QuerySet[Draw]:
    """Every draw that has its number for good: the published ones, and those of which no list was made."""
    return draws_of(trial).exclude(status=Status.REQUESTED)


def trials_with_draws() -> list[tuple[str, int]]:
    """The trials of which a draw was published, with the number of these."""
    counted = Draw.objects.exclude(status__in=UNPUBLISHED).values("trial").annotate(n=Count("pk"))
    return list(counted.order_by("trial").values_list("trial", "n"))


def role_at(user: User, trial: str, moment: datetime) -> str:
    """As what somebody vouched for a number: a role that lets them and that they held then; '' for none."""
    letting = [role for role, permissions in PERMISSIONS.items() if "approve_beacon" in permissions]
    held = Membership.objects.filter(user=user, trial=trial, role__in=letting, given_at__lte=moment)
    one = held.filter(Q(ended_at=None) | Q(ended_at__gt=moment)).order_by("role").first()
    return one.get_role_display() if one else ""


def taken_back(draw: Draw) -> QuerySet[TakenBack]:
    """The numbers that were entered for a draw and taken back, oldest first."""
    return TakenBack.objects.filter(draw=draw).select_related("entered_by", "taken_back_by").order_by("pk")


def withdrawal_of(draw: Draw) -> Withdrawal | None:
    """The announcement that a draw will be, was, or in the end was not withdrawn."""
    return Withdrawal.objects.filter(draw=draw).select_related("announced_by", "confirmed_by").first()


def drawn(trial: str) -> bool:
    """Whether lots were drawn in this trial, so that its protocol changes by amendment only."""
    return Draw.objects.filter(trial=trial, status=Status.DRAWN).exists()


def locked(draw_id: int) -> Draw:
    """A draw that nobody else changes until the transaction ends, without its record."""
    return Draw.objects.defer("record").select_for_update(of=("self",), no_key=True).get(pk=draw_id)
