"""The draw, step by step: request, freeze and publish, enter the public number, confirm and draw.

Who may act and in which order is guarded here; the lottery itself is `randomization.lottery`, which needs no database.
"""

import re
import secrets
from datetime import date, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from participants.models import StepKind
from participants.selectors import Unit, household_ids, units_to_draw
from participants.services import mark_randomised
from randomization import tasks
from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen, commit, draw, freeze, new_secret
from randomization.lottery.record import Record
from randomization.models import OPEN, Allocation, Draw, GroupSize, Status
from trialmgr.core import anchors, audit, clock
from trialmgr.core.errors import BadInput, DomainError
from trialmgr.core.models import User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.schema import Protocol, Round
from trialmgr.protocol.selectors import current_protocol
from trialmgr.protocol.services import record_first_draw

NONCE = 12
FROZEN = ["record", "sealed_secret", "status", "committed_at", "units", "commitment", "list_hash", "params_hash"]
EVENT = re.compile(r"0|[1-9][0-9]{0,19}")


class DrawNotReady(DomainError):
    """The draw is not in the state that this step needs."""


class NumbersDiffer(DomainError):
    """The two persons typed different numbers."""


@transaction.atomic
def request_draw(*, trial: str, round_code: str, event: str, by: User) -> Draw:
    """Ask for a draw of every household of the round that is ready; the worker makes the list.

    `event` numbers the public number to come: a drand round, or the day of a notary's dice as 20180312.
    """
    Trial.objects.select_for_update(of=("self",), no_key=True).get(code=trial)
    _refuse_after_a_restore()
    _check_round(current_protocol(trial).round(round_code), clock.today())
    event = event.strip()
    if not EVENT.fullmatch(event):
        raise DomainError(_("Give the public event as a whole number of at most 20 digits."), field="event")
    if Draw.objects.filter(trial=trial, round=round_code, status__in=OPEN).exists():
        raise DrawNotReady(_("A draw of this round is open already; finish it first."))
    number = (Draw.objects.filter(trial=trial).aggregate(last=Max("number"))["last"] or 0) + 1
    made = Draw.objects.create(
        trial_id=trial, number=number, round=round_code, event=event, requested_at=clock.now(), requested_by=by
    )
    audit.record("draw.requested", f"draw:{made.pk}", by=by, trial=trial, round=round_code, event=event)
    tasks.freeze_list.delay_on_commit(made.pk)
    return made


def _refuse_after_a_restore() -> None:
    """No new list while the database may have forgotten a draw: its groups are known, and a second draw gives others.

    A list that was published before the backup may still be drawn: the same secret and number give the same groups.
    """
    if anchors.lost() is not None:
        raise DrawNotReady(
            _("This office was restored from a backup, which lacks the last events. First find out what was drawn.")
        )


def _check_round(entry: Round, today: date) -> None:
    """A batch is drawn when nobody can join any more; people who come in one by one, from the first day on."""
    if today < entry.opens:
        raise DrawNotReady(_("This recruitment round has not opened yet."), field="round")
    if entry.entry == "batch" and today <= entry.closes:
        raise DrawNotReady(_("This round is drawn in one batch, after its last day."), field="round")


def freeze_list(*, draw_id: int) -> bool:
    """Fix the list, draw the secret and publish the commitment; False when it was done or nobody is ready.

    What makes a list impossible, such as a household that fits no stratum, ends the draw and is kept with it.
    """
    try:
        return _freeze_list(draw_id)
    except DomainError as error:
        return _refuse(draw_id, str(error))


@transaction.atomic
def _refuse(draw_id: int, fault: str) -> bool:
    row = _lock(draw_id)
    if row.status == Status.REQUESTED:
        row.status, row.fault = Status.REFUSED, fault
        row.save(update_fields=["status", "fault"])
        audit.record("draw.refused", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id, fault=fault)
    return False


@transaction.atomic
def _freeze_list(draw_id: int) -> bool:
    row = _lock(draw_id)
    if row.status != Status.REQUESTED:
        return False
    _refuse_after_a_restore()
    units = units_to_draw(row.trial_id, round_code=row.round, on=clock.today())
    if not units:
        row.status = Status.EMPTY
        row.save(update_fields=["status"])
        audit.record("draw.empty", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id)
        return False
    secret = new_secret()
    record = commit(_frozen(row, units), secret, event=row.event)
    row.record, row.sealed_secret = record.to_json(), _seal(row, secret)
    row.units, row.commitment = len(units), record.commitment
    row.list_hash, row.params_hash = record.list_hash, record.params_hash
    row.status, row.committed_at = Status.COMMITTED, clock.now()
    row.save(update_fields=FROZEN)
    digests = {"units": row.units, "commitment": row.commitment, "list_hash": row.list_hash}
    audit.record("draw.committed", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id, **digests)
    transaction.on_commit(anchors.write, robust=True)
    return True


@transaction.atomic
def enter_beacon(*, draw_id: int, beacon: str, by: User) -> None:
    """The first of two persons types the public number, as `event:64 hex digits`."""
    row = _lock(draw_id)
    if row.status != Status.COMMITTED:
        raise DrawNotReady(_("This draw does not wait for a public number."))
    _try_beacon(row, beacon.strip())
    row.beacon, row.entered_at, row.entered_by, row.status = beacon.strip(), clock.now(), by, Status.ENTERED
    row.save(update_fields=["beacon", "entered_at", "entered_by", "status"])
    audit.record("draw.beacon_entered", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)


