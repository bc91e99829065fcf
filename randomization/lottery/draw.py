"""The steps of a lottery: freeze the list, commit to a secret, draw with the beacon.

Everything works on values in memory; files and databases are for the callers.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from randomization.lottery.allocate import NoDrawFits, Outcome, allocate
from randomization.lottery.balance import BalanceRule
from randomization.lottery.design import Design, params_hash_of
from randomization.lottery.names import BEACON, name_problem
from randomization.lottery.record import Record, Row
from randomization.lottery.stream import commitment_of, lines_hash, seed_of
from trialmgr.core.errors import BadInput, Fault

Place = Callable[[int], str]
MOST_FAULTS = 20


@dataclass(frozen=True)
class Frozen:
    """A list and a design that can no longer change without their hashes changing."""

    design: Design
    params: dict[str, Any]
    units: tuple[Row, ...]
    params_hash: str
    list_hash: str


def new_secret() -> bytes:
    """32 bytes from the operating system. Keep them secret until the draw; without them nothing can be drawn."""
    return secrets.token_bytes(32)


def freeze(
    units: Iterable[Sequence[str]], design: Design, *, after: Record | None = None, where: Place | None = None
) -> Frozen:
    """Fix the list of a lottery: rows of unit, stratum and then `design.columns`, in any order.

    `after` is the record of the batch before this one: its units cannot enter again. `where` names a row in messages.
    Raises BadInput with every faulty row.
    """
    rows = [tuple(row) for row in units]
    faults = _row_faults(rows, design, where or (lambda row: f"row {row + 1}"), _drawn_before(after))
    if faults:
        left = len(faults) - MOST_FAULTS
        more = [Fault(f"and {left} faults more", "mend these first")] if left > 0 else []
        raise BadInput([*faults[:MOST_FAULTS], *more])
    params = design.params() | _batch(after)
    rows.sort()
    if design.balance:
        _check_balance(design, rows)
    return Frozen(design, params, tuple(rows), params_hash_of(params), lines_hash(rows))


def commit(frozen: Frozen, secret: bytes, *, event: str | None = None) -> Record:
    """The record to publish before the draw. `event` announces the public event, the n of the beacon `n:...`."""
    check_secret(secret)
    return Record(
        params=frozen.params,
        params_hash=frozen.params_hash,
        units=frozen.units,
        list_hash=frozen.list_hash,
        commitment=commitment_of(secret),
        event=event,
    )


def draw(record: Record, secret: bytes, beacon: str) -> Record:
    """Complete a published record. The same record, secret and beacon always give the same bytes.

    Raises BadInput for a secret that was not committed to, a malformed beacon or another event than announced.
    """
    seed = seed_for(record, secret, beacon)
    try:
        outcome = allocate(record.params, record.units, seed)
    except NoDrawFits as error:
        raise BadInput(Fault("balance", str(error), "announce a new draw with a wider rule")) from None
    result = tuple([(row[0], row[1], arm) for row, arm in zip(record.units, outcome.arms, strict=True)])
    return replace(
        record,
        beacon=beacon,
        secret=secret.hex(),
        seed=seed.hex(),
        attempt=outcome.attempt,
        log=_log_rows(outcome),
        result=result,
        result_hash=lines_hash(result),
    )


def seed_for(record: Record, secret: bytes, beacon: str) -> bytes:
    """The seed of a lottery, after checking that nothing was swapped since the commitment."""
    check_secret(secret)
    if record.is_drawn:
        raise BadInput(Fault("record", "is drawn already", "a list is drawn once; make a new batch for new units"))
    if commitment_of(secret) != record.commitment:
        raise BadInput(Fault("secret", "is not the one committed to", "give the secret of this record"))
    check_beacon(beacon, record.event)
    return seed_of(secret, record.params_hash, record.list_hash, beacon)


def check_beacon(beacon: str, event: str | None) -> None:
    """Raises BadInput for a malformed public number, or one of another event than announced."""
    if not BEACON.fullmatch(beacon):
        raise BadInput(Fault("beacon", "is malformed", "write round:randomness, the latter 64 lower-case hex digits"))
    if event is not None and beacon.partition(":")[0] != event:
        raise BadInput(Fault("beacon", "is of another event", f"use event {event}, which was announced"))


def check_secret(secret: bytes) -> None:
    if len(secret) != 32:
        raise BadInput(Fault("secret", f"has {len(secret)} bytes", "it must have 32"))


def _log_rows(outcome: Outcome) -> tuple[tuple[str, tuple[int, ...], bool, str], ...]:
    return tuple((unit, step.scores, step.preferred, step.arm) for unit, step in outcome.log)


def _batch(after: Record | None) -> dict[str, Any]:
    if after is None:
        return {}
    if after.result_hash is None:
        raise BadInput(Fault("after", "is not drawn yet", "draw the earlier batch first"))
    return {"batch": after.params.get("batch", 1) + 1, "after": after.result_hash}


def _drawn_before(after: Record | None) -> set[str]:
    return {unit for unit, _, _ in after.result or ()} if after else set()


def _row_faults(rows: list[Row], design: Design, where: Place, before: set[str]) -> list[Fault]:
    fields = ("unit", "stratum", *design.columns)
    if not rows:
        return [Fault("list", "has no units", "give at least one")]
    faults, first, good_names = [], dict[str, int](), set[str]()
    for place, row in enumerate(rows):
        if len(row) != len(fields):
            faults.append(Fault(where(place), f"has {len(row)} fields", f"give {', '.join(fields)}"))
            continue
        for field, name in zip(fields, row, strict=True):
            if name not in good_names:
                if problem := name_problem(name):
                    faults.append(Fault(f"{where(place)}: {field}", *problem))
                elif field != "unit":
                    good_names.add(name)
        if (earlier := first.setdefault(row[0], place)) != place:
            faults.append(Fault(where(place), f"unit {row[0]!r} stands twice", f"it is at {where(earlier)} already"))
        if row[0] in before:
            faults.append(Fault(where(place), f"unit {row[0]!r} was drawn in an earlier batch", "take it out"))
    return faults


def _check_balance(design: Design, rows: list[Row]) -> None:
    try:
        BalanceRule.of(design.params()["balance"], design.arms, rows)
    except ValueError as error:
        raise BadInput(Fault("balance", str(error), "use numbers, and columns that tell different things")) from None
