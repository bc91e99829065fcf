"""Who coaches which household, and every contact with its members."""

import uuid
from datetime import date

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

# The day of a change belongs to the newer coach.
GUIDED = models.Func("from_day", "until_day", function="DATERANGE", output_field=DateRangeField())


class Assignment(models.Model):
    """A coach guides a household from a day on; the history stays."""

    household = models.ForeignKey("participants.Household", models.PROTECT, related_name="+")
    coach = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "household", "coach", "from_day", "until_day", "assigned_by"}

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household"], condition=models.Q(until_day=None), name="assignment_one_coach_at_a_time"
            ),
            ExclusionConstraint(
                name="assignment_never_two_at_once",
                expressions=[("household", RangeOperators.EQUAL), (GUIDED, RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                name="assignment_ends_after_it_began",
                condition=models.Q(until_day=None) | models.Q(until_day__gte=models.F("from_day")),
            ),
        ]
        indexes = [
            models.Index(fields=["coach"], condition=models.Q(until_day=None), name="assignment_caseload"),
        ]

    def __str__(self) -> str:
        return f"household {self.household_id} with coach {self.coach_id}"


class Channel(models.TextChoices):
    OFFICE = "office", _("at the office")
    HOME = "home", _("at home")
    NEIGHBOURHOOD = "neighbourhood", _("in the neighbourhood")
    PHONE = "phone", _("by telephone")
    DIGITAL = "digital", _("by video or message")


IN_PERSON = (Channel.OFFICE, Channel.HOME, Channel.NEIGHBOURHOOD)


class Topic(models.TextChoices):
    WORK = "work", _("work")
    TRAINING = "training", _("training")
    MONEY = "money", _("money and debts")
    HEALTH = "health", _("how things go")
    FAMILY = "family", _("family and care")
    VOLUNTEERING = "volunteering", _("volunteering")
    RULES = "rules", _("rules of the group")
    OTHER = "other", _("something else")


class Contact(models.Model):
    """One contact, or attempt, between a coach and a participant; measured alike in every group."""

    person = models.ForeignKey("participants.Person", models.PROTECT, related_name="+")
    coach = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    day = models.DateField()
    channel = models.CharField(max_length=15, choices=Channel)
    attended = models.BooleanField()
    by_participant = models.BooleanField()
    minutes = models.PositiveSmallIntegerField()
    topics = models.JSONField(default=list)
    note = models.TextField(blank=True, max_length=2000)
    next_on = models.DateField(null=True)
    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """Given out with the form: the same form sent twice is one contact."""
    version = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Privacy:
        scrub = {"note"}
        keep = {
            "id",
            "person",
            "coach",
            "day",
            "channel",
            "attended",
            "by_participant",
            "minutes",
            "topics",
            "next_on",
            "key",
            "version",
            "recorded_at",
            "voided_at",
        }

    class Meta:
        constraints = [
            models.CheckConstraint(name="contact_channel_known", condition=models.Q(channel__in=Channel.values)),
            models.CheckConstraint(name="contact_minutes_in_a_day", condition=models.Q(minutes__lte=600)),
            models.CheckConstraint(
                name="contact_next_comes_later",
                condition=models.Q(next_on=None) | models.Q(next_on__gte=models.F("day")),
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-day"], name="contact_of_person"),
            models.Index(fields=["coach", "-day"], name="contact_of_coach"),
            models.Index(fields=["day"], name="contact_by_day"),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk} on {self.day}"

    @property
    def topic_labels(self) -> list[str]:
        return [str(Topic(topic).label) for topic in self.topics]


class ContactCount(models.Model):
    """Contacts of a group on a day, without those struck out. Kept by the database itself as contacts are written."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    arm = models.SlugField(max_length=40, db_index=False)
    day = models.DateField()
    held = models.IntegerField()
    in_person = models.IntegerField()
    missed = models.IntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "trial", "arm", "day", "held", "in_person", "missed"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "arm", "day"], name="contactcount_once_a_day")]

    def __str__(self) -> str:
        return f"contacts of {self.arm} on {self.day}"


class ContactChange(models.Model):
    """How a contact stood before a correction, and why it was corrected. Written once."""

    contact = models.ForeignKey(Contact, models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField()
    before = models.JSONField()
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub = {"before", "reason"}
        keep = {"id", "contact", "version", "changed_at", "changed_by"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "version"], name="contactchange_once_a_version")]

    def __str__(self) -> str:
        return f"contact {self.contact_id} version {self.version}"

    @property
    def former(self) -> Contact:
        """The contact as it stood, for showing."""
        days = {name: self.before[name] and date.fromisoformat(self.before[name]) for name in ("day", "next_on")}
        return Contact(**{**self.before, **days})
