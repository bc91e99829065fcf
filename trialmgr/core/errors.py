"""The one error family of the product."""

from collections.abc import Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """A rule of the trial was not met; the message is fit for users.

    `field` names the form field it belongs to, if there is one.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where it stands, what it is, and what would be right."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.what, self.remedy) if part)


class BadInput(DomainError):
    """An input file or value that cannot be used; holds every fault found, a line each."""

    def __init__(self, faults: Fault | Sequence[Fault]) -> None:
        self.faults = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
