"""What the custodian and the leader see of the waves: numbers, never who."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from participants.models import Person
from participants.selectors import households_visible_to, pids_open_for_surveys
from surveys.mailing.models import GONE_OUT, NO_EMAIL, NOT_OPEN, Invitation, PauseSwitch, Printing, Status, WaveCount
from trialmgr.core import clock
from trialmgr.core.models import User
from trialmgr.protocol.selectors import current_protocol

POST = timedelta(days=2)
"""How long a letter is on its way: one that would come after the last day is not printed."""
WITHOUT_ADDRESS = Q(person__contact__street="") | Q(person__contact__postcode="") | Q(person__contact__city="")


@dataclass(frozen=True, slots=True)
class WaveState:
    """One wave: where everybody's invitation is, and the newest count of answers when it is large enough to show."""

    code: str
    name_nl: str
    name_en: str
    to_mail: int
    to_print: int
    mailed: int
    printed: int
    together: int
    reminders: int | None
    """Those that went out. They tell how many had not answered, so they are shown when the answers are."""
    invited: int | None
    answered: int | None
    day: date | None
    unopened: bool
    """Mail waits because the research side has not opened the wave yet."""

    @property
    def not_sent(self) -> int:
        """To who stopped before it was sent, or for whom it would come too late."""
        return self.together - self.to_mail - self.to_print - self.mailed - self.printed


def wave_states(trial: str) -> list[WaveState]:
    """Every wave of the protocol. Counts of answers under the minimum cell are not shown."""
    protocol = current_protocol(trial)
    rows = Invitation.objects.filter(trial=trial).values_list("wave", "status").order_by("wave", "status")
    counted = rows.annotate(
        first=Count("pk", filter=Q(reminder=0, asked=False)), later=Count("pk", filter=Q(reminder__gt=0))
    )
    first = {(wave, status): n for wave, status, n, _later in counted}
    later = {(wave, status): n for wave, status, _first, n in counted}
    letters = _in_time(Invitation.objects.filter(status=Status.LETTER).invitations(), trial)
    to_print = dict(letters.order_by("wave").values_list("wave").annotate(n=Count("pk")))
    unsealed = Invitation.objects.filter(trial=trial, status=Status.QUEUED, fault=NOT_OPEN)
    unopened = set(unsealed.order_by("wave").values_list("wave", flat=True).distinct())
    newest = {row.wave: row for row in WaveCount.objects.filter(trial=trial).order_by("day")}
    states = []
    for wave in protocol.waves:
        count = newest.get(wave.code)
        shown = count if count and count.answered >= protocol.privacy.minimum_cell else None
        states.append(
            WaveState(
                code=wave.code,
                name_nl=wave.name.nl,
                name_en=wave.name.en,
                to_mail=first.get((wave.code, Status.QUEUED), 0) + first.get((wave.code, Status.CLAIMED), 0),
                to_print=to_print.get(wave.code, 0),
                mailed=first.get((wave.code, Status.SENT), 0),
                printed=first.get((wave.code, Status.PRINTED), 0),
                together=sum(first.get((wave.code, status), 0) for status in Status),
                reminders=sum(later.get((wave.code, status), 0) for status in GONE_OUT) if shown else None,
                invited=shown.invited if shown else None,
                answered=shown.answered if shown else None,
                day=count.day if count else None,
                unopened=wave.code in unopened,
            )
        )
    return states


def failed_mails(user: User, *, trial: str) -> QuerySet[Invitation]:
    """Mails that did not arrive at an address we have, with the name they are for; of the user's own sites."""
    homes = households_visible_to(user, "send_waves", trial=trial)
    failed = Invitation.objects.filter(trial=trial, person__household__in=homes).exclude(fault__in=["", NO_EMAIL])
    failed = failed.filter(status__in=[Status.LETTER, Status.PRINTED])
    return failed.select_related("person__contact", "person__household").order_by("-queued_on", "pk")


