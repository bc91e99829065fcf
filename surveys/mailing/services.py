"""Sending the waves: who is due, sending through an outbox, and the nightly question who answered.

The truth is the row of each invitation: queued, claimed for a while, sent. A killed worker leaves a claim
that runs out; the mail is then sent again under the same Message-ID.
"""

import logging
import smtplib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from participants.marks import record_baselines
from participants.models import Contact, StepKind
from participants.selectors import person_ids, persons_withdrawn, pids_open_for_surveys, step_days
from surveys.mailing import letters, vault_client
from surveys.mailing.models import (
    GONE_OUT,
    NO_EMAIL,
    NOT_OPEN,
    Erasure,
    Invitation,
    PauseSwitch,
    Response,
    Status,
    WaveCount,
)
from trialmgr.core import audit, clock
from trialmgr.core.models import User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.schema import Protocol, Wave
from trialmgr.protocol.selectors import current_protocol

log = logging.getLogger("trialmgr.mailing")

BATCH = 200
PART = 10_000  # a statement takes no more than 65,535 values
LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
"""Of one mail that its own server keeps putting off; the waits between them double, to about ten hours."""


@dataclass(frozen=True, slots=True)
class Due:
    """One mail, or letter, that a person should have by now."""

    person_id: int
    reminder: int
    last_day: date
    on_paper: bool = False


def queue_due(*, trial: str) -> int:
    """Put every invitation and reminder that is due today in the outbox; give the number of new ones."""
    protocol, today = current_protocol(trial), clock.today()
    _mail_after_all(trial)
    made = 0
    for wave in protocol.waves:
        answered = _answered(protocol.code, wave.code) if protocol.surveys.reminders_to == "not_answered" else set()
        outbox = Invitation.objects.filter(trial=trial, wave=wave.code, asked=False)
        known = set(outbox.values_list("person", "reminder"))
        due = [one for one in _due(protocol, wave, today, answered) if (one.person_id, one.reminder) not in known]
        with transaction.atomic():
            new = _queue(trial, wave, due)
            _spare(trial, wave, answered)
            if new:
                audit.record("wave.queued", f"trial:{trial}", by="queue_due", trial=trial, wave=wave.code, mails=new)
        made += new
    return made


def _queue(trial: str, wave: Wave, due: Collection[Due]) -> int:
    """Put these in the outbox, beside another night that may do the same at this moment; give how many were new."""
    if not due:
        return 0
    ours = Invitation.objects.filter(trial=trial, wave=wave.code)
    before = ours.count()
    rows = (
        Invitation(
            person_id=one.person_id,
            trial_id=trial,
            wave=wave.code,
            reminder=one.reminder,
            last_day=one.last_day,
            queued_on=clock.today(),
            status=Status.LETTER if one.on_paper else Status.QUEUED,
        )
        for one in due
    )
    Invitation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=5000)
    return ours.count() - before


def _mail_after_all(trial: str) -> None:
    """Who waits for a letter because there was no e-mail address, and has one by now, gets the mail."""
    waiting = Invitation.objects.filter(trial=trial, status=Status.LETTER, fault=NO_EMAIL)
    waiting.exclude(person__contact__email="").update(status=Status.QUEUED, fault="")


def _spare(trial: str, wave: Wave, answered: Collection[int]) -> None:
    """Reminders on paper that were not printed yet are not needed by who answered since."""
    waiting = Invitation.objects.filter(trial=trial, wave=wave.code, status=Status.LETTER, reminder__gt=0)
    spared = [pk for pk, person in waiting.values_list("pk", "person") if person in answered]
    for start in range(0, len(spared), PART):
        waiting.filter(pk__in=spared[start : start + PART]).update(status=Status.CANCELLED)


def _due(protocol: Protocol, wave: Wave, today: date, answered: Collection[int]) -> Iterable[Due]:
    """What of a wave should have gone out by now, to persons who still take part in questionnaires."""
    kind = StepKind.CONSENTED if wave.counts_from == "consent" else StepKind.RANDOMISED
    days = step_days(protocol.code, kind)
    invited = Invitation.objects.filter(trial=protocol.code, wave=wave.code, status__in=GONE_OUT).invitations()
    sent = dict(invited.values_list("person_id", "sent_on"))
    for person_id in pids_open_for_surveys(protocol.code).values_list("pk", flat=True):
        day = days.get(person_id)
        if day is None:
            continue
        opens, closes = day + timedelta(wave.opens_after_days), day + timedelta(wave.closes_after_days)
        if not opens <= today <= closes:
            continue
        yield Due(person_id, 0, closes)
        first = sent.get(person_id)
        if first is None or person_id in answered:
            continue
        for number, reminder in enumerate(wave.reminders, 1):
            if first + timedelta(reminder.after_days) <= today:
                yield Due(person_id, number, closes, on_paper=reminder.by == "letter")


