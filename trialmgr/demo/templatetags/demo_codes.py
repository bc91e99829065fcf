"""The present one-time code of a demonstration account."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django import template
from django.conf import settings

from trialmgr.core.models import User

register = template.Library()


@register.filter
def demo_code(user: User) -> str:
    """Six digits, or a dash when the second factor is not there yet; empty outside a demo."""
    held = user.authenticator_set.all()  # read for all accounts at once
    found = next((one for one in held if one.type == Authenticator.Type.TOTP), None)
    if found is None or not settings.DEMO:
        return "–"
    secret = decrypt(found.data["secret"])
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))