def is_held(trial: str) -> bool:
    return PauseSwitch.objects.filter(trial=trial).exists()


@dataclass(frozen=True, slots=True)
class LetterState:
    """One wave: letters that can be printed now, and those for which an address must be found first."""

    code: str
    name_nl: str
    name_en: str
    ready: int
    without_address: int


def letter_states(user: User, *, trial: str) -> list[LetterState]:
    """The waves of the protocol for which letters wait, of the user's own sites."""
    rows = letters_waiting(user, trial=trial).order_by("wave").values_list("wave")
    counted = rows.annotate(n=Count("pk"), without=Count("pk", filter=WITHOUT_ADDRESS))
    waiting = {wave: counts for wave, *counts in counted}
    return [
        LetterState(wave.code, wave.name.nl, wave.name.en, n - without, without)
        for wave in current_protocol(trial).waves
        for n, without in [waiting.get(wave.code, (0, 0))]
        if n
    ]


def letters_waiting(user: User, *, trial: str) -> QuerySet[Invitation]:
    """What goes on paper: the newest of each person who still takes part, as long as it comes in time."""
    newer = Invitation.objects.filter(person=OuterRef("person"), wave=OuterRef("wave"), pk__gt=OuterRef("pk"))
    waiting = Invitation.objects.filter(~Exists(newer.exclude(status=Status.CANCELLED)), status=Status.LETTER)
    return _in_time_for(user, waiting, trial)


def letters_to_print(user: User, *, trial: str, wave: str) -> QuerySet[Invitation]:
    """The waiting letters of one wave that have an address."""
    return letters_waiting(user, trial=trial).filter(wave=wave).exclude(WITHOUT_ADDRESS)


def letters_to_repeat(user: User, *, trial: str, first: object) -> QuerySet[Invitation]:
    """Letters of a printing that may be printed again: a reminder on its own day only.

    Afterwards its reader may have answered, which no page may know.
    """
    printed = Invitation.objects.filter(Q(reminder=0) | Q(sent_on=clock.today()), status=Status.PRINTED, printing=first)
    return _in_time_for(user, printed, trial).exclude(WITHOUT_ADDRESS)


def printings(user: User, *, trial: str) -> QuerySet[Printing]:
    """What was printed of the user's own sites, newest first, with what was printed again."""
    homes = households_visible_to(user, "send_waves", trial=trial)
    own = Invitation.objects.filter(printing=OuterRef("pk"), person__household__in=homes)
    again = Exists(letters_to_repeat(user, trial=trial, first=OuterRef("pk")))
    copies = Prefetch("copies", Printing.objects.select_related("by").order_by("copy"))
    found = Printing.objects.filter(Exists(own), trial=trial, first=None).annotate(may_repeat=again)
    return found.select_related("by").prefetch_related(copies).order_by("-at", "-pk")


def unreachable(user: User, *, trial: str) -> QuerySet[Person]:
    """Persons who still take part and whom neither mail nor letter can reach; of the user's own sites."""
    homes = households_visible_to(user, "send_waves", trial=trial)
    nowhere = Q(contact__street="") | Q(contact__postcode="") | Q(contact__city="")
    people = pids_open_for_surveys(trial).filter(nowhere, contact__email="", household__in=homes)
    return people.select_related("contact", "household").order_by("pk")


def _in_time_for(user: User, rows: QuerySet[Invitation], trial: str) -> QuerySet[Invitation]:
    homes = households_visible_to(user, "send_waves", trial=trial)
    return _in_time(rows.filter(person__household__in=homes), trial)


def _in_time(rows: QuerySet[Invitation], trial: str) -> QuerySet[Invitation]:
    """Letters that come before the last day, to persons who still take part."""
    people = pids_open_for_surveys(trial)
    return rows.filter(trial=trial, person__in=people, last_day__gte=clock.today() + POST)
