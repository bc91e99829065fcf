"""Whether what was drawn and what the audit chain tells of it are the same, both ways round."""

from collections.abc import Iterator
from typing import Any

from randomization.lottery.stream import lines_hash
from randomization.models import UNPUBLISHED, Allocation, Draw, Status
from trialmgr.core import audit

Chain = dict[tuple[str, str], dict[str, Any]]
"""The particulars of the last event of each kind about each draw."""
SAYS: dict[str, frozenset[str]] = {
    Status.REQUESTED: frozenset({"draw.requested"}),
    Status.EMPTY: frozenset({"draw.empty"}),
    Status.REFUSED: frozenset({"draw.refused"}),
    Status.COMMITTED: frozenset({"draw.committed"}),
    Status.ENTERED: frozenset({"draw.beacon_entered"}),
    Status.CONFIRMED: frozenset({"draw.confirmed"}),
    Status.DRAWN: frozenset({"draw.drawn", "draw.readmitted"}),
    Status.WITHDRAWN: frozenset({"draw.withdrawn"}),
}
"""The event of which one must have been told of a draw in this state."""
PUBLISHED = frozenset(Status.values) - {*UNPUBLISHED}
LEADS_TO: dict[str, frozenset[str]] = {
    "draw.requested": frozenset(Status.values),
    "draw.committed": PUBLISHED,
    "draw.drawn": frozenset({Status.DRAWN}),
    "draw.readmitted": frozenset({Status.DRAWN}),
    "draw.withdrawn": frozenset({Status.WITHDRAWN}),
}
"""The states in which the draw of an event can be from then on."""


def unaccounted() -> Iterator[str]:
    """A line for each difference: a draw, a group or a withdrawal that no event tells of, or the other way round."""
    told = {(one.verb, one.object): one.detail for one in audit.told(set().union(*SAYS.values(), LEADS_TO))}
    draws = {f"draw:{row.pk}": row for row in Draw.objects.defer("record", "sealed_secret").order_by("pk")}
    for verb, target in told:
        if target not in draws or draws[target].status not in LEADS_TO.get(verb, Status.values):
            yield f"{target}: the chain tells {verb}, the draw does not"
    for target, row in draws.items():
        yield from _against_chain(row, target, told)


def _against_chain(row: Draw, target: str, told: Chain) -> Iterator[str]:
    found = [told[verb, target] for verb in SAYS[row.status] if (verb, target) in told]
    if not found:
        yield f"{target}: no event tells that it is {row.status}"
    committed = told.get(("draw.committed", target), {})
    if committed and committed.get("commitment") != row.commitment:
        yield f"{target}: its commitment is not the one that was told"
    if row.status != Status.DRAWN and Allocation.objects.filter(draw=row).exists():
        yield f"{target}: has groups, and was not drawn"
    elif row.status == Status.DRAWN and {one["result_hash"] for one in found if one} - {_hash_of_groups(row)}:
        yield f"{target}: its groups are not those that were told"


def _hash_of_groups(row: Draw) -> str:
    groups = Allocation.objects.filter(draw=row).values_list("household__code", "stratum", "arm")
    return lines_hash(sorted(groups))
