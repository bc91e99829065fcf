"""Writing protocol versions."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from trialmgr.core import audit, clock
from trialmgr.core.documents import Document
from trialmgr.core.errors import BadInput, DomainError
from trialmgr.core.models import User
from trialmgr.protocol.changes import undone
from trialmgr.protocol.models import ProtocolVersion, Trial
from trialmgr.protocol.reading import canonical, check, sha256
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_version, no_protocol, protocol_of


class ReasonMissing(DomainError):
    """An amendment after the first draw gives no reason."""


@transaction.atomic(durable=True)
def load_version(*, document: Document, by: User, reason: str = "") -> ProtocolVersion:
    """Store a document as the newest version of its trial, which it makes when there is none.

    Safe to repeat: a document equal to the newest version gives that version. After the first draw
    a reason is compulsory, and what people were drawn or asked under must stay. Raises BadInput for
    a faulty document, ReasonMissing, or BadInput for what an amendment may not undo.
    """
    checked = check(document)
    if checked.protocol is None:
        raise BadInput(checked.faults)
    protocol = checked.protocol
    trial = _locked(protocol.code)
    before = current_version(trial.code)
    if before is not None and before.sha256 == sha256(protocol):
        return before
    if trial.first_drawn_at is not None and before is not None:
        _refuse_unsound_amendment(protocol_of(before), protocol, reason)
    version = ProtocolVersion.objects.create(
        trial=trial,
        number=before.number + 1 if before else 1,
        document=canonical(protocol),
        sha256=sha256(protocol),
        created_at=clock.now(),
        created_by=by,
        reason=reason.strip(),
        amends=before,
        after_first_draw=trial.first_drawn_at is not None,
    )
    audit.record(
        "protocol.version_loaded",
        f"trial:{trial.code}",
        by=by,
        trial=trial.code,
        reason=version.reason,
        number=version.number,
        sha256=version.sha256,
    )
    return version


def record_first_draw(*, trial: str, at: datetime) -> ProtocolVersion:
    """Note, in the transaction of a draw, that lots were drawn; give the version they were drawn under.

    From then on a change of the protocol is an amendment. Safe to repeat: only the first draw is kept.
    Locks the trial, so that no version can come between.
    """
    row = Trial.objects.select_for_update(of=("self",), no_key=True).filter(code=trial).first()
    version = current_version(trial)
    if row is None or version is None:
        raise DomainError(no_protocol(trial))
    if row.first_drawn_at is None:
        row.first_drawn_at = at
        row.save(update_fields=["first_drawn_at"])
    return version


def _locked(code: str) -> Trial:
    Trial.objects.get_or_create(code=code, defaults={"created_at": clock.now()})
    return Trial.objects.select_for_update(of=("self",), no_key=True).get(code=code)


def _refuse_unsound_amendment(before: Protocol, after: Protocol, reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(_("Lots have been drawn: give the reason of this amendment."), field="reason")
    if faults := undone(before, after):
        raise BadInput(faults)