def send_due(*, until: datetime | None = None) -> int:
    """Send what is queued, in batches, until a moment of the machine's clock; give the number of mails sent.

    Several workers may run this at a time. A wave of which the vault gives no links waits for the next run, so that it
    holds up no other.
    """
    sent, refused, quiet = 0, set[tuple[str, str]](), _quiet_trials()
    while not _is_over(until) and (batch := _claim(refused, quiet)):
        try:
            sent += _send(batch, until)
        except vault_client.VaultRefused as error:
            refused.add((batch[0].trial_id, batch[0].wave))
            log.warning("mail of %s, wave %s waits: %s", batch[0].trial_id, batch[0].wave, type(error).__name__)
    return sent


def _quiet_trials() -> list[str]:
    """Trials that mail nobody at this hour: their protocol says from when until when."""
    hour = timezone.localtime(clock.now()).hour
    hours = {code: current_protocol(code).surveys for code in trials()}
    return [code for code, one in hours.items() if not one.send_from_hour <= hour < one.send_until_hour]


def _is_over(until: datetime | None) -> bool:
    return until is not None and clock.machine_now() >= until


@transaction.atomic
def _claim(refused: Collection[tuple[str, str]] = (), quiet: Collection[str] = ()) -> list[Invitation]:
    """Take up to a batch of one wave for ourselves; claims of a dead worker are taken over after five minutes."""
    now = clock.machine_now()
    free = Q(status=Status.QUEUED) | Q(status=Status.CLAIMED, claimed_at__lt=now - LEASE)
    held = PauseSwitch.objects.values("trial")
    rows = Invitation.objects.select_for_update(of=("self",), skip_locked=True).filter(free).exclude(trial__in=held)
    rows = rows.exclude(trial__in=quiet)
    for trial, wave in refused:
        rows = rows.exclude(trial=trial, wave=wave)
    first = rows.order_by("pk").first()
    if first is None:
        return []
    batch = list(rows.filter(trial=first.trial_id, wave=first.wave, last_day=first.last_day).order_by("pk")[:BATCH])
    Invitation.objects.filter(pk__in=[row.pk for row in batch]).update(
        status=Status.CLAIMED, claimed_at=now, attempts=F("attempts") + 1, fault=""
    )
    return batch


def _send(batch: Sequence[Invitation], until: datetime | None) -> int:
    """Mail a claimed batch. When the vault or the mail server is down, everything goes back to the queue."""
    first = batch[0]
    if first.last_day < clock.today():
        _settle(batch, Status.CANCELLED, "the questionnaire has closed")
        return 0
    people = pids_open_for_surveys(first.trial_id).filter(pk__in=[row.person_id for row in batch])
    reach = {person.pk: person for person in people.select_related("contact")}
    able = [row for row in batch if row.person_id in reach and reach[row.person_id].contact.email]
    _settle([row for row in batch if row.person_id not in reach], Status.CANCELLED, "")
    _settle([row for row in batch if row.person_id in reach and row not in able], Status.LETTER, NO_EMAIL)
    if not able:
        return 0
    pids = [reach[row.person_id].pid for row in able]
    try:
        links = vault_client.seal(study=first.trial_id, wave=first.wave, last_day=first.last_day, pids=pids)
        return _mail([(row, reach[row.person_id].contact, link) for row, link in zip(able, links, strict=True)], until)
    except (vault_client.VaultDown, vault_client.VaultRefused, OSError) as error:
        _back_to_queue(able, NOT_OPEN if isinstance(error, vault_client.WaveUnknown) else "")
        raise


def _mail(mails: Sequence[tuple[Invitation, Contact, str]], until: datetime | None) -> int:
    """Mail to each their link, over one connection; what time is too short for goes back to the queue."""
    sent, occasions = 0, letters.occasions_of(mails[0][0])
    with get_connection() as server:
        for place, (row, contact, link) in enumerate(mails):
            if _is_over(until):
                _back_to_queue([late for late, *_ in mails[place:]])
                break
            occasion = occasions[letters.language_of(contact.language)]
            sent += _send_one(row, contact, f"{settings.SURVEY_URL}/s/{link}", occasion, server)
    return sent


def _send_one(
    row: Invitation, contact: Contact, link: str, occasion: letters.Occasion, server: BaseEmailBackend
) -> bool:
    message = letters.compose(row, to=contact.email, link=link, occasion=occasion)
    try:
        server.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        _refused(row, next(iter(error.recipients.values()))[0])
    except smtplib.SMTPDataError as error:
        _refused(row, error.smtp_code)
    except (ValueError, smtplib.SMTPNotSupportedError):  # also what cannot be encoded
        _settle([row], Status.LETTER, "the address cannot be used")
    else:
        _settle([row], Status.SENT, "")
        return True
    return False


