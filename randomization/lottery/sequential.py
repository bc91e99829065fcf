"""Lots for units that come one by one: every place is sealed at the draw and opened in turn.

A seal binds the arm of one place and tells nothing about it, nor about any other: its key is a block of the keyed
stream, shown only when the place is given out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from randomization.lottery.allocate import sequence, slot_keys
from randomization.lottery.design import Design, params_hash_of
from randomization.lottery.draw import check_secret, seed_for
from randomization.lottery.names import name_problem
from randomization.lottery.record import Record
from randomization.lottery.stream import Lots, commitment_of, lines_hash, seed_of, sha256_hex
from trialmgr.core.errors import BadInput, DomainError, Fault

MOST_PLACES = 1_000_000


@dataclass(frozen=True)
class Place:
    """A place given out: `number` counts from 1 in its stratum; `key` with the arm opens the seal."""

    stratum: str
    number: int
    unit: str
    arm: str
    key: str


class NoPlaceLeft(DomainError):
    """The stratum has given out its last place."""


def announce(places: Mapping[str, int], design: Design, secret: bytes, *, event: str | None = None) -> Record:
    """The record to publish before the draw: how many places each stratum has.

    Make room for more units than you expect; places that are not used do no harm. Raises BadInput.
    """
    check_secret(secret)
    if design.mode != "sequential":
        raise BadInput(Fault("design", "draws a whole list", "write mode: sequential"))
    faults = [fault for stratum, number in places.items() for fault in _place_faults(stratum, number)]
    if faults or not places:
        raise BadInput(faults or Fault("list", "has no strata", "give at least one"))
    params, strata = design.params(), tuple(sorted(places.items()))
    return Record(
        params=params,
        params_hash=params_hash_of(params),
        strata=strata,
        list_hash=lines_hash([(stratum, str(number)) for stratum, number in strata]),
        commitment=commitment_of(secret),
        event=event,
    )


def seal(record: Record, secret: bytes, beacon: str) -> Record:
    """Draw all places and publish only their seals. Raises BadInput as `draw` does."""
    lots = Lots(seed_for(record, secret, beacon))
    slots = {
        stratum: tuple(
            seal_of(stratum, number, arm, key)
            for number, (arm, key) in enumerate(_drawn(record.params, stratum, places, lots), 1)
        )
        for stratum, places in record.strata
    }
    return replace(record, beacon=beacon, slots=slots, revealed=())


def reveal(record: Record, secret: bytes, *, unit: str, stratum: str) -> tuple[Record, Place]:
    """Give the next place of the stratum to a unit that is registered for good; store the record before telling.

    A unit that has a place keeps it. Raises BadInput for an unknown stratum, a unit that has a place in another
    stratum or a wrong secret, NoPlaceLeft at the end of the list.
    """
    if problem := name_problem(unit):
        raise BadInput(Fault("unit", *problem))
    given = [Place(*entry) for entry in record.revealed or ()]
    if earlier := next((place for place in given if place.unit == unit), None):
        if earlier.stratum != stratum:
            raise BadInput(Fault("unit", f"{unit!r} has a place in {earlier.stratum}", "a unit is drawn once"))
        return record, earlier
    number = sum(place.stratum == stratum for place in given) + 1
    drawn = _drawn(record.params, stratum, _room(record, stratum, number), Lots(_seed(record, secret)))
    place = Place(stratum, number, unit, *drawn[number - 1])
    entry = (place.stratum, place.number, place.unit, place.arm, place.key)
    return replace(record, revealed=(*(record.revealed or ()), entry)), place


def places_of(record: Record, secret: bytes) -> dict[str, list[str]]:
    """The arms of all places of each stratum, in order, for a system that gives them out itself.

    Whoever sees them can foretell every lot: keep them as secret as the secret.
    """
    lots = Lots(_seed(record, secret))
    return {stratum: sequence(record.params, stratum, places, lots) for stratum, places in record.strata}


def close(record: Record, secret: bytes) -> Record:
    """End the enrolment: publish the secret, so that every place can be replayed. Nothing can be revealed after it."""
    seed = _seed(record, secret)
    result = tuple(sorted((entry[2], entry[0], entry[3]) for entry in record.revealed or ()))
    return replace(record, secret=secret.hex(), seed=seed.hex(), result=result, result_hash=lines_hash(result))


def seal_of(stratum: str, number: int, arm: str, key: str) -> str:
    return sha256_hex(f"VLOT-1|slot|{stratum}|{number}|{arm}|{key}".encode())


def _drawn(params: dict[str, Any], stratum: str, places: int, lots: Lots) -> list[tuple[str, str]]:
    """Arm and key of each place, first to last."""
    keys = slot_keys(lots, stratum)
    return [(arm, next(keys).hex()) for arm in sequence(params, stratum, places, lots)]


def _room(record: Record, stratum: str, number: int) -> int:
    places = dict(record.strata).get(stratum)
    if places is None:
        known = ", ".join(name for name, _ in record.strata)
        raise BadInput(Fault("stratum", f"{stratum!r} is unknown", f"use one of {known}"))
    if number > places:
        raise NoPlaceLeft(f"stratum {stratum}: all {places} places are given out: announce a new list for later units")
    return places


def _seed(record: Record, secret: bytes) -> bytes:
    if record.beacon is None or record.slots is None:
        raise BadInput(Fault("record", "is not drawn yet", "draw it with the beacon first"))
    if record.secret is not None:
        raise BadInput(Fault("record", "is closed", "announce a new list for later units"))
    if commitment_of(secret) != record.commitment:
        raise BadInput(Fault("secret", "is not the one committed to", "give the secret of this record"))
    return seed_of(secret, record.params_hash, record.list_hash, record.beacon)


def _place_faults(stratum: str, number: int) -> list[Fault]:
    faults = []
    if problem := name_problem(stratum):
        faults.append(Fault("stratum", *problem))
    if not 1 <= number <= MOST_PLACES:
        faults.append(Fault(f"stratum {stratum}", f"has {number} places", f"give 1 to {MOST_PLACES}"))
    return faults
