"""What a draw refuses."""

from trialmgr.core.errors import DomainError


class DrawNotReady(DomainError):
    """The draw is not in the state that this step needs."""


class NumbersDiffer(DomainError):
    """The two persons typed different numbers."""
