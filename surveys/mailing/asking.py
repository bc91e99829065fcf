"""The link once more, for who lost it or whose mail never came.

It is the same for everybody: nothing here looks at who answered, and no answer of ours depends on it. Whoever has
answered already finds a page that says thank you.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from participants.selectors import pids_open_for_surveys
from surveys.mailing.models import GONE_OUT, WAITING, Invitation
from surveys.mailing.selectors import POST
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User


@transaction.atomic
def send_again(*, trial: str, person_id: int, by: User) -> bool:
    """Queue the link of the person's open questionnaires; whether that was new. Twice on a day is once."""
    person = pids_open_for_surveys(trial).select_related("contact", "household").filter(pk=person_id).first()
    if person is None:
        raise DomainError(_("This person does not take part in questionnaires."))
    comes = clock.today() if person.contact.email else clock.today() + POST
    invited = Invitation.objects.filter(person=person, last_day__gte=comes).invitations()
    gone_out = list(invited.filter(status__in=GONE_OUT).order_by("pk"))
    if not gone_out:
        raise DomainError(_("No link went to this person yet, or the last day has passed. What is due goes by itself."))
    waves = [first.wave for first in gone_out if _queue(first)]
    for wave in waves:
        audit.record(
            "person.link_sent_again", f"person:{person.pk}", by=by, trial=trial, site=person.household.site, wave=wave
        )
    return bool(waves)


def _queue(first: Invitation) -> bool:
    """A mail beside the invitation, which becomes a letter for who has no e-mail address; one at a time, one a day."""
    asked = Invitation.objects.filter(person=first.person_id, wave=first.wave, asked=True)
    if asked.filter(status__in=WAITING).exists():
        return False
    _row, made = Invitation.objects.get_or_create(
        person_id=first.person_id,
        wave=first.wave,
        asked=True,
        queued_on=clock.today(),
        defaults={"trial_id": first.trial_id, "last_day": first.last_day},
    )
    return made
