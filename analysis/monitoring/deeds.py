"""What the verbs of the office's audit chain mean, for who reads them on a page."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trialmgr.core.models import User

DEEDS: dict[str, Promise] = {
    "access.denied": _("page refused"),
    "account.closed": _("account closed"),
    "account.made": _("account made"),
    "account.password_changed": _("password changed"),
    "account.password_chosen": _("password chosen by the link in a mail"),
    "account.renewed": _("password and second factor made void"),
    "account.second_factor_added": _("second factor added"),
    "account.second_factor_removed": _("second factor removed"),
    "account.second_factor_renewed": _("recovery codes made anew"),
    "anchors.begun_anew": _("anchors begun anew"),
    "audit.exported": _("audit log downloaded"),
    "contact.corrected": _("contact changed"),
    "contact.logged": _("contact recorded"),
    "contact.voided": _("contact struck out"),
    "database.restored": _("database put back from a backup"),
    "draw.beacon_entered": _("public number entered"),
    "draw.beacon_refused": _("public number not confirmed"),
    "draw.beacon_taken_back": _("public number taken back"),
    "draw.committed": _("list of a draw published"),
    "draw.confirmed": _("public number confirmed by a second person"),
    "draw.drawn": _("lots drawn"),
    "draw.empty": _("nobody ready for a draw"),
    "draw.readmitted": _("draw entered again from its published record"),
    "draw.refused": _("list of a draw could not be made"),
    "draw.requested": _("draw asked for"),
    "draw.step_refused": _("step of a draw refused"),
    "draw.withdrawal_announced": _("withdrawal of a draw announced"),
    "draw.withdrawn": _("draw withdrawn"),
    "household.coach_assigned": _("coach assigned"),
    "household.declined": _("declined to take part"),
    "household.exited": _("left the benefit"),
    "household.returned": _("benefit again"),
    "household.signed_up": _("signed up"),
    "households.coach_left": _("households left without a coach"),
    "households.coaches_assigned": _("households divided among coaches"),
    "households.solicited": _("households invited to join"),
    "letters.printed": _("letters printed"),
    "letters.printed_again": _("letters printed again"),
    "login.code_refused": _("wrong code at a login"),
    "login.code_slowed_down": _("too many wrong codes: made to wait"),
    "login.failed": _("wrong password at a login"),
    "login.slowed_down": _("too many logins failed: made to wait"),
    "login.succeeded": _("logged in"),
    "mail.held": _("all mail held back"),
    "mail.released": _("mail let go again"),
    "person.answers_erased": _("answers erased"),
    "person.consent_changed": _("consent changed"),
    "person.consent_recorded": _("consent recorded"),
    "person.eligible": _("checked: may take part"),
    "person.excluded": _("checked: may not take part"),
    "person.link_sent_again": _("link sent again"),
    "person.reach_changed": _("contact details changed"),
    "person.stopped": _("person stopped"),
    "protocol.version_loaded": _("version of the protocol stored"),
    "result.received": _("result received"),
    "run.outcomes_sent": _("outcomes sent to the vault"),
    "staff.role_ended": _("role ended"),
    "staff.role_given": _("role given"),
    "wave.queued": _("questionnaires made ready"),
    "wave.status_updated": _("answers counted"),
}


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """What actors such as `user:7` and `job:update_status` are called: staff by name, every job alike."""
    known = set(actors)
    numbers = {int(actor.removeprefix("user:")) for actor in known if actor.startswith("user:")}
    staff = {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=numbers)}
    return staff | {actor: str(_("background job")) for actor in known if actor.startswith("job:")}
