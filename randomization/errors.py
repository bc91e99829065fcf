"""What a draw refuses."""

from trialmgr.core.errors import DomainError


class DrawRefused(DomainError):
    """A step of a draw cannot be taken; `code` names the reason in the audit log, the same in every language."""

    def __init__(self, message: str, *, code: str = "not_ready", field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.code = code


class DrawNotReady(DrawRefused):
    """The draw is not in the state that this step needs."""


class NumbersDiffer(DrawRefused):
    """The two persons typed different numbers."""
