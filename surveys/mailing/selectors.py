"""What the custodian and the leader see of the waves: numbers, never who."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, QuerySet

from participants.selectors import households_visible_to
from surveys.mailing.models import Invitation, PauseSwitch, Status, WaveCount
from trialmgr.core.models import User
from trialmgr.protocol.selectors import current_protocol


@dataclass(frozen=True, slots=True)
class WaveState:
    """One wave: mails by state, and the newest count of answers when it is large enough to show."""

    code: str
    name_nl: str
    name_en: str
    queued: int
    sent: int
    failed: int
    invited: int | None
    answered: int | None
    day: date | None


def wave_states(trial: str) -> list[WaveState]:
    """Every wave of the protocol. Counts of answers under the minimum cell are not shown."""
    protocol = current_protocol(trial)
    rows = Invitation.objects.filter(trial=trial).values_list("wave", "status").annotate(n=Count("pk"))
    mails = {(wave, status): n for wave, status, n in rows.order_by("wave", "status")}
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
                queued=mails.get((wave.code, Status.QUEUED), 0) + mails.get((wave.code, Status.CLAIMED), 0),
                sent=mails.get((wave.code, Status.SENT), 0),
                failed=mails.get((wave.code, Status.FAILED), 0),
                invited=shown.invited if shown else None,
                answered=shown.answered if shown else None,
                day=count.day if count else None,
            )
        )
    return states


def failed_mails(user: User, *, trial: str) -> QuerySet[Invitation]:
    """Invitations that a person must look at, with the name they are for; of the user's own sites."""
    homes = households_visible_to(user, "send_waves", trial=trial)
    failed = Invitation.objects.filter(trial=trial, status=Status.FAILED, person__household__in=homes)
    return failed.select_related("person__contact", "person__household").order_by("-queued_on", "pk")


def is_held(trial: str) -> bool:
    return PauseSwitch.objects.filter(trial=trial).exists()
