"""What the audit log tells of refused logins and refused pages: whose account and when, never what was typed.

What a stranger can bring about is noted once an hour for each account, and for all addresses that have none together:
nobody fills the chain with it, or sees by the time an answer takes which addresses have an account.
"""

from django.core.cache import cache

from trialmgr.core import audit
from trialmgr.core.models import User

HOUR = 60 * 60


def login_failed(email: str) -> None:
    who = _account(email)
    if _first_this_hour("failed", who):
        audit.record("login.failed", who, by="login", trial=audit.NO_TRIAL)


def login_slowed_down(email: str) -> None:
    """So many failed that nobody may try for a while: on this account, or from that address on the network."""
    who = _account(email)
    if _first_this_hour("slowed", who):
        audit.record("login.slowed_down", who, by="login", trial=audit.NO_TRIAL)


def code_slowed_down(user: User) -> None:
    who = f"user:{user.pk}"
    if _first_this_hour("code slowed", who):
        audit.record("login.code_slowed_down", who, by="login", trial=audit.NO_TRIAL)


def access_denied(user: User, permission: str, *, trial: str) -> None:
    """A page of a trial that their roles do not include, or of a trial that they have no part in (NO_TRIAL)."""
    if _first_this_hour("denied", str(user.pk), permission, trial):
        audit.record("access.denied", f"permission:{permission}", by=user, trial=trial)


def _account(email: str) -> str:
    found = User.objects.filter(email=email.lower()).values_list("pk", flat=True).first()
    return f"user:{found}" if found else "user:unknown"


def _first_this_hour(*what: str) -> bool:
    return bool(cache.add(":".join(("security", *what)).replace(" ", "-"), True, timeout=HOUR))