def _refused(row: Invitation, code: int) -> None:
    """The mail server does not take this one mail: for good (500 and up) or for now."""
    fault = f"mail server answers {code}"
    if code >= 500 or row.attempts + 1 >= MOST_ATTEMPTS:
        _settle([row], Status.LETTER, fault)
        return
    later = clock.machine_now() + LEASE * (2**row.attempts - 1)  # the claim runs out a lease after that
    Invitation.objects.filter(pk=row.pk, status=Status.CLAIMED).update(claimed_at=later, fault=fault)


def _settle(rows: Sequence[Invitation], status: str, fault: str) -> None:
    day = clock.today() if status == Status.SENT else None
    keys = [row.pk for row in rows]
    Invitation.objects.filter(pk__in=keys, status=Status.CLAIMED).update(
        status=status, sent_on=day, fault=fault, claimed_at=None
    )


def _back_to_queue(rows: Sequence[Invitation], fault: str = "") -> None:
    """Nothing was wrong with these mails: they are tried again at every ring, and no attempt is counted."""
    unsent = Invitation.objects.filter(pk__in=[row.pk for row in rows], status=Status.CLAIMED, fault="")
    unsent.update(status=Status.QUEUED, claimed_at=None, attempts=F("attempts") - 1, fault=fault)


def update_status(*, trial: str) -> dict[str, int]:
    """Ask the vault, once for every wave, who submitted; keep it where only the reminder job can read it."""
    found: dict[str, int] = {}
    for wave in current_protocol(trial).waves:
        invited = Invitation.objects.filter(trial=trial, wave=wave.code, status__in=GONE_OUT).invitations()
        pids = list(invited.values_list("person__pid", flat=True))
        try:
            submitted = vault_client.status(study=trial, wave=wave.code, pids=pids)
        except vault_client.VaultRefused:  # too few persons, or asked less than 20 hours ago: tomorrow again
            continue
        found[wave.code] = _keep_status(trial, wave, len(pids), submitted, current_protocol(trial).baseline == wave)
    return found


@transaction.atomic
def _keep_status(trial: str, wave: Wave, invited: int, submitted: Sequence[str], baseline: bool) -> int:
    today = clock.today()
    with reminder_role():
        persons = person_ids(trial, submitted)
        Response.objects.bulk_create(
            (Response(person_id=pk, wave=wave.code) for pk in persons),
            ignore_conflicts=True,
            batch_size=5000,
        )
        if baseline:
            record_baselines(pids=submitted)
    WaveCount.objects.update_or_create(
        trial_id=trial, wave=wave.code, day=today, defaults={"invited": invited, "answered": len(submitted)}
    )
    audit.record(
        "wave.status_updated", f"trial:{trial}", by="update_status", trial=trial, wave=wave.code, invited=invited
    )
    return len(submitted)


def erase_withdrawn(*, trial: str) -> int:
    """Have the answers removed of everybody who withdrew their data; give how many. Safe to repeat: so is the vault."""
    done = Erasure.objects.values("person")
    waiting = persons_withdrawn(trial).exclude(pk__in=done).values_list("pk", "pid", "household__site")
    return sum(_erase(trial, pk, pid, site) for pk, pid, site in list(waiting))


def _erase(trial: str, pk: int, pid: str, site: str) -> bool:
    try:
        vault_client.erase(study=trial, pid=pid)
    except vault_client.VaultRefused:  # of this person only; the others go on
        log.error("the vault refuses an erasure of %s; it is asked again every night", trial)
        return False
    with transaction.atomic():
        Erasure.objects.get_or_create(person_id=pk, defaults={"day": clock.today()})
        audit.record("person.answers_erased", f"person:{pk}", by="erase_withdrawn", trial=trial, site=site)
    return True


def _answered(trial: str, wave: str) -> set[int]:
    with transaction.atomic(), reminder_role():
        rows = Response.objects.filter(person__trial=trial, wave=wave).values_list("person_id", flat=True)
        return set(rows)


@contextmanager
def reminder_role() -> Iterator[None]:
    """Within the block, and within its transaction, act under the login that may know who answered."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        before = cursor.fetchone()[0]
        cursor.execute("SET LOCAL ROLE office_reminder")
        yield
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(before)}")


def trials() -> list[str]:
    return list(Trial.objects.order_by("code").values_list("code", flat=True))


@transaction.atomic
def hold_mail(*, trial: str, by: User) -> None:
    """Hold back all mail of the trial. Safe to repeat."""
    _switch, made = PauseSwitch.objects.get_or_create(trial_id=trial, defaults={"since": clock.now(), "by": by})
    if made:
        audit.record("mail.held", f"trial:{trial}", by=by, trial=trial)


@transaction.atomic
def release_mail(*, trial: str, by: User) -> None:
    """Let the mail of the trial go again. Safe to repeat."""
    gone, _kinds = PauseSwitch.objects.filter(trial=trial).delete()
    if gone:
        audit.record("mail.released", f"trial:{trial}", by=by, trial=trial)
