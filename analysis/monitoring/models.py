"""What the office keeps of the study: which runs it sent outcomes for, and results that were released to it."""

from django.db import models


class SentRun(models.Model):
    """Outcomes were handed to the vault for this run."""

    run = models.CharField(max_length=32, unique=True)
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    sent_at = models.DateTimeField()
    persons = models.PositiveIntegerField()

    class Privacy:
        scrub: set[str] = set()
        keep = {"id", "run", "trial", "sent_at", "persons"}

    def __str__(self) -> str:
        return f"outcomes for run {self.run}"


class ReleasedResult(models.Model):
    """A result of the research side that may be seen."""

    run = models.CharField(max_length=32, unique=True)
    trial = models.ForeignKey("protocol.Trial", models.PROTECT, to_field="code", db_column="trial", related_name="+")
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    opened_early = models.TextField(blank=True, default="", db_default="")
    """As JSON, the day, the persons and the ground when it was opened before the embargo ended; else nothing."""

    class Privacy:
        scrub = {"opened_early"}
        keep = {"id", "run", "trial", "document", "sha256", "received_at"}

    def __str__(self) -> str:
        return f"result of run {self.run}"
