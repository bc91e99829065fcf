"""From what the office and the scores say of a person to the outcome columns that the plan reads. Pure.

A row of the office holds `arm`, `stratum`, `block`, `household`, `site`, `months` (whole months since the draw) and
`exits`: [months until exit, reason, months until return or null], in order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialmgr.protocol.schema import Outcome, Protocol, ScoreOutcome

Value = float | int | None
Scores = Mapping[tuple[str, str, str], float | None]

WORK = "work_full"
CARRIED = ("arm", "stratum", "block", "household", "site")


def table(protocol: Protocol, rows: Iterable[Mapping[str, Any]], scores: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """One record a person: what the draw gave, and every outcome of the protocol; a missing value is None.

    `scores` holds, per pseudonym, the value of each (wave, instrument, scale).
    """
    return [_record(protocol, row, scores.get(row["pseud"], {})) for row in rows]


def _record(protocol: Protocol, row: Mapping[str, Any], scores: Scores) -> dict[str, Any]:
    outcomes = {outcome.code: value_of(outcome, row, scores) for outcome in protocol.outcomes}
    return {"person": row["pseud"], **{name: row.get(name) for name in CARRIED}, **outcomes}


def value_of(outcome: Outcome, row: Mapping[str, Any], scores: Scores) -> Value:
    """The value of one outcome for one person, or None when it is not known (yet)."""
    measure = outcome.measure
    if isinstance(measure, ScoreOutcome):
        return scores.get((measure.wave, measure.instrument, measure.score_code))
    exits: Sequence[Sequence[Any]] = row.get("exits", ())
    if measure.kind == "months_to_exit":
        worked = [left for left, reason, _back in exits if reason == WORK and left <= measure.month]
        return min([*worked, measure.month, row["months"]])
    if row["months"] < measure.month:
        return None
    away = [reason for left, reason, back in exits if left <= measure.month and (back is None or back > measure.month)]
    returned = any(back is not None and back <= measure.month for _left, _reason, back in exits)
    known = {
        "full_exit": any(reason == WORK for reason in away),
        "other_exit": any(reason not in {WORK, "work_partial"} for reason in away),
        "return": returned,
    }
    return int(known[measure.kind]) if measure.kind in known else None
