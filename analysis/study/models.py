"""The research side of an analysis: the registered plan, runs with their approvals, sealed results.

No answer and no person is in these tables; the study worker writes a result through `study.finish`.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trialmgr.core.constraints import all_or_none


class Registration(models.Model):
    """The protocol as registered with the university: its analysis plan and embargo hold for the runs under it."""

    trial = models.SlugField(max_length=40)
    number = models.PositiveIntegerField()
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    registered_at = models.DateTimeField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "trial", "number", "document", "sha256", "registered_at"}

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "number"], name="registration_number_once_in_trial"),
            models.UniqueConstraint(fields=["trial", "sha256"], name="registration_once"),
        ]

    def __str__(self) -> str:
        return f"{self.trial} {self.number}"


class Status(models.TextChoices):
    REQUESTED = "requested", _("waits for two approvals")
    APPROVED = "approved", _("approved, waits for the outcomes of the office")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


UNDER_WAY = (Status.REQUESTED, Status.APPROVED, Status.RUNNING)
ENDABLE = (Status.REQUESTED, Status.APPROVED)
"""Until the study worker begins, a run can be refused or withdrawn."""


class Run(models.Model):
    """One run of the registered plan. It needs the approval of two persons who did not ask for it."""

    code = models.CharField(max_length=32, unique=True)
    trial = models.SlugField(max_length=40)
    registration = models.ForeignKey(Registration, models.PROTECT, related_name="runs")
    purpose = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    fault = models.CharField(max_length=300, blank=True)

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "code", "trial", "registration", "purpose", "status", "requested_by", "requested_at", "fault"}

    class Meta:
        constraints = [models.CheckConstraint(name="run_status_known", condition=models.Q(status__in=Status.values))]
        indexes = [models.Index(fields=["trial", "-requested_at"], name="run_of_trial")]

    def __str__(self) -> str:
        return f"run {self.code}"


class Approval(models.Model):
    """One person's yes to one run."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="approvals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "run", "by", "at"}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "by"], name="approval_once_a_person")]

    def __str__(self) -> str:
        return f"approval of run {self.run_id}"


class Ending(models.Model):
    """Why a run was refused by somebody who might approve it, or withdrawn by whoever asked for it."""

    run = models.OneToOneField(Run, models.PROTECT, primary_key=True, related_name="ending")
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"run", "reason", "by", "at"}

    class Meta:
        constraints = [models.CheckConstraint(name="ending_has_a_reason", condition=~models.Q(reason=""))]

    def __str__(self) -> str:
        return f"ending of run {self.run_id}"


class Result(models.Model):
    """What a run found, as one JSON document of aggregates. Written once, by the study worker."""

    run = models.OneToOneField(Run, models.PROTECT, primary_key=True, related_name="result")
    document = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Privacy:
        scrub = {"document"}
        keep = {"run", "sha256"}

    def __str__(self) -> str:
        return f"result of run {self.run_id}"


class Release(models.Model):
    """Opening a result before the embargo ends: proposed with a ground by one person, confirmed by another."""

    run = models.OneToOneField(Run, models.PROTECT, primary_key=True, related_name="release")
    ground = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    class Privacy:
        scrub: set[str] = set()
        keep = {"run", "ground", "proposed_by", "proposed_at", "confirmed_by", "confirmed_at"}

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="release_needs_two_persons",
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")),
            ),
            models.CheckConstraint(
                name="release_confirmed_all_or_none", condition=all_or_none("confirmed_by", "confirmed_at")
            ),
        ]

    def __str__(self) -> str:
        return f"release of run {self.run_id}"
