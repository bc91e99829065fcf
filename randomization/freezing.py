"""The list of a draw, closed and published with its commitment: a job of the office's worker."""

from django.db import transaction
from django.utils.translation import gettext as _

from participants.selectors import Unit, units_to_draw
from randomization.errors import DrawNotReady
from randomization.lottery.design import Design
from randomization.lottery.draw import Frozen, commit, freeze, new_secret
from randomization.lottery.record import Record
from randomization.models import Draw, Status
from randomization.sealing import seal
from randomization.selectors import locked
from trialmgr.core import anchors, audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.jobs import allow_long_statements
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

FROZEN = ["record", "sealed_secret", "status", "committed_at", "units", "commitment", "list_hash", "params_hash"]


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
    row = locked(draw_id)
    if row.status == Status.REQUESTED:
        row.status, row.fault = Status.REFUSED, fault
        row.save(update_fields=["status", "fault"])
        audit.record("draw.refused", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id, fault=fault)
    return False


@transaction.atomic
def _freeze_list(draw_id: int) -> bool:
    allow_long_statements()
    row = locked(draw_id)
    if row.status != Status.REQUESTED:
        return False
    refuse_after_a_restore()
    _refuse_a_known_event(row)
    units = units_to_draw(row.trial_id, round_code=row.round, on=clock.today())
    if not units:
        row.status = Status.EMPTY
        row.save(update_fields=["status"])
        audit.record("draw.empty", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id)
        return False
    secret = new_secret()
    record = commit(_frozen(row, units), secret, event=row.event)
    row.record, row.sealed_secret = record.to_json(), seal(row, secret)
    row.units, row.commitment = len(units), record.commitment
    row.list_hash, row.params_hash = record.list_hash, record.params_hash
    row.status, row.committed_at = Status.COMMITTED, clock.now()
    row.save(update_fields=FROZEN)
    digests = {"units": row.units, "commitment": row.commitment, "list_hash": row.list_hash}
    audit.record("draw.committed", f"draw:{row.pk}", by="freeze_list", trial=row.trial_id, **digests)
    transaction.on_commit(anchors.write, robust=True)
    return True


def _refuse_a_known_event(row: Draw) -> None:
    """A worker that was down for days must not close a list when its number may be known already."""
    if row.event_on is not None and row.event_on <= clock.today():
        raise DrawNotReady(_("The day of the event came before the list was closed, so its number may be known."))


def refuse_after_a_restore() -> None:
    """No new list while the database may have forgotten a draw: its groups are known, and a second draw gives others.

    A list that was published before the backup may still be drawn: the same secret and number give the same groups.
    """
    if anchors.lost() is not None:
        raise DrawNotReady(
            _("This office was restored from a backup, which lacks the last events. First find out what was drawn.")
        )


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
