"""What the audit log tells of logins, passwords and second factors that worked.

Allauth says these by signals only, after its own write; they are connected here and nowhere else.
"""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as second_factor

from trialmgr.core import audit
from trialmgr.core.models import User


def connect() -> None:
    account.user_logged_in.connect(_logged_in)
    account.password_changed.connect(_password_changed)
    account.password_reset.connect(_password_reset)
    second_factor.authenticator_added.connect(_added)
    second_factor.authenticator_removed.connect(_removed)
    second_factor.authenticator_reset.connect(_renewed)
    second_factor.authentication_failed.connect(_code_refused)


def _logged_in(*, user: User, **_: Any) -> None:
    audit.record("login.succeeded", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL)


def _password_changed(*, user: User, **_: Any) -> None:
    audit.record("account.password_changed", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL)


def _password_reset(*, user: User, **_: Any) -> None:
    """Chosen by the link in a mail: at first, or when the old one was forgotten."""
    audit.record("account.password_chosen", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL)


def _added(*, user: User, authenticator: Any, **_: Any) -> None:
    kind = str(authenticator.type)
    audit.record("account.second_factor_added", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL, kind=kind)


def _removed(*, user: User, authenticator: Any, **_: Any) -> None:
    kind = str(authenticator.type)
    audit.record("account.second_factor_removed", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL, kind=kind)


def _renewed(*, user: User, authenticator: Any, **_: Any) -> None:
    kind = str(authenticator.type)
    audit.record("account.second_factor_renewed", f"user:{user.pk}", by=user, trial=audit.NO_TRIAL, kind=kind)


def _code_refused(*, user: User, **_: Any) -> None:
    """Their password was right: there are few of these, as allauth slows them down for each account."""
    audit.record("login.code_refused", f"user:{user.pk}", by="login", trial=audit.NO_TRIAL)
