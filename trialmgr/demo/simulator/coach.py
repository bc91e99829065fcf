"""A year of coaching: contacts by the norm of each group, exits from the benefit, a few who stop or lose their mail."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import numpy as np
from django.db import transaction

from coaching.models import Assignment, Channel, Topic
from coaching.services import Talk, log_contact
from participants.models import Exit, ExitReason, Household, StepKind
from participants.selectors import persons_guided
from participants.services import REACH, change_reach, record_exit, stop
from randomization.selectors import arms_of
from trialmgr.core import clock
from trialmgr.core.models import User
from trialmgr.demo.simulator import accounts, calendar
from trialmgr.demo.simulator.calendar import DRAWN, MID_MAILED, PRESENT, SEED, TRIAL
from trialmgr.protocol.schema import Arm
from trialmgr.protocol.selectors import current_protocol

BATCH = 200
WITHOUT_MAIL = 25
"""One person in so many has no e-mail address any more when the second questionnaire is sent, and gets a letter."""
WITHOUT_HOME = 5  # of these, one in so many moved and left no address
NOTES = (
    "Wil graag weer werken, zoekt een opleiding.",
    "Gesprek over de schulden; afspraak met schuldhulp gemaakt.",
    "Is gestart als vrijwilliger in het buurthuis.",
    "Gaat naar het spreekuur van het taalhuis.",
    "",
    "",
)
Planned = tuple[date, int, User, Talk, UUID]


def run() -> None:
    """Safe to repeat: who was stopped half-way sends the same contacts again, each by its key."""
    if not Exit.objects.exists():
        _exits(np.random.default_rng([SEED, 4]))
    planned = sorted(_plan(np.random.default_rng([SEED, 3])), key=lambda one: one[0])
    for start in range(0, len(planned), BATCH):
        with transaction.atomic():
            for day, person_id, coach, talk, key in planned[start : start + BATCH]:
                with clock.at(calendar.morning(day, 16)):
                    log_contact(trial=TRIAL, person_id=person_id, talk=talk, key=key, by=coach)
    _lose_mail()


def _plan(rng: np.random.Generator) -> Iterator[Planned]:
    """Every contact of the year by the norm of each group, until the household left the benefit.

    By its coach; the groups that have none of the trial are seen by whoever is on duty.
    """
    protocol = current_protocol(TRIAL)
    duty = [accounts.of(email) for email, _name, role in accounts.OFFICE if role == "coach"]
    left = dict(Exit.objects.values_list("household", "day"))
    coaches = {one.household_id: one.coach for one in Assignment.objects.select_related("coach")}
    persons = list(persons_guided(TRIAL).select_related("household").order_by("household", "pk"))
    arms = arms_of({person.household_id for person in persons})
    for person in persons:
        home = person.household_id
        arm, coach = protocol.arm(arms[home]), coaches.get(home, duty[home % len(duty)])
        days = list(_days(arm, rng, until=min(left.get(home, PRESENT), PRESENT)))
        for day, following in pairwise([*days, None]):
            yield day, person.pk, coach, _talk(arm, day, following, rng), UUID(bytes=rng.bytes(16), version=4)


def _days(arm: Arm, rng: np.random.Generator, *, until: date) -> Iterator[date]:
    every = 7 * arm.contact.every_weeks
    day = DRAWN + timedelta(days=int(rng.integers(5, max(every, 28))))
    while day < until:
        yield day
        day += timedelta(days=int(every * rng.uniform(0.8, 1.4)))


def _talk(arm: Arm, day: date, following: date | None, rng: np.random.Generator) -> Talk:
    """What was noted; one in three of the last talks of a household has an appointment for these days."""
    near = (Channel.OFFICE, Channel.HOME, Channel.NEIGHBOURHOOD)
    by_phone = arm.contact.by == "phone" or rng.random() < 0.25
    channel = Channel.PHONE if by_phone else near[int(rng.integers(len(near)))]
    topics = tuple(str(topic) for topic in rng.choice(Topic.values, size=int(rng.integers(1, 3)), replace=False))
    soon = PRESENT + timedelta(days=int(rng.integers(-1, 12))) if rng.random() < 0.33 else None
    return Talk(
        day=day,
        channel=str(channel),
        attended=bool(rng.random() < 0.9),
        by_participant=bool(rng.random() < 0.15),
        minutes=int(rng.choice([15, 30, 60])),
        topics=topics,
        note=NOTES[int(rng.integers(len(NOTES)))],
        next_on=following or (soon if soon and soon > day else None),
    )


def _exits(rng: np.random.Generator) -> None:
    """One in seven households leaves the benefit within the year, half of them for work; two in a hundred stop."""
    support = accounts.of("ondersteuning@demo.example")
    reasons = (ExitReason.WORK_FULL, ExitReason.MOVED, ExitReason.STUDY, ExitReason.PARTNER, ExitReason.OTHER)
    homes = Household.objects.filter(trial=TRIAL, persons__steps__kind=StepKind.RANDOMISED).distinct()
    with transaction.atomic():
        for home in homes.prefetch_related("persons").order_by("pk"):
            chance, day = rng.random(), DRAWN + timedelta(days=int(rng.integers(20, 360)))
            with clock.at(calendar.morning(day, 11)):
                if chance < 0.15:
                    reason = str(rng.choice(reasons, p=(0.62, 0.14, 0.09, 0.08, 0.07)))
                    record_exit(household_id=home.pk, day=day, reason=reason, by=support)
                elif chance < 0.17:
                    stop(person_id=home.persons.all()[0].pk, kinds=[StepKind.STOPPED_SURVEYS], day=day, by=support)


def _lose_mail() -> None:
    support = accounts.of("ondersteuning@demo.example")
    people = persons_guided(TRIAL).select_related("contact").order_by("pk")
    with transaction.atomic(), clock.at(calendar.morning(MID_MAILED - timedelta(days=20))):
        for place, person in enumerate(people[::WITHOUT_MAIL]):
            gone = {"email", "street", "postcode", "city"} if place % WITHOUT_HOME == 2 else {"email"}
            reach = {name: "" if name in gone else getattr(person.contact, name) for name in REACH}
            change_reach(person_id=person.pk, reach=reach, by=support)