def confirm_and_draw(*, draw_id: int, beacon: str, by: User) -> None:
    """A second person types the same number, and the lots are drawn: once, for ever. Safe to repeat."""
    try:
        _confirm_and_draw(draw_id, beacon.strip(), by)
    except NumbersDiffer:
        with transaction.atomic():  # what was undone is evidence too
            row = Draw.objects.get(pk=draw_id)
            audit.record("draw.beacon_refused", f"draw:{row.pk}", by=by, trial=row.trial_id)
        raise


@transaction.atomic
def _confirm_and_draw(draw_id: int, beacon: str, by: User) -> None:
    row = _lock(draw_id)
    if row.status == Status.DRAWN:
        return
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("This draw does not wait for a confirmation."))
    if row.entered_by == by:
        raise DomainError(_("Somebody else must confirm the public number: two persons vouch for it."))
    if beacon != row.beacon:
        raise NumbersDiffer(
            _("This differs from the number entered first. Compare both with the source."), field="beacon"
        )
    record = draw(Record.from_json(row.record), _open(row), row.beacon)
    store(row, record, by=by, at=clock.now())
    audit.record(
        "draw.drawn",
        f"draw:{row.pk}",
        by=by,
        trial=row.trial_id,
        result_hash=record.result_hash,
        units=len(record.units),
    )
    transaction.on_commit(anchors.write, robust=True)


@transaction.atomic
def reopen_beacon(*, draw_id: int, by: User) -> None:
    """Take back a mistyped public number before anybody confirmed it."""
    row = _lock(draw_id)
    if row.status != Status.ENTERED:
        raise DrawNotReady(_("There is no number to take back."))
    audit.record("draw.beacon_taken_back", f"draw:{row.pk}", by=by, trial=row.trial_id, beacon=row.beacon)
    row.beacon, row.entered_at, row.entered_by, row.status = "", None, None, Status.COMMITTED
    row.save(update_fields=["beacon", "entered_at", "entered_by", "status"])


def design_of(protocol: Protocol, round_code: str) -> Design:
    """The lottery's design for a recruitment round."""
    if protocol.allocation.unit != "household":
        raise DomainError(_("This office draws households; the protocol asks for persons."))
    ratio = protocol.round(round_code).template
    arms = tuple(arm.code for arm in protocol.arms if arm.code in ratio)
    return Design(
        arms=arms,
        ratio=tuple(ratio[arm] for arm in arms),
        method=protocol.allocation.method,
        multipliers=tuple(sorted(protocol.allocation.multipliers)),
    )


def _frozen(row: Draw, units: list[Unit]) -> Frozen:
    earlier = Draw.objects.filter(trial=row.trial_id, status=Status.DRAWN).order_by("-number").first()
    after = Record.from_json(earlier.record) if earlier else None
    design = design_of(current_protocol(row.trial_id), row.round)
    return freeze([(unit.code, unit.stratum) for unit in units], design, after=after)


def _try_beacon(row: Draw, beacon: str) -> None:
    """Find a malformed number now, not in front of the council."""
    try:
        draw(Record.from_json(row.record), _open(row), beacon)
    except BadInput as error:
        raise DomainError(str(error), field="beacon") from None


def store(row: Draw, record: Record, *, by: User, at: datetime) -> None:
    """Write the groups of a drawn record, within the caller's transaction, which has checked everything."""
    today = timezone.localdate(at)
    arms = {unit: (stratum, arm) for unit, stratum, arm in record.result or ()}
    homes = household_ids(row.trial_id, arms)
    Allocation.objects.bulk_create(
        Allocation(
            household_id=homes[unit], draw=row, trial_id=row.trial_id, arm=arm, stratum=stratum, allocated_on=today
        )
        for unit, (stratum, arm) in arms.items()
    )
    drawn = Allocation.objects.filter(draw=row).values("household_id")
    mark_randomised(household_ids=drawn, day=today, by=by)
    _count_groups(row)
    record_first_draw(trial=row.trial_id, at=at)
    row.record, row.sealed_secret, row.status = record.to_json(), None, Status.DRAWN
    row.result_hash, row.confirmed_by, row.drawn_at = record.result_hash or "", by, at
    row.save(update_fields=["record", "sealed_secret", "status", "result_hash", "confirmed_by", "drawn_at"])


def _count_groups(row: Draw) -> None:
    """Keep how many were drawn into each group: neither an allocation nor the step of a person ever changes."""
    drawn = Allocation.objects.filter(draw=row).values_list("stratum", "arm").order_by("stratum", "arm")
    took_part = drawn.filter(household__persons__steps__kind=StepKind.RANDOMISED)
    persons = {(stratum, arm): n for stratum, arm, n in took_part.annotate(n=Count("household__persons"))}
    GroupSize.objects.bulk_create(
        GroupSize(draw=row, stratum=stratum, arm=arm, households=n, persons=persons.get((stratum, arm), 0))
        for stratum, arm, n in drawn.annotate(n=Count("pk"))
    )


def _lock(draw_id: int) -> Draw:
    return Draw.objects.select_for_update(of=("self",), no_key=True).get(pk=draw_id)


def _cipher(key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"trialmgr lottery secret").derive(key.encode()))


def _seal(row: Draw, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, f"draw:{row.pk}".encode())


def _open(row: Draw) -> bytes:
    sealed = bytes(row.sealed_secret or b"")
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return _cipher(key).decrypt(sealed[:NONCE], sealed[NONCE:], f"draw:{row.pk}".encode())
        except InvalidTag:
            continue
    raise DrawNotReady(_("The secret of this draw cannot be opened: the office's key was replaced."))
