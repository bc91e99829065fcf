"""The demonstration's staff, on either side."""

from trialmgr.core.models import Membership, Role, User
from trialmgr.demo.simulator.calendar import TRIAL

PASSWORD = "proef-in-vertrouwen"  # noqa: S105 -- printed on the demo's start page
COACHES = ("Amber", "Bilal", "Cor", "Dewi", "Els", "Faas")
OFFICE = (
    ("leider@demo.example", "Lotte Leemans", Role.LEADER),
    ("ondersteuning@demo.example", "Oscar Oomen", Role.SUPPORT),
    ("statisticus@demo.example", "Sanne Stevens", Role.STATISTICIAN),
    ("beheerder@demo.example", "Bart Beheer", Role.CUSTODIAN),
    ("auditor@demo.example", "Anja Aerts", Role.AUDITOR),
    *((f"coach{place}@demo.example", f"Coach {name}", Role.COACH) for place, name in enumerate(COACHES, 1)),
)
FOR_OFFICE = (("hoofdauditor@demo.example", "Hanna Huisman", Role.AUDITOR),)
RESEARCH = (
    ("onderzoeker@demo.example", "Rosa Remmers", Role.RESEARCHER),
    ("hoofdonderzoeker@demo.example", "Hugo Hendrix", Role.PRINCIPAL),
    ("datasteward@demo.example", "Dorien Daelmans", Role.STEWARD),
)


def make(accounts: tuple[tuple[str, str, Role], ...], trial: str = TRIAL) -> None:
    """Create the accounts and their roles in a trial; those that are there stay as they are."""
    for email, name, role in accounts:
        user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, name=name)
        Membership.objects.get_or_create(user=user, role=role, trial=trial, site="", ended_at=None)


def of(email: str) -> User:
    return User.objects.get(email=email)
