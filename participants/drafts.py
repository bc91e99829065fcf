"""A file of recipients between its check and its import: kept for an hour, seen and confirmed by who uploaded it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from participants.entering import known_in_trial, member_of
from participants.importing import Found, Row
from participants.models import ImportDraft
from participants.services import solicit
from trialmgr.core import clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User

LIVES = timedelta(hours=1)


class DraftGone(DomainError):
    """There is no such file that waits for this person."""

    def __init__(self) -> None:
        super().__init__(_("This import was confirmed already, or waited more than an hour. Upload the file again."))


@dataclass(frozen=True, slots=True)
class Left:
    """A row that cannot be imported: it, or the partner in its household, is in the trial by this client number."""

    row: Row
    number: str
    partner: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: the rows that are new, those that are not, and what the file was."""

    rows: Sequence[Row]
    left: Sequence[Left]
    facts: Mapping[str, Any]


@transaction.atomic
def keep_import(*, trial: str, found: Found, round_code: str, day: date, by: User) -> ImportDraft:
    """Keep a checked file until its import is confirmed; older drafts go."""
    drop_old_imports()
    facts = {"round": round_code, "day": day.isoformat(), "repeated": len(found.repeated)}
    return ImportDraft.objects.create(
        trial_id=trial,
        rows=[row.as_json() for row in found.rows],
        facts=facts | {"used": found.used, "unused": found.unused},
        created_at=clock.now(),
        created_by=by,
    )


def drop_old_imports() -> int:
    """Remove drafts that waited too long: they hold names. Give their number."""
    return ImportDraft.objects.filter(created_at__lt=clock.now() - LIVES).delete()[0]


def preview(*, trial: str, draft_id: int, sites: set[str] | None, by: User) -> Preview:
    """Raises DraftGone, also when a row is of a site where the person may not import any more."""
    return _preview(_fresh(trial, by).filter(pk=draft_id).first(), sites)


@transaction.atomic
def confirm_import(
    *, trial: str, draft_id: int, by: User, sites: set[str] | None = None, leave_out: bool = False
) -> int:
    """Import the rows of a draft of one's own; give the number of households. A second click finds it gone.

    Rows of people who are in the trial already stop the import, or are left out when that was chosen.
    """
    draft = _fresh(trial, by).select_for_update(of=("self",)).filter(pk=draft_id).first()
    found = _preview(draft, sites)
    if found.left and not leave_out:
        raise DomainError(_("Some of these people are in the trial by now. Look at the rows again."))
    if not found.rows:
        raise DomainError(_("Everybody in this file is in the trial already."))
    day = date.fromisoformat(found.facts["day"])
    count = solicit(trial=trial, round_code=found.facts["round"], rows=found.rows, day=day, by=by)
    _fresh(trial, by).filter(pk=draft_id).delete()
    return count


def _fresh(trial: str, by: User) -> QuerySet[ImportDraft]:
    return ImportDraft.objects.filter(trial=trial, created_by=by, created_at__gte=clock.now() - LIVES)


def _preview(draft: ImportDraft | None, sites: set[str] | None) -> Preview:
    if draft is None or not draft.facts:
        raise DraftGone
    rows = [_row(data) for data in draft.rows]
    if sites is not None and not {row.site for row in rows} <= sites:
        raise DraftGone
    known = known_in_trial(draft.trial_id, [member_of(row) for row in rows])
    in_trial = {rows[place].household: number for place, number in known.items()}
    left = [
        Left(row, known.get(place, in_trial[row.household]), place not in known)
        for place, row in enumerate(rows)
        if row.household in in_trial
    ]
    return Preview([row for row in rows if row.household not in in_trial], left, draft.facts)


def _row(data: Mapping[str, str]) -> Row:
    days = {name: date.fromisoformat(data[name]) if data[name] else None for name in ("born_on", "benefit_since")}
    return Row(**{**data, **days})
