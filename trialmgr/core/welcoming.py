"""The mail to somebody who got an account: what it is for, a link to choose a password, and who to call."""

import smtplib

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from trialmgr.core.accounts import own_address
from trialmgr.core.errors import DomainError
from trialmgr.core.models import Role, User
from trialmgr.core.staffing import Post, held_in

DAY = 24 * 60 * 60


class MailNotSent(DomainError):
    """The account and its role stand; only the mail did not go."""


def password_link(user: User) -> str:
    """A link to choose a password: it works once, for as long as the one of a forgotten password, and no other way."""
    token = PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return str(get_adapter().get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{token}"))


def send_welcome(user: User, post: Post | None, *, contact: str) -> None:
    """Mail the link, in Dutch and in English. Call it after the commit. Raises MailNotSent."""
    facts = {
        "user": user,
        "trial": post.trial if post else "",
        "role": Role(post.role).label if post else "",
        "site": post.site if post else "",
        "link": password_link(user),
        "days": settings.PASSWORD_RESET_TIMEOUT // DAY,
        "again": own_address(reverse("account_reset_password")),
        "contact": contact,
    }
    with override("nl"):
        subject = " ".join(render_to_string("core/welcome_subject.txt", facts).split())
        text = render_to_string("core/welcome_mail.txt", facts)
    try:
        EmailMessage(subject, text, to=[user.email]).send()
    except (OSError, smtplib.SMTPException) as error:
        what = {"email": user.email, "why": type(error).__name__}
        raise MailNotSent(_("The mail to %(email)s could not be sent (%(why)s).") % what) from error


def leaders_of(trial: str) -> str:
    """Whom staff of a trial may ask: its leaders by name and address, or who sends the mails when it has none yet."""
    leaders = [held.user for held in held_in(trial).filter(role=Role.LEADER)] if trial else []
    return ", ".join(f"{one.name} ({one.email})" for one in leaders) or settings.DEFAULT_FROM_EMAIL
