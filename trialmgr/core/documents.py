"""YAML and JSON documents that know on which line each of their parts stands."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from trialmgr.core import wording
from trialmgr.core.errors import BadInput, Fault

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
TOO_LARGE = 20_000_000
MOST_REPEATED = 10_000
YAML_BOOL = "tag:yaml.org,2002:bool"


class Misfit(ValueError):
    """Raised by a model's validator about several keys: `key` is the one to mend, below the model's own place."""

    def __init__(self, key: Key, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Document:
    """The data of one file, and the line where each key or list item begins."""

    path: Path
    data: Any
    lines: dict[Key, int] = field(default_factory=dict)

    def where(self, key: Key = ()) -> str:
        """`file:line: a.b.0`, for the nearest part of `key` that is in the file."""
        line = self.line(key)
        dotted = ".".join(map(str, key))
        return f"{self.path.name}:{line}" + (f": {dotted}" if dotted else "")

    def line(self, key: Key = ()) -> int:
        """The line of the nearest part of `key` that is in the file, counted from 1."""
        near = key
        while near and near not in self.lines:
            near = near[:-1]
        return self.lines.get(near, 1)

    def fault(self, key: Key, what: str, remedy: str = "") -> Fault:
        return Fault(self.where(key), what, remedy)


def _resolvers() -> dict[str, list[tuple[str, Any]]]:
    """Which plain words are more than text: dates and `yes`/`no` stay as they stand."""
    not_dates = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yes_no = {first: [pair for pair in not_dates.get(first, []) if pair[0] != YAML_BOOL] for first in "yYnNoO"}
    return not_dates | yes_no


class _Explainer(yaml.SafeLoader):
    """Safe YAML, whose complaints name what was met."""

    yaml_implicit_resolvers = _resolvers()

    def construct_yaml_int(self, node: Any) -> int:
        try:
            return int(super().construct_yaml_int(node))
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, "has a number that cannot be read", node.start_mark
            ) from None


_Explainer.add_constructor("tag:yaml.org,2002:int", _Explainer.construct_yaml_int)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C, ten times as fast."""

    yaml_implicit_resolvers = _resolvers()


def read_document(path: str | Path) -> Document:
    """Read a YAML or JSON file.

    Raises BadInput, with file and line, when it cannot be read, is not UTF-8, is not YAML, or has a key twice.
    """
    path = Path(path)
    try:
        if path.stat().st_size > TOO_LARGE:
            raise BadInput(Fault(path.name, "is larger than 20 MB", "give a smaller file"))
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BadInput(
            Fault(str(path), f"cannot be read ({error.strerror})", "check the name and the rights")
        ) from None
    except UnicodeDecodeError as error:
        raise BadInput(Fault(path.name, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8")) from None
    return parse_document(text, path)


def parse_document(text: str, path: str | Path = "document") -> Document:
    """Parse YAML or JSON text; `path` names it in messages."""
    path = Path(path)
    try:
        return _document(_Loader(text), path)
    except (yaml.YAMLError, RecursionError, ValueError):
        return _explained(text, path)


def _explained(text: str, path: Path) -> Document:
    """Read what the quick reader stumbled over once more, to say what is wrong."""
    try:
        return _document(_Explainer(text), path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what, remedy = wording.of_yaml(str(error.problem))
        raise BadInput(Fault(f"{path.name}:{line}", f"is not valid YAML: {what}", remedy)) from None
    except RecursionError:
        raise BadInput(Fault(path.name, "has too many parts within parts", "write it flatter")) from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(Fault(path.name, f"is not valid YAML: {error}", "mend the file")) from None


def _document(loader: Any, path: Path) -> Document:
    root = loader.get_single_node()
    lines: dict[Key, int] = {}
    if root is None:
        return Document(path, None, lines)
    _Places(path, lines).collect(root, (), frozenset())
    return Document(path, loader.construct_document(root), lines)


def validate(model: type[Model], document: Document) -> Model:
    """Build `model` from the document, or raise BadInput with every fault and its place."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(faults_of(document, error)) from None


def faults_of(document: Document, error: ValidationError, at: Key = ()) -> list[Fault]:
    """The faults of a model that was built from the part of the document under `at`, each once."""
    faults = [_fault(document, detail, at) for detail in error.errors(include_url=False)]
    return list(dict.fromkeys(faults))


def key_of(data: Any, loc: Key, *, missing: bool = False) -> Key:
    """The place in the file that pydantic means by `loc`, which also names the chosen member of a union.

    With `missing` the last step is a key that is not there.
    """
    key: list[str | int] = []
    for step in loc[:-1] if missing else loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            continue
        key.append(step)
    return (*key, loc[-1]) if missing else tuple(key)


class _Places:
    """The line of each part, found by walking the document; what the walk cannot finish is a fault."""

    def __init__(self, path: Path, lines: dict[Key, int]) -> None:
        self.path, self.lines = path, lines
        self.met: set[int] = set()
        self.repeated = 0

    def collect(self, node: yaml.Node, key: Key, above: frozenset[int]) -> None:
        if id(node) in above:
            raise self._fault(node, "refers to itself", "write the part out")
        self._count(node)
        self.lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, key, above | {id(node)})
        elif isinstance(node, yaml.SequenceNode):
            for place, value in enumerate(node.value):
                self.collect(value, (*key, place), above | {id(node)})

    def _mapping(self, node: yaml.MappingNode, key: Key, above: frozenset[int]) -> None:
        seen: set[str] = set()
        for name, value in node.value:
            text = str(name.value)
            if text in seen:
                raise self._fault(name, f"has the key {text!r} twice", "keep one")
            seen.add(text)
            self.lines[(*key, text)] = name.start_mark.line + 1
            self.collect(value, (*key, text), above)

    def _count(self, node: yaml.Node) -> None:
        """References to references multiply: nine lines can stand for a billion parts."""
        if id(node) in self.met:
            self.repeated += 1
        self.met.add(id(node))
        if self.repeated > MOST_REPEATED:
            what = f"repeats other parts more than {MOST_REPEATED:,} times by reference"
            raise self._fault(node, what, "write parts out instead of referring with *")

    def _fault(self, node: yaml.Node, what: str, remedy: str) -> BadInput:
        return BadInput(Fault(f"{self.path.name}:{node.start_mark.line + 1}", what, remedy))


def _fault(document: Document, detail: Any, at: Key) -> Fault:
    if document.data is None:
        return document.fault((), "is empty", "write the keys that belong in it")
    key = key_of(
        document.data,
        (*at, *detail["loc"], *getattr(detail.get("ctx", {}).get("error"), "key", ())),
        missing=detail["type"] == "missing",
    )
    return document.fault(key, *wording.of_value(detail))
