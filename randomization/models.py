"""Draws and what they allotted. Nobody else reads these tables: ask `randomization.selectors`."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trialmgr.core.constraints import all_or_none


class Status(models.TextChoices):
    REQUESTED = "requested", _("the list is being made")
    EMPTY = "empty", _("no household was ready")
    REFUSED = "refused", _("no list could be made")
    COMMITTED = "committed", _("published, waits for the public number")
    ENTERED = "entered", _("public number entered, waits for a second person")
    CONFIRMED = "confirmed", _("confirmed, the lots are being drawn")
    DRAWN = "drawn", _("drawn")
    WITHDRAWN = "withdrawn", _("withdrawn; no lots were drawn")


OPEN = (Status.REQUESTED, Status.COMMITTED, Status.ENTERED, Status.CONFIRMED)
BUSY = (Status.REQUESTED, Status.CONFIRMED)
"""A job works on it."""
NO_LIST = (Status.EMPTY, Status.REFUSED)
UNPUBLISHED = (Status.REQUESTED, *NO_LIST)


class Draw(models.Model):
    """One public lottery: a frozen list, a commitment published before the public number exists, and its result."""

    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    number = models.PositiveIntegerField()
    round = models.SlugField(max_length=40)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    event = models.CharField(max_length=40, help_text="the public event whose number is awaited")
    event_on = models.DateField(null=True, help_text="the day announced for the event; none in draws of before 0.1")
    source = models.TextField(blank=True, default="", db_default="")
    """Where and how the number is made: announced with the list."""
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    record = models.TextField(blank=True)
    units = models.PositiveIntegerField(null=True)
    """Households on the list; this and the four digests repeat the record, which may be large, for the pages."""
    commitment = models.CharField(max_length=64, blank=True, default="", db_default="")
    list_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    params_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    result_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    sealed_secret = models.BinaryField(null=True)
    committed_at = models.DateTimeField(null=True)
    beacon = models.CharField(max_length=200, blank=True)
    evidence = models.TextField(blank=True, default="", db_default="")
    """How the number came about, such as the throws: published with it."""
    entered_at = models.DateTimeField(null=True)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    drawn_at = models.DateTimeField(null=True)
    fault = models.TextField(blank=True)
    """Why no list could be made or no lots drawn, for the statistician."""

    class Privacy:
        scrub = {"sealed_secret", "record"}
        keep = {
            "id",
            "trial",
            "number",
            "round",
            "status",
            "units",
            "commitment",
            "list_hash",
            "params_hash",
            "result_hash",
            "event",
            "event_on",
            "source",
            "requested_at",
            "requested_by",
            "committed_at",
            "beacon",
            "evidence",
            "entered_at",
            "entered_by",
            "confirmed_by",
            "confirmed_at",
            "drawn_at",
            "fault",
        }

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "number"], name="draw_number_once_in_trial"),
            models.UniqueConstraint(
                fields=["trial", "round"],
                condition=models.Q(status__in=OPEN),
                name="draw_one_open_in_round",
            ),
            models.CheckConstraint(name="draw_status_known", condition=models.Q(status__in=Status.values)),
            models.CheckConstraint(
                name="draw_beacon_needs_two_persons",
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("entered_by")),
            ),
            models.CheckConstraint(
                name="draw_drawn_has_moment",
                condition=~models.Q(status=Status.DRAWN) | models.Q(drawn_at__isnull=False),
            ),
            models.CheckConstraint(
                name="draw_drawn_by_two",
                condition=~models.Q(status__in=[Status.CONFIRMED, Status.DRAWN])
                | models.Q(entered_by__isnull=False, confirmed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial_id} {self.number}"


class TakenBack(models.Model):
    """A public number that one person entered and that was taken back before a second confirmed it; it stays public."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="+")
    beacon = models.CharField(max_length=200)
    evidence = models.TextField(blank=True)
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    taken_back_at = models.DateTimeField()
    taken_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "draw", "beacon", "evidence", "entered_at", "entered_by", "taken_back_at", "taken_back_by"}

    def __str__(self) -> str:
        return f"number of draw {self.draw_id}, taken back"


class Withdrawal(models.Model):
    """A published draw will not be drawn: announced by one person, confirmed by another, visible to all for good."""

    draw = models.OneToOneField(Draw, models.PROTECT, related_name="+", primary_key=True)
    reason = models.TextField()
    announced_at = models.DateTimeField()
    announced_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    secret = models.CharField(max_length=64, blank=True)
    """Published with the confirmation, so that all can work out what the draw would have given."""

    class Privacy:
        scrub: set[str] = set()
        keep = {"draw", "reason", "announced_at", "announced_by", "confirmed_at", "confirmed_by", "secret"}

    class Meta:
        constraints = [
            models.CheckConstraint(name="withdrawal_has_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="withdrawal_confirmed_all_or_none", condition=all_or_none("confirmed_at", "confirmed_by")
            ),
            models.CheckConstraint(
                name="withdrawal_needs_two_persons",
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("announced_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal of draw {self.draw_id}"


class Allocation(models.Model):
    """The group that a household was drawn into. Written once, never changed."""

    household = models.OneToOneField("participants.Household", models.PROTECT, related_name="+", primary_key=True)
    draw = models.ForeignKey(Draw, models.PROTECT, related_name="+")
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    arm = models.SlugField(max_length=40)
    stratum = models.CharField(max_length=200)
    allocated_on = models.DateField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"household", "draw", "trial", "arm", "stratum", "allocated_on"}

    class Meta:
        indexes = [models.Index(fields=["trial", "arm"], name="allocation_by_arm")]

    def __str__(self) -> str:
        return f"allocation of household {self.household_id}"


class GroupSize(models.Model):
    """How many were drawn into a group, within a stratum. Written by the draw, never changed."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="+", db_index=False)
    stratum = models.CharField(max_length=200)
    arm = models.SlugField(max_length=40, db_index=False)
    households = models.PositiveIntegerField()
    persons = models.PositiveIntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "draw", "stratum", "arm", "households", "persons"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draw", "stratum", "arm"], name="groupsize_once_in_draw")]

    def __str__(self) -> str:
        return f"{self.households} households in {self.arm}"


class TraitCount(models.Model):
    """How many of a kind that the municipality knew came in a group. Written by the draw, never changed."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="+", db_index=False)
    trait = models.CharField(max_length=20)
    level = models.CharField(max_length=40)
    arm = models.SlugField(max_length=40, db_index=False)
    n = models.PositiveIntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "draw", "trait", "level", "arm", "n"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "trait", "level", "arm"], name="traitcount_once_in_draw")
        ]

    def __str__(self) -> str:
        return f"{self.n} of {self.trait} {self.level} in {self.arm}"
