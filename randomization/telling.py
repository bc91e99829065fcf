"""What the pages tell of a draw, from what was counted when it was drawn: a record may hold a million lines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from randomization import selectors, withdrawing
from randomization.models import BUSY, Draw
from trialmgr.core import clock
from trialmgr.core.models import User
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

LONG = timedelta(minutes=2)


@dataclass(frozen=True)
class Hand:
    """Somebody's part in a draw: by name for staff, by role for everybody."""

    what: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Undone:
    """A number that was entered and taken back."""

    beacon: str
    evidence: str
    entered: Hand
    taken_back: Hand


def told(row: Draw, *, in_public: bool = False) -> dict[str, Any]:
    """What stands on the pages of a draw; `in_public` names roles where staff see names."""
    protocol, language = current_protocol(row.trial_id), get_language() or "nl"
    name = partial(_role, row.trial_id) if in_public else _name
    counts = [
        (_in_words(protocol, stratum), [groups.get(arm.code, 0) for arm in protocol.arms])
        for stratum, groups in selectors.groups_of(row).items()
    ]
    busy = row.status in BUSY
    return {
        "draw": row,
        "arms": [arm.name.text(language) for arm in protocol.arms],
        "counts": counts,
        "busy": busy,
        "late": busy and clock.now() - (row.confirmed_at or row.requested_at) > LONG,
        "today": clock.today(),
        "hands": _hands(row, name),
        "undone": _undone(row, name),
        **_withdrawal(row),
    }


def arm_names(trial: str) -> dict[str, dict[str, str]]:
    """The names of the groups by their code, in both languages."""
    arms = current_protocol(trial).arms
    return {language: {arm.code: arm.name.text(language) for arm in arms} for language in ("nl", "en")}


Name = Callable[[User, datetime], str]


def _name(user: User, _at: datetime) -> str:
    return str(user)


def _role(trial: str, user: User, at: datetime) -> str:
    return selectors.role_at(user, trial, at) or _("a member of staff")


def _hands(row: Draw, name: Name) -> list[Hand]:
    parts = [(_("Number entered by"), row.entered_by, row.entered_at)]
    parts.append((_("Number confirmed by"), row.confirmed_by, row.confirmed_at))
    return [Hand(what, name(user, at), at) for what, user, at in parts if user and at]


def _undone(row: Draw, name: Name) -> list[Undone]:
    return [
        Undone(
            one.beacon,
            one.evidence,
            Hand(_("Number entered by"), name(one.entered_by, one.entered_at), one.entered_at),
            Hand(_("Taken back by"), name(one.taken_back_by, one.taken_back_at), one.taken_back_at),
        )
        for one in selectors.taken_back(row)
    ]


def _withdrawal(row: Draw) -> dict[str, Any]:
    announced = selectors.withdrawal_of(row)
    open_to_it = withdrawing.can_be_withdrawn(row)
    first_day: date | None = withdrawing.confirmable_from(row, announced) if announced and open_to_it else None
    return {
        "withdrawal": announced,
        "can_withdraw": open_to_it,
        "confirmable_from": first_day,
        "confirmable": first_day is not None and first_day <= clock.today(),
    }


def _in_words(protocol: Protocol, stratum: str) -> str:
    """`long/alone` as the protocol names its levels; a name it does not know stays as it is."""
    language = get_language() or "nl"
    factors, codes = protocol.allocation.strata, stratum.split("/")
    if len(codes) != len(factors):
        return stratum
    names = [{level.code: level.name.text(language) for level in factor.levels} for factor in factors]
    return ", ".join(known.get(code, code) for known, code in zip(names, codes, strict=True))
