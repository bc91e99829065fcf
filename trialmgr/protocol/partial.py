"""Reading what can be read of a faulty document, so that the rules of law can be checked in the same run."""

from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class UndecidableError(Exception):
    """A rule looked at a part that could not be read; what is wrong with that part has been said already."""


class Unread:
    """Stands in the place of an unreadable part: any look at it raises UndecidableError."""

    def _stop(self, *_: object) -> NoReturn:
        raise UndecidableError

    __getattr__ = __iter__ = __bool__ = __len__ = __hash__ = __contains__ = __getitem__ = _stop
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _stop
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _stop


UNREAD = Unread()


def read_partly(model: type[Model], data: object) -> Model:
    """`data` as `model`, with UNREAD in the place of every part that is not valid."""
    part: Model = _read(model, data)
    return part


def _read(kind: Any, data: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError:
        pass
    kind = _member(kind, data)
    if get_origin(kind) is tuple and isinstance(data, list):
        return tuple(_read(get_args(kind)[0], item) for item in data)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(data, dict):
        return kind.model_construct(**{name: _field(kind, name, data) for name in kind.model_fields})
    return UNREAD


def _field(model: type[BaseModel], name: str, data: dict[str, Any]) -> Any:
    field = model.model_fields[name]
    if name not in data:
        return UNREAD if field.is_required() else field.get_default(call_default_factory=True)
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return _read(kind, data[name])


def _member(kind: Any, data: Any) -> Any:
    """The bare type inside Annotated, and of a union the model that `data` means to be."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    members = [_member(member, data) for member in get_args(kind)]
    models = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
    if len(models) == 1:
        return models[0]
    said = data.get("kind") if isinstance(data, dict) else None
    return next((model for model in models if said in _kinds(model)), None)


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    annotation = model.model_fields["kind"].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()
