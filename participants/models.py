"""Households and their members: who they are, what they agreed to, what became of them.

Names and addresses stand in a table of their own, so that everything else can be read without them.
"""

import secrets

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

LETTERS = "23456789CDFGHJKLMNPQRTVWXY"  # no letters that look or sound alike, no vowels that make words


def new_pid() -> str:
    """128 random bits; derived from nothing."""
    return secrets.token_hex(16)


def new_code() -> str:
    """The code of a household in the public draw, such as `H-7KQ2-XM4P-9T`: 47 random bits."""
    text = "".join(secrets.choice(LETTERS) for _place in range(10))
    return f"H-{text[:4]}-{text[4:8]}-{text[8:]}"


class HouseholdType(models.TextChoices):
    SINGLE = "single", _("single")
    LONE_PARENT = "lone_parent", _("lone parent")
    COUPLE = "couple", _("couple")
    COUPLE_CHILDREN = "couple_children", _("couple with children")


class Household(models.Model):
    """The unit that is drawn: one person, or a couple that shares one benefit."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    site = models.SlugField(max_length=40)
    round = models.SlugField(max_length=40)
    code = models.CharField(max_length=20, unique=True, default=new_code)
    household_type = models.CharField(max_length=20, choices=HouseholdType)
    benefit_since = models.DateField(null=True)
    created_at = models.DateTimeField()

    class Privacy:
        scrub = {"code", "benefit_since"}
        keep = {"id", "trial", "site", "round", "household_type", "created_at"}

    class Meta:
        indexes = [models.Index(fields=["trial", "site", "id"], name="household_by_site")]
        constraints = [
            models.CheckConstraint(
                name="household_type_known", condition=models.Q(household_type__in=HouseholdType.values)
            )
        ]

    def __str__(self) -> str:
        return self.code


class Person(models.Model):
    """A member of a household, with consent, questionnaires and contacts of their own."""

    pid = models.CharField(max_length=32, unique=True, default=new_pid)
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    household = models.ForeignKey(Household, models.PROTECT, related_name="persons")
    client_number = models.CharField(max_length=30)

    class Privacy:
        scrub = {"pid", "client_number"}
        keep = {"id", "trial", "household"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "client_number"], name="person_client_number_once_in_trial")
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"

    @property
    def last_step(self) -> "Step | None":
        """The newest step, from steps that were read in order beforehand."""
        steps = list(self.steps.all())
        return steps[-1] if steps else None


class Contact(models.Model):
    """How to reach a person. Kept apart and erased first."""

    person = models.OneToOneField(Person, models.PROTECT, primary_key=True, related_name="contact")
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    first_name = models.CharField(max_length=80)
    infix = models.CharField(max_length=20, blank=True)
    surname = models.CharField(max_length=80)
    born_on = models.DateField()
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)
    street = models.CharField(max_length=120, blank=True)
    postcode = models.CharField(max_length=7, blank=True)
    city = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=2, default="nl")
    likeness = models.CharField(max_length=64)
    """Keyed digest of name and day of birth: the same person cannot be enrolled twice under another address."""
    words = SearchVectorField(db_default="")
    """What the person is found by: names without accents, parts of the client number, the code of the household."""

    class Privacy:
        scrub = {
            "first_name",
            "infix",
            "surname",
            "born_on",
            "email",
            "phone",
            "street",
            "postcode",
            "city",
            "likeness",
            "words",
        }
        keep = {"person", "trial", "language"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "likeness"], name="contact_person_once_in_trial")]
        indexes = [
            models.Index(fields=["trial", "surname", "first_name"], name="contact_by_name"),
            GinIndex(fields=["words"], name="contact_by_words"),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.first_name, self.infix, self.surname) if part)

    @property
    def reached_by(self) -> str:
        """`mail`, `letter`, or '' for who cannot be reached."""
        home = self.street and self.postcode and self.city
        return "mail" if self.email else "letter" if home else ""


class StepKind(models.TextChoices):
    """What happened to a person on the way through the trial, in order; all counts derive from these."""

    SOLICITED = "solicited", _("invited to join")
    SIGNED_UP = "signed_up", _("signed up")
    DECLINED = "declined", _("declined")
    EXCLUDED = "excluded", _("excluded")
    ELIGIBLE = "eligible", _("eligible")
    CONSENTED = "consented", _("consented")
    RANDOMISED = "randomised", _("randomised")
    STOPPED_TREATMENT = "stopped_treatment", _("stopped with the group's rules")
    STOPPED_SURVEYS = "stopped_surveys", _("stopped with questionnaires")
    WITHDREW_DATA = "withdrew_data", _("withdrew data")


STOPS = (StepKind.STOPPED_TREATMENT, StepKind.STOPPED_SURVEYS, StepKind.WITHDREW_DATA)


class Step(models.Model):
    """One dated step of one person. Written once."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=20, choices=StepKind)
    day = models.DateField()
    reason = models.SlugField(max_length=60, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "person", "kind", "day", "reason", "recorded_at", "recorded_by"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="step_taken_once"),
            models.CheckConstraint(name="step_kind_known", condition=models.Q(kind__in=StepKind.values)),
            models.CheckConstraint(
                name="step_exclusion_has_reason", condition=~models.Q(kind=StepKind.EXCLUDED) | ~models.Q(reason="")
            ),
        ]
        indexes = [models.Index(fields=["kind", "day"], name="step_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class StepCount(models.Model):
    """How many persons took each step, and for what reason. Kept by the database itself as steps are written."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    kind = models.CharField(max_length=20)
    reason = models.SlugField(max_length=60, db_index=False)
    persons = models.PositiveIntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "trial", "kind", "reason", "persons"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "kind", "reason"], name="stepcount_once")]

    def __str__(self) -> str:
        return f"{self.persons} {self.kind}"


class NewestStep(models.Model):
    """The newest step of any member of a household. Kept by the database itself as steps are written."""

    household = models.OneToOneField(Household, models.PROTECT, primary_key=True, related_name="+")
    step = models.ForeignKey(Step, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"household", "step", "kind", "recorded_at"}

    class Meta:
        indexes = [models.Index(fields=["kind", "household"], name="neweststep_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of household {self.household_id}"


class Baseline(models.Model):
    """That a person filled in the first questionnaire; not since when. No web page can read this table."""

    person = models.OneToOneField(Person, models.PROTECT, primary_key=True, related_name="baseline")

    class Privacy:
        scrub: set[str] = set()
        keep = {"person"}

    def __str__(self) -> str:
        return f"baseline of person {self.person_id}"


class Check(models.Model):
    """The answer to one eligibility question of the protocol."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="checks")
    code = models.SlugField(max_length=40)
    answer = models.BooleanField()
    day = models.DateField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "person", "code", "answer", "day", "recorded_by"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "code"], name="check_answered_once")]

    def __str__(self) -> str:
        return f"{self.code}: {self.answer}"


