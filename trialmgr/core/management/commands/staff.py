"""Accounts of staff and their roles, for the operator."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import override

from trialmgr.core import staffing
from trialmgr.core.access import WHOLE_OFFICE
from trialmgr.core.commands import ToolCommand
from trialmgr.core.errors import BadInput, DomainError, Fault
from trialmgr.core.models import Membership, User
from trialmgr.processes import Process

BY = "operator"
APART = "who works with people and who keeps an eye on that should be two persons"
WHERE = {"trial": "--trial", "site": "--site", "role": "--role", "name": "--name", "email": "EMAIL"}


class Command(ToolCommand):
    help = "Give a member of staff an account and a role, end a role, renew how they log in, or list who holds which."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="give a role; who has no account gets one, and a link by mail")
        add.add_argument("email", metavar="EMAIL")
        add.add_argument("--name", default="", help="needed for a new account")
        _add_post(add)
        end = actions.add_parser("end", help="end the roles of a person, or only those that are named")
        end.add_argument("email", metavar="EMAIL")
        _add_post(end)
        renew = actions.add_parser("renew", help="for who lost a telephone or key: both factors anew, by a link")
        renew.add_argument("email", metavar="EMAIL")
        for parser_of_mail in (add, renew):
            _add_mail(parser_of_mail)
        listing = actions.add_parser("list", help="who holds which role: columns between tabs")
        listing.add_argument("--trial", help="only of this trial")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PROCESS not in {Process.OFFICE, Process.RESEARCH}:
            raise BadInput(Fault("staff", "needs a database", "run it with TRIALMGR_PROCESS=office or research"))
        with override("en"):
            try:
                getattr(self, options["action"])(options)
            except DomainError as error:
                if error.field is None:
                    raise
                raise DomainError(f"{WHERE[error.field]}: {error}") from error

    def add(self, options: dict[str, Any]) -> None:
        post = _post(options)
        who = {"email": options["email"], "name": options["name"], "by": BY}
        if post is None:
            user, made = staffing.open_account(**who)
            got = staffing.Appointment(user, account_made=made, role_given=False)
        else:
            got = staffing.appoint(**who, post=post)
        if got.account_made:
            self.stdout.write(f"{got.user.email}: account made")
        if post is not None:
            self.stdout.write(f"{got.user.email}: {_words(post)}, {'given' if got.role_given else 'held already'}")
            for other in staffing.held_against(got.user, post):
                self.stderr.write(f"{got.user.email}: warning: is {_words(other)} too, and {APART}")
        if got.needs_password:
            self.welcome(got.user, post, options)

    def welcome(self, user: User, post: staffing.Post | None, options: dict[str, Any]) -> None:
        from trialmgr.core import welcoming  # needs apps that the process without a database has not

        if options["print_link"]:
            self.stdout.write(welcoming.password_link(user))
            return
        contact = options["contact"] or welcoming.leaders_of(post.trial if post else "")
        try:
            welcoming.send_welcome(user, post, contact=contact)
        except welcoming.MailNotSent as error:
            raise DomainError(f"{error} The rest is done: run this again, or with --print-link.") from error
        self.stdout.write(f"{user.email}: mail sent, with a link to choose a password")

    def end(self, options: dict[str, Any]) -> None:
        user = _known(options["email"])
        ending = [held for held in staffing.held_by(user) if _is_meant(held, options)]
        if not ending:
            raise BadInput(Fault(options["email"], "holds no such role", "see `staff list`"))
        for held in ending:
            if staffing.end_role(membership=held, by=BY):
                self.stdout.write(f"{user.email}: {_words(held)}, ended")
        if not staffing.held_by(user).exists():
            self.stdout.write(f"{user.email}: account closed, no role is left")

    def renew(self, options: dict[str, Any]) -> None:
        user = _known(options["email"])
        if not user.is_active:
            raise BadInput(Fault(user.email, "is closed", "`staff add` with a role opens it again"))
        user = staffing.renew_account(user=user, by=BY)
        self.stdout.write(f"{user.email}: password and second factor are void")
        held = staffing.held_by(user).first()
        self.welcome(user, staffing.Post(held.role, held.trial, held.site) if held else None, options)

    def list(self, options: dict[str, Any]) -> None:
        self.stdout.write("email\tname\trole\ttrial\tsite\tsince")
        held = Membership.objects.filter(ended_at=None).select_related("user")
        if options["trial"] is not None:
            held = held.filter(trial=options["trial"])
        for one in held.order_by("trial", "user__email", "role", "site"):
            since = timezone.localdate(one.given_at).isoformat()
            cells = (one.user.email, one.user.name, one.role, one.trial or "whole office", one.site or "all", since)
            self.stdout.write("\t".join(cells))


def _add_post(parser: CommandParser) -> None:
    parser.add_argument("--role", help=", ".join(staffing.roles_here()))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--trial", help="the code in the protocol")
    where.add_argument("--whole-office", action="store_const", const=WHOLE_OFFICE, dest="trial", help="for an auditor")
    parser.add_argument("--site", help="only at this site; else at all sites")


def _add_mail(parser: CommandParser) -> None:
    parser.add_argument("--contact", default="", help="who to call, for the mail: a name and a telephone number")
    parser.add_argument("--print-link", action="store_true", help="print the link to choose a password; send no mail")


def _known(email: str) -> User:
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise BadInput(Fault(email, "has no account here", "see `staff list`"))
    return user


def _post(options: dict[str, Any]) -> staffing.Post | None:
    """The role that was asked for; None when only an account was."""
    role, trial, site = options["role"], options["trial"], options["site"]
    if role is None and trial is None and site is None:
        return None
    if role is None:
        raise BadInput(Fault("--role", "is missing", f"choose one of {', '.join(staffing.roles_here())}"))
    if trial is None:
        raise BadInput(Fault("--trial", "is missing", "name the trial, or --whole-office for an auditor of everything"))
    return staffing.Post(role, trial, site or "")


def _is_meant(held: Membership, options: dict[str, Any]) -> bool:
    return all(options[name] in {None, getattr(held, name)} for name in ("role", "trial", "site"))


def _words(post: staffing.Post | Membership) -> str:
    place = f"{post.trial} at {post.site}" if post.site else post.trial
    return f"{post.role} of {place or 'the whole office'}"
