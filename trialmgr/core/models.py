"""Staff accounts and what each may do."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from trialmgr.core import clock


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class Role(models.TextChoices):
    """What a person does in a trial; the first six at the municipality, the rest at the university."""

    COACH = "coach", _("coach")
    LEADER = "leader", _("project leader")
    SUPPORT = "support", _("support staff")
    STATISTICIAN = "statistician", _("trial statistician")
    CUSTODIAN = "custodian", _("data custodian")
    AUDITOR = "auditor", _("auditor")
    RESEARCHER = "researcher", _("researcher")
    PRINCIPAL = "principal", _("principal investigator")
    STEWARD = "steward", _("data steward")


class User(AbstractBaseUser):
    """A member of staff. Participants have no account."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=clock.now)

    objects: ClassVar[UserManager] = UserManager()

    class Privacy:
        scrub: ClassVar[set[str]] = {"email", "name", "password", "last_login"}
        keep: ClassVar[set[str]] = {"id", "is_active", "date_joined"}

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name


class Membership(models.Model):
    """One role of one person, in one trial, at one site or (site empty) at all of them.

    An auditor with an empty trial holds the role for the office as a whole: they read all of the audit chain.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    trial = models.SlugField(max_length=40, blank=True)
    site = models.SlugField(max_length=40, blank=True)
    given_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Privacy:
        scrub: ClassVar[set[str]] = set()
        keep: ClassVar[set[str]] = {"id", "user", "role", "trial", "site", "given_at", "ended_at"}

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "trial", "site"],
                condition=models.Q(ended_at=None),
                name="membership_held_once",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(
                condition=~models.Q(trial="") | models.Q(role=Role.AUDITOR, site=""),
                name="membership_for_office_is_auditor",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}@{self.trial or 'office'}{'/' + self.site if self.site else ''}"


class ChainCheck(models.Model):
    """What a night's walk along the audit chain found, for the pages of who relies on it."""

    at = models.DateTimeField()
    events = models.PositiveBigIntegerField()
    anchors = models.PositiveIntegerField()
    faults = models.JSONField()
    """The first lines of what is wrong; empty when the chain holds and agrees with the tables."""

    class Privacy:
        scrub: ClassVar[set[str]] = set()
        keep: ClassVar[set[str]] = {"id", "at", "events", "anchors", "faults"}

    def __str__(self) -> str:
        return f"{self.events} events: {'; '.join(self.faults) or 'whole'}"
