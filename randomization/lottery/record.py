"""The record of a lottery: what is published before the draw, and completed by it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from randomization.lottery.stream import VERSION
from trialmgr.core.errors import BadInput, Fault

Row = tuple[str, ...]


class _Form(BaseModel):
    """The keys of a record file and the kind of their values."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: str
    params: dict[str, Any]
    params_hash: str
    units: list[list[str]] | None = None
    strata: list[tuple[str, int]] | None = None
    list_hash: str
    commitment: str
    event: str | None = None
    beacon: str | None = None
    secret: str | None = None
    seed: str | None = None
    attempt: int | None = None
    log: list[tuple[str, list[int], bool, str]] | None = None
    slots: dict[str, list[str]] | None = None
    revealed: list[list[Any]] | None = None
    result: list[tuple[str, str, str]] | None = None
    result_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One lottery. `units` are sorted rows of unit, stratum and the columns that the design needs.

    Published: up to `commitment` and `event`. Drawn: all but `slots` and `revealed`. A sequential lottery has
    `strata` (name, places) instead of units; after its draw `slots` seal every place, `revealed` lists the units that
    got one (stratum, place from 1, unit, its levels, arm, key), and secret, seed and result follow when it is closed.
    """

    params: dict[str, Any]
    params_hash: str
    units: tuple[Row, ...] = ()
    strata: tuple[tuple[str, int], ...] = ()
    list_hash: str
    commitment: str
    event: str | None = None
    beacon: str | None = None
    secret: str | None = None
    seed: str | None = None
    attempt: int | None = None
    log: tuple[tuple[str, tuple[int, ...], bool, str], ...] = ()
    slots: dict[str, tuple[str, ...]] | None = None
    revealed: tuple[tuple[Any, ...], ...] | None = None
    result: tuple[tuple[str, str, str], ...] | None = None
    result_hash: str | None = None

    @property
    def is_sequential(self) -> bool:
        return self.params.get("mode") == "sequential"

    @property
    def is_drawn(self) -> bool:
        return self.beacon is not None

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of units by stratum and arm."""
        counts: dict[tuple[str, str], int] = {}
        for _, stratum, arm in self.result or ():
            counts[stratum, arm] = counts.get((stratum, arm), 0) + 1
        return counts

    def to_json(self) -> str:
        """The record file: keys in a fixed order, one unit a line; the same record gives the same bytes."""
        return "{\n" + ",\n".join(f"  {quoted(key)}: {text}" for key, text in self._parts()) + "\n}\n"

    @classmethod
    def from_json(cls, text: str, name: str = "record") -> Self:
        """Raises BadInput when the text is not a record file; whether it is true is for the verifier."""
        data = record_data(text, name)
        if data.get("version") != VERSION:
            raise BadInput(Fault(name, f"is not a {VERSION} record", "give the file that commit or draw wrote"))
        try:
            _Form.model_validate_json(text)
        except ValidationError as error:
            raise BadInput([_fault(name, dict(detail)) for detail in error.errors(include_url=False)]) from None
        del data["version"]
        for key in ("units", "strata", "log", "revealed", "result"):
            if key in data:
                data[key] = tuple(map(_frozen, data[key]))
        if "slots" in data:
            data["slots"] = {stratum: tuple(seals) for stratum, seals in data["slots"].items()}
        return cls(**data)

    def _parts(self) -> Iterator[tuple[str, str]]:
        yield "version", quoted(VERSION)
        yield "params", json.dumps(self.params, sort_keys=True)
        yield "params_hash", quoted(self.params_hash)
        if self.is_sequential:
            yield "strata", _lines([f"[{quoted(stratum)}, {places}]" for stratum, places in self.strata])
        else:
            yield "units", _rows(self.units)
        for key in ("list_hash", "commitment", "event", "beacon", "secret", "seed"):
            if (value := getattr(self, key)) is not None:
                yield key, quoted(value)
        if self.attempt is not None:
            yield "attempt", str(self.attempt)
        if self.log:
            yield "log", _lines([json.dumps(entry) for entry in self.log])
        if self.slots is not None:
            yield "slots", json.dumps(self.slots, indent=2, sort_keys=True)
            yield "revealed", _lines([json.dumps(entry) for entry in self.revealed or ()])
        if self.result is not None and self.result_hash is not None:
            yield "result", _rows(self.result)
            yield "result_hash", quoted(self.result_hash)


def as_published(text: str) -> str:
    """The record file as it was before the draw: that of the draw begins with the same bytes."""
    return text.partition(',\n  "beacon": ')[0].removesuffix("\n}\n") + "\n}\n"


def record_data(text: str, name: str = "record") -> dict[str, Any]:
    """The JSON object of a record file, whatever its parts. Raises BadInput when it is none or has a key twice."""
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadInput(Fault(name, f"is not JSON ({error})", "give the file that commit or draw wrote")) from None
    if not isinstance(data, dict):
        raise BadInput(Fault(name, f"is not a {VERSION} record", "give the file that commit or draw wrote"))
    return data


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return _lines([f"[{', '.join(map(quoted, row))}]" for row in rows])


def _lines(items: Sequence[str]) -> str:
    return "[\n    " + ",\n    ".join(items) + "\n  ]" if items else "[]"


def _frozen(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(field) if isinstance(field, list) else field for field in row)


def _once(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise BadInput(Fault(name, f"has the key {twice!r} twice", "give the file that commit or draw wrote"))
    return dict(pairs)


def _fault(name: str, detail: dict[str, Any]) -> Fault:
    place = ".".join(map(str, detail["loc"]))
    return Fault(f"{name}: {place}", detail["msg"].lower(), "give the file that commit or draw wrote")
