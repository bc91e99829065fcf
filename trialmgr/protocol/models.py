"""Protocols as they were at each moment: a version is written once and never changed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Trial(models.Model):
    """A trial by its code; everything else about it stands in its protocol."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    created_at = models.DateTimeField(_("created"))
    first_drawn_at = models.DateTimeField(_("first draw"), null=True, blank=True)

    class Privacy:
        scrub: ClassVar[set[str]] = set()
        keep: ClassVar[set[str]] = {"id", "code", "created_at", "first_drawn_at"}

    def __str__(self) -> str:
        return self.code


class ProtocolVersion(models.Model):
    """One version of a protocol, in the canonical JSON that its SHA-256 is taken over."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    document = models.TextField(_("document"))
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(_("reason"), blank=True)
    amends = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="amended_by")
    after_first_draw = models.BooleanField(_("made after the first draw"), default=False)

    class Privacy:
        scrub: ClassVar[set[str]] = set()
        keep: ClassVar[set[str]] = {
            "id",
            "trial",
            "number",
            "document",
            "sha256",
            "created_at",
            "created_by",
            "reason",
            "amends",
            "after_first_draw",
        }

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["trial", "number"], name="protocolversion_number_unique_in_trial"),
            models.CheckConstraint(
                condition=Q(number=1, amends=None) | Q(number__gt=1, amends__isnull=False),
                name="protocolversion_amends_the_one_before",
            ),
            models.CheckConstraint(
                condition=Q(after_first_draw=False) | ~Q(reason=""), name="protocolversion_amendment_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial} {self.number}"
