"""A plan read from its file, each analysis by the keys of its method."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analysis.estimators.plan import AnalysisKeys, Plan, Shell
from analysis.estimators.registry import methods
from trialmgr.core.documents import Document, faults_of, read_document, validate
from trialmgr.core.errors import BadInput, Fault


def read_plan(path: str | Path) -> Plan:
    """Read and check a plan file; BadInput holds every fault with its line."""
    return plan_of(read_document(path))


def plan_of(document: Document) -> Plan:
    """Check a plan document. A fault outside the analyses hides none in them."""
    faults: list[Fault] = []
    shell = _shell(document, faults)
    given = shell.analyses if shell else _given(document.data)
    analyses = [_analysis(document, place, keys, faults) for place, keys in enumerate(given)]
    faults += _repeated(document, given) + (_families(document, shell) if shell else [])
    if faults or shell is None:
        raise BadInput(list(dict.fromkeys(faults)))
    done = tuple(item for item in analyses if item is not None)
    names = frozenset(_texts(document.data))
    return Plan(document.path, shell.data, dict(shell.columns), shell.families, done, names)


def _shell(document: Document, faults: list[Fault]) -> Shell | None:
    try:
        return validate(Shell, document)
    except BadInput as error:
        faults += error.faults
        return None


def _given(data: Any) -> tuple[dict[str, Any], ...]:
    """The analyses of a plan that is faulty elsewhere, as far as they can be read, each at its place."""
    listed = data.get("analyses") if isinstance(data, dict) else None
    whole = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    return tuple(listed) if isinstance(listed, list) and whole else ()


def _analysis(document: Document, place: int, keys: dict[str, Any], faults: list[Fault]) -> AnalysisKeys | None:
    at = ("analyses", place)
    known = methods()
    name = keys.get("method")
    if name not in known:
        what = "is missing" if name is None else f"{name!r} is not a method"
        faults.append(document.fault((*at, "method"), what, f"choose one of {', '.join(sorted(known))}"))
        return None
    try:
        return known[name].keys.model_validate(keys)
    except ValidationError as error:
        faults += faults_of(document, error, at)
        return None


def _repeated(document: Document, given: Sequence[dict[str, Any]]) -> list[Fault]:
    seen: dict[str, int] = {}
    faults = []
    for place, keys in enumerate(given):
        name = str(keys.get("id"))
        if seen.setdefault(name, place) != place:
            faults.append(
                document.fault(("analyses", place, "id"), f"{name!r} is the name of two analyses", "choose another")
            )
    return faults


def _families(document: Document, shell: Shell) -> list[Fault]:
    known = {str(keys.get("id")) for keys in shell.analyses}
    faults, member_of = [], dict[str, str]()
    for place, family in enumerate(shell.families):
        at = ("families", place, "analyses")
        faults += [
            document.fault(at, f"{name!r} is not an analysis of this plan", "check its spelling")
            for name in family.analyses
            if name not in known
        ]
        for name in family.analyses:
            if member_of.setdefault(name, family.name) != family.name:
                faults.append(document.fault(at, f"{name!r} is in two families", "leave it in one"))
    names = [family.name for family in shell.families]
    faults += [
        document.fault(("families", place, "name"), f"{name!r} is the name of two families", "choose another")
        for place, name in enumerate(names)
        if name in names[:place]
    ]
    return faults


def _texts(part: Any) -> Iterator[str]:
    """Every text in the document: a column that is named nowhere need not be read."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _texts(item)
    elif part is not None:
        yield str(part)
