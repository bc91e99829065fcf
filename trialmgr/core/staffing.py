"""Accounts of staff and the roles they hold: the one place that makes, gives and ends them.

Rows are locked by person, so that giving a role and ending the last one cannot cross. An account without a role
opens nothing; it serves whoever loads the first protocol, before which there is no trial to hold a role in.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from trialmgr.core import audit, clock
from trialmgr.core.access import GIVEN_BY_LEADERS, ROLES_OF_OFFICE, ROLES_OF_RESEARCH, WHOLE_OFFICE, may
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Membership, Role, User
from trialmgr.core.signals import role_ended
from trialmgr.processes import Process

By = User | str


@dataclass(frozen=True, slots=True)
class Post:
    """A role in a trial, at one site or ('') at all of them; in WHOLE_OFFICE for an auditor of everything."""

    role: str
    trial: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class Appointment:
    """What came of appointing somebody, where part of it may have been so already."""

    user: User
    account_made: bool
    role_given: bool

    @property
    def needs_password(self) -> bool:
        return not self.user.has_usable_password()


def roles_here() -> tuple[Role, ...]:
    return ROLES_OF_RESEARCH if settings.PROCESS is Process.RESEARCH else ROLES_OF_OFFICE


def sites_in(trial: str) -> list[str]:
    """The sites of a trial that this side has a protocol of; none when it has not."""
    sites: list[str] = import_string(settings.SITES_OF_TRIAL)(trial)
    return sites


@transaction.atomic
def appoint(*, email: str, name: str, post: Post, by: By) -> Appointment:
    """Give a role to the person with this address, who gets an account if there is none. Safe to repeat."""
    check(post, by=by)
    user, made = open_account(email=email, name=name, by=by, trial=post.trial)
    given = give_role(user=user, post=post, by=by)
    user.refresh_from_db()
    return Appointment(user, account_made=made, role_given=given)


@transaction.atomic
def open_account(*, email: str, name: str, by: By, trial: str = audit.NO_TRIAL) -> tuple[User, bool]:
    """The account of this address, and whether it was made now: with no password, until its link is used."""
    address = email.strip().lower()
    known = User.objects.filter(email=address).first()
    if known is not None:
        return known, False
    _check_person(address, name)
    try:
        with transaction.atomic():
            user = User.objects.create_user(address, None, name=name.strip())
    except (IntegrityError, ValidationError):  # somebody else made it in the meantime
        return User.objects.get(email=address), False
    audit.record("account.made", f"user:{user.pk}", by=by, trial=trial)
    return user, True


@transaction.atomic
def give_role(*, user: User, post: Post, by: By) -> bool:
    """Give a role; False when the person holds it already. A closed account opens again, without its old password."""
    check(post, by=by)
    held = _locked(user.pk)
    _membership, given = Membership.objects.get_or_create(
        user=held, role=post.role, trial=post.trial, site=post.site, ended_at=None, defaults={"given_at": clock.now()}
    )
    if not given:
        return False
    _check_receiver(held, post, by)
    if not held.is_active:
        held.is_active = True
        held.save(update_fields=["is_active"])
    audit.record("staff.role_given", f"user:{held.pk}", by=by, trial=post.trial, site=post.site, role=post.role)
    return True


@transaction.atomic
def end_role(*, membership: Membership, by: By) -> bool:
    """End a role; False when it had ended. With the last role the account closes, and so does every open session."""
    _check_giver(membership, by)
    user = _locked(membership.user_id)
    if not Membership.objects.filter(pk=membership.pk, ended_at=None).update(ended_at=clock.now()):
        return False
    role_ended.send(sender=Membership, membership=membership, by=by)
    last = not held_by(user).exists()
    if last:
        _close(user)
    where = {"trial": membership.trial, "site": membership.site}
    audit.record("staff.role_ended", f"user:{user.pk}", by=by, **where, role=membership.role)
    if last:
        audit.record("account.closed", f"user:{user.pk}", by=by, **where)
    return True


@transaction.atomic
def renew_account(*, user: User, by: By) -> User:
    """Make both factors void, for who lost one: every session ends, the roles stay, and a new link is due."""
    held = _locked(user.pk)
    _forget_factors(held)
    audit.record("account.renewed", f"user:{held.pk}", by=by, trial=audit.NO_TRIAL)
    return held


def held_by(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user, ended_at=None).order_by("trial", "site", "role")


def held_in(trial: str) -> QuerySet[Membership]:
    """The roles that are held in a trial now, with their holders."""
    held = Membership.objects.filter(trial=trial, ended_at=None).select_related("user")
    return held.order_by("user__name", "user_id", "role", "site")


def held_against(user: User, post: Post) -> QuerySet[Membership]:
    """The roles a person holds that do not go with this one: who works with people, and who keeps an eye on that."""
    clashing = GIVEN_BY_LEADERS if post.role not in GIVEN_BY_LEADERS else set(roles_here()) - set(GIVEN_BY_LEADERS)
    return held_by(user).filter(trial__in={post.trial, WHOLE_OFFICE}, role__in=clashing)


def check(post: Post, *, by: By) -> None:
    """Refuse a role that is not of this side, or not in a trial and site that this side knows."""
    if post.role not in roles_here():
        text = _("There is no such role on this side: choose one of %(known)s.")
        raise DomainError(text % {"known": ", ".join(roles_here())}, field="role")
    _check_giver(post, by)
    if post.trial == WHOLE_OFFICE:
        if post.role != Role.AUDITOR or post.site:
            raise DomainError(_("Only an auditor holds a role outside a trial, and at no site."), field="trial")
        return
    sites = sites_in(post.trial)
    if not sites:
        text = _("There is no protocol of the trial %(trial)s.") % {"trial": post.trial}
        raise DomainError(text, field="trial")
    if post.site and post.site not in sites:
        facts = {"trial": post.trial, "known": ", ".join(sites)}
        raise DomainError(_("The trial %(trial)s has no such site: choose one of %(known)s.") % facts, field="site")


def _check_giver(post: Post | Membership, by: By) -> None:
    """Whoever keeps an eye on the leader is not chosen by the leader; and a leader has a say at the own sites only."""
    if not isinstance(by, User):
        return
    if post.role not in GIVEN_BY_LEADERS or not may(by, "manage_staff", trial=post.trial, site=post.site):
        raise DomainError(_("Only the operator of the system gives and ends this role."), field="role")


def _check_receiver(user: User, post: Post, by: By) -> None:
    """A leader gets no access to people by adding it, nor gives it to who keeps an eye on that."""
    if not isinstance(by, User):
        return
    if user.pk == by.pk:
        raise DomainError(_("Nobody gives a role to themselves: ask the operator of the system."), field="email")
    guard = held_against(user, post).first()
    if guard is not None:
        facts = {"name": user.name, "role": guard.get_role_display()}
        text = _("%(name)s is %(role)s here: only the operator of the system adds a role to that.") % facts
        raise DomainError(text, field="email")


def _check_person(address: str, name: str) -> None:
    try:
        validate_email(address)
    except ValidationError as error:
        raise DomainError(_("This is not an e-mail address."), field="email") from error
    if not name.strip() or len(name.strip()) > 100:
        text = _("There is no account of this address yet: give the name, of at most 100 letters.")
        raise DomainError(text, field="name")


def _locked(user_id: int) -> User:
    return User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)


def _close(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    _forget_factors(user)


def _forget_factors(user: User) -> None:
    """Another password ends the sessions for good; whoever gets a link then chooses both factors anew."""
    from allauth.mfa.models import Authenticator  # no app of the process that works on files

    user.set_unusable_password()
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user).delete()