class Consent(models.Model):
    """Agreement of one person to one purpose, on one version of the words."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="consents")
    purpose = models.SlugField(max_length=40)
    version = models.CharField(max_length=20)
    given = models.BooleanField()
    day = models.DateField()
    channel = models.CharField(max_length=10, choices=[("paper", _("on paper")), ("online", _("online"))])
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_on = models.DateField(null=True)

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "person", "purpose", "version", "given", "day", "channel", "recorded_by", "ended_on"}

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "purpose"], condition=models.Q(ended_on=None), name="consent_one_in_force"
            ),
            models.CheckConstraint(
                name="consent_ends_after_it_began",
                condition=models.Q(ended_on=None) | models.Q(ended_on__gte=models.F("day")),
            ),
        ]
        indexes = [
            models.Index(fields=["purpose"], condition=models.Q(given=False, ended_on=None), name="consent_standing_no")
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version}: {self.given}"


class ExitReason(models.TextChoices):
    WORK_FULL = "work_full", _("work, benefit ended")
    WORK_PARTIAL = "work_partial", _("part-time work, benefit ended or lowered")
    MOVED = "moved", _("moved away")
    STUDY = "study", _("study")
    PARTNER = "partner", _("income of a partner")
    PENSION = "pension", _("pension age")
    DIED = "died", _("died")
    OTHER = "other", _("other reason")


class Exit(models.Model):
    """Uitstroom: the household left the benefit. It stays in the trial and is followed."""

    household = models.ForeignKey(Household, models.PROTECT, related_name="exits")
    day = models.DateField()
    reason = models.CharField(max_length=20, choices=ExitReason)
    returned_on = models.DateField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "household", "day", "reason", "returned_on", "recorded_at", "recorded_by"}

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household"], condition=models.Q(returned_on=None), name="exit_one_at_a_time"
            ),
            models.CheckConstraint(name="exit_reason_known", condition=models.Q(reason__in=ExitReason.values)),
            models.CheckConstraint(
                name="exit_before_return",
                condition=models.Q(returned_on=None) | models.Q(returned_on__gt=models.F("day")),
            ),
            ExclusionConstraint(
                name="exits_do_not_overlap",
                expressions=[
                    ("household", RangeOperators.EQUAL),
                    (models.Func("day", "returned_on", function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["day"], name="exit_by_day")]

    def __str__(self) -> str:
        return f"{self.reason} {self.day}"


class ImportDraft(models.Model):
    """A checked file that waits for its import to be confirmed; gone after that, or after an hour."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    rows = models.JSONField()
    facts = models.JSONField(db_default=models.Value({}, models.JSONField()))
    """The round, the day of the invitation, the columns that were read and those that were not."""
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub = {"rows", "facts"}
        keep = {"id", "trial", "created_at", "created_by"}

    def __str__(self) -> str:
        return f"import {self.pk}"
