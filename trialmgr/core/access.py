"""Who may do what, in one place. Every view carries a mark, from here
or `trialmgr.core.anonymous.public`; a test walks the URL table.

A page of a trial that the user has no part in does not exist for them (404); a page of their
own trial that their role may not see is refused (403).
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from trialmgr.core import security
from trialmgr.core.models import Membership, Role, User

View = Callable[..., HttpResponse]
WHOLE_OFFICE = ""
"""In the place of a trial: a role for the office as a whole. It gives no part in any trial."""

ROLES_OF_OFFICE = (Role.COACH, Role.LEADER, Role.SUPPORT, Role.STATISTICIAN, Role.CUSTODIAN, Role.AUDITOR)
ROLES_OF_RESEARCH = (Role.RESEARCHER, Role.PRINCIPAL, Role.STEWARD)
GIVEN_BY_LEADERS = (Role.COACH, Role.SUPPORT)
"""The other roles guard the leader, or share a decision with the leader: the operator gives those."""

COACHING = {"view_caseload", "log_contact"}
OVERSIGHT = {"view_progress", "view_people", "view_arm_sizes"}
PERMISSIONS: dict[str, frozenset[str]] = {
    Role.COACH: frozenset(COACHING | {"view_trial"}),
    Role.LEADER: frozenset(
        {"view_trial", "enrol_people", "import_people", "assign_coach", "record_exit", "approve_beacon"}
        | {"manage_staff", "send_link_again", *OVERSIGHT}
    ),
    Role.SUPPORT: frozenset(
        {"view_trial", "enrol_people", "import_people", "record_exit", "view_people", "send_link_again"}
    ),
    Role.STATISTICIAN: frozenset({"view_trial", "draw_lots", "approve_beacon", "view_arm_sizes"}),
    Role.CUSTODIAN: frozenset({"view_trial", "send_waves", "send_link_again", "view_people"}),
    Role.AUDITOR: frozenset({"view_trial", "view_audit"}),
    Role.RESEARCHER: frozenset({"view_study", "request_run"}),
    Role.PRINCIPAL: frozenset({"view_study", "request_run", "approve_run", "lift_embargo"}),
    Role.STEWARD: frozenset({"view_study", "approve_run", "lift_embargo", "view_audit"}),
}


def memberships_of(user: User) -> list[Membership]:
    """The user's present roles, read once a request and never longer: a change of role works at once."""
    held: list[Membership] | None = getattr(user, "_memberships", None)
    if held is None:
        held = list(Membership.objects.filter(user=user, ended_at=None).order_by("trial", "site", "role"))
        user._memberships = held  # type: ignore[attr-defined]
    return held


def trials_of(held: Iterable[Membership]) -> list[str]:
    return sorted({one.trial for one in held if one.trial != WHOLE_OFFICE})


def may(user: User, permission: str, *, trial: str, site: str | None = None) -> bool:
    """Whether a role of the user gives the permission in this trial (and at this site, when one is named)."""
    return any(
        permission in PERMISSIONS[held.role] and held.trial == trial and (site is None or held.site in {"", site})
        for held in memberships_of(user)
    )


def may_for_office(user: User, permission: str) -> bool:
    """Whether a role of the user gives the permission for the office as a whole, so over all trials together."""
    return may(user, permission, trial=WHOLE_OFFICE)


def sites_of(user: User, permission: str, *, trial: str) -> set[str] | None:
    """The sites where the user holds the permission; None means all of them."""
    sites = {held.site for held in memberships_of(user) if held.trial == trial and permission in PERMISSIONS[held.role]}
    return None if "" in sites else sites


def requires(permission: str) -> Callable[[View], View]:
    """Guard a view of one trial (keyword argument `trial`) with a permission, and leave a mark for the test."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, trial: str, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if not any(held.trial == trial for held in memberships_of(user)):
                security.access_denied(user, permission, trial=WHOLE_OFFICE)
                raise Http404
            if not may(user, permission, trial=trial):
                security.access_denied(user, permission, trial=trial)
                raise PermissionDenied
            return view(request, *args, trial=trial, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def requires_for_office(permission: str) -> Callable[[View], View]:
    """Guard a view about the office as a whole; a role in a trial does not open it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if not may_for_office(user, permission):
                security.access_denied(user, permission, trial=WHOLE_OFFICE)
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def any_staff(view: View) -> View:
    """A view for everyone who has logged in, about nothing but themselves."""
    view.required_permission = "any_staff"  # type: ignore[attr-defined]
    return view
