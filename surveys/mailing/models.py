"""Invitations to answer a questionnaire, and in a table that no web page can read: who answered."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    QUEUED = "queued", _("to be sent")
    CLAIMED = "claimed", _("being sent")
    SENT = "sent", _("sent")
    LETTER = "letter", _("waits for a letter")
    PRINTED = "printed", _("printed as a letter")
    CANCELLED = "cancelled", _("not sent")


GONE_OUT = (Status.SENT, Status.PRINTED)
WAITING = (Status.QUEUED, Status.CLAIMED, Status.LETTER)
NO_EMAIL = "no e-mail address"
NOT_OPEN = "not opened by the research side"


class Again(models.TextChoices):
    """Why letters are printed once more."""

    JAMMED = "jammed", _("the printer jammed, or the print is bad")
    NO_FILE = "no_file", _("the file did not arrive")
    LOST = "lost", _("the letters were lost")


class Printing(models.Model):
    """Letters that were printed in one go, or once more. The links in them are kept nowhere."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    wave = models.SlugField(max_length=40)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    letters = models.PositiveIntegerField()
    first = models.ForeignKey("self", models.PROTECT, null=True, related_name="copies")
    """The printing that this one repeats."""
    copy = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=10, choices=Again, blank=True)

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "trial", "wave", "at", "by", "letters", "first", "copy", "reason"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "copy"], name="printing_copy_once"),
            models.CheckConstraint(
                name="printing_again_has_reason",
                condition=models.Q(first=None, copy=0, reason="")
                | models.Q(first__isnull=False, copy__gt=0, reason__in=Again.values),
            ),
        ]
        indexes = [models.Index(fields=["trial", "-at"], name="printing_newest")]

    def __str__(self) -> str:
        return f"printing {self.pk}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def invitations(self) -> "InvitationQuerySet":
        """The first of each person and wave: no reminders, and nothing that was asked for."""
        return self.filter(reminder=0, asked=False)


class Invitation(models.Model):
    """One mail or letter to one person about one wave. The link is made while sending and kept nowhere."""

    person = models.ForeignKey("participants.Person", models.PROTECT, related_name="+")
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    wave = models.SlugField(max_length=40)
    reminder = models.PositiveSmallIntegerField(default=0)
    """0 is the invitation itself, 1 the first reminder, and so on."""
    asked = models.BooleanField(default=False, db_default=False)
    """The link once more because somebody asked for it, not because the protocol says so."""
    last_day = models.DateField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    queued_on = models.DateField()
    claimed_at = models.DateTimeField(null=True)
    sent_on = models.DateField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=100, blank=True)
    """Why it could not go by mail, or not yet; empty for a letter that the protocol asks for."""
    printing = models.ForeignKey(Printing, models.PROTECT, null=True, related_name="invitations")

    objects = InvitationQuerySet.as_manager()

    class Privacy:
        scrub: set[str] = set()
        keep = {
            "id",
            "person",
            "trial",
            "wave",
            "reminder",
            "asked",
            "last_day",
            "status",
            "queued_on",
            "claimed_at",
            "sent_on",
            "attempts",
            "fault",
            "printing",
        }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "wave", "reminder"], condition=models.Q(asked=False), name="invitation_once"
            ),
            models.UniqueConstraint(
                fields=["person", "wave", "queued_on"],
                condition=models.Q(asked=True),
                name="invitation_asked_once_a_day",
            ),
            models.CheckConstraint(
                name="invitation_asked_is_no_reminder", condition=models.Q(asked=False) | models.Q(reminder=0)
            ),
            models.CheckConstraint(name="invitation_status_known", condition=models.Q(status__in=Status.values)),
            models.CheckConstraint(
                name="invitation_sent_has_day",
                condition=~models.Q(status__in=[Status.SENT, Status.PRINTED]) | models.Q(sent_on__isnull=False),
            ),
            models.CheckConstraint(
                name="invitation_printed_in_a_printing",
                condition=models.Q(status=Status.PRINTED, printing__isnull=False)
                | models.Q(printing=None) & ~models.Q(status=Status.PRINTED),
            ),
        ]
        indexes = [
            models.Index(fields=["claimed_at"], condition=models.Q(status="claimed"), name="invitation_claimed"),
            models.Index(fields=["id"], condition=models.Q(status="queued"), name="invitation_queued"),
            models.Index(fields=["trial", "wave", "reminder"], name="invitation_of_wave"),
            models.Index(fields=["trial", "wave"], condition=models.Q(status="letter"), name="invitation_for_paper"),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def repeats(self) -> bool:
        """Whether its reader had one before, and may have answered."""
        return self.asked or self.reminder > 0


class Response(models.Model):
    """That a person submitted a wave; not since when. Only the reminder job's login may read this.

    The key is random: numbers in order would show in which night the answer became known.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    person = models.ForeignKey("participants.Person", models.PROTECT, related_name="+")
    wave = models.SlugField(max_length=40)

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "person", "wave"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "wave"], name="response_once")]

    def __str__(self) -> str:
        return f"response {self.pk}"


class WaveCount(models.Model):
    """How many were invited and how many answered, as a nightly batch found it. Numbers only."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    wave = models.SlugField(max_length=40)
    day = models.DateField()
    invited = models.PositiveIntegerField()
    answered = models.PositiveIntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "trial", "wave", "day", "invited", "answered"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "wave", "day"], name="wavecount_once_a_day"),
            models.CheckConstraint(
                name="wavecount_answered_were_invited", condition=models.Q(answered__lte=models.F("invited"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wave} {self.day}"


class Erasure(models.Model):
    """The vault was asked to have the answers of a person who withdrew removed, and has done so."""

    person = models.OneToOneField("participants.Person", models.PROTECT, primary_key=True, related_name="+")
    day = models.DateField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"person", "day"}

    def __str__(self) -> str:
        return f"erasure of the answers of person {self.person_id}"


class PauseSwitch(models.Model):
    """A custodian holds back all mail of a trial, for example while a letter goes out."""

    trial = models.OneToOneField(
        "protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+", primary_key=True
    )
    since = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"trial", "since", "by"}

    def __str__(self) -> str:
        return f"mail of {self.trial_id} is held back"
