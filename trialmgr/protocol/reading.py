"""From a file to a protocol that may run: read, validate, hold against the rules."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialmgr.core.documents import Document, read_document, validate
from trialmgr.core.errors import BadInput, Fault
from trialmgr.protocol.partial import read_partly
from trialmgr.protocol.rules import FAULTS, REMARKS, Finding, findings
from trialmgr.protocol.schema import Protocol

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Checked:
    """What a check of a document found; `protocol` is None when there are faults."""

    protocol: Protocol | None
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


def preset_names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_protocol(source: str | Path) -> Protocol:
    """The protocol in a file, or of a preset by name. Raises BadInput with every fault and its place."""
    checked = check(read_source(source))
    if checked.protocol is None:
        raise BadInput(checked.faults)
    return checked.protocol


def read_source(source: str | Path) -> Document:
    """The document in a file; a bare word such as `tilburg` names a preset, unless a file has that name."""
    path, name = Path(source), str(source)
    if not path.exists() and "." not in name and "/" not in name:
        if name not in preset_names():
            raise BadInput(
                Fault(name, "is no file and no preset", f"give a file, or one of {', '.join(preset_names())}")
            )
        path = PRESETS / f"{name}.yaml"
    return read_document(path)


def check(document: Document) -> Checked:
    """Every fault of form and of law, and every remark, in the order of the file."""
    faults: list[Fault] = []
    try:
        protocol = validate(Protocol, document)
    except BadInput as error:
        faults.extend(error.faults)
        protocol = read_partly(Protocol, document.data)
    if not isinstance(protocol, Protocol):
        return Checked(None, tuple(faults), ())
    faults.extend(_placed(document, findings(protocol, FAULTS)))
    faults.sort(key=lambda fault: _line(document, fault))
    remarks = tuple(_placed(document, findings(protocol, REMARKS)))
    return Checked(None if faults else protocol, tuple(faults), remarks)


def restore(data: Mapping[str, Any]) -> Protocol:
    """A protocol from its stored canonical form, which was checked when it was stored."""
    return Protocol.model_validate(data)


def canonical(protocol: Protocol) -> str:
    """The one JSON text of a protocol: all keys, sorted, without spaces, ASCII."""
    return json.dumps(protocol.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sha256(protocol: Protocol) -> str:
    return hashlib.sha256(canonical(protocol).encode("ascii")).hexdigest()


def _placed(document: Document, found: Iterable[Finding]) -> list[Fault]:
    ordered = sorted(found, key=lambda finding: document.line(finding.key))
    return [document.fault(finding.key, finding.what, finding.remedy) for finding in ordered]


def _line(document: Document, fault: Fault) -> int:
    number = fault.where.removeprefix(f"{document.path.name}:").partition(":")[0]
    return int(number) if number.isdigit() else 0
