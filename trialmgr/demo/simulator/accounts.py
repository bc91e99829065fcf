"""The demonstration's staff, on either side."""

from trialmgr.core import staffing
from trialmgr.core.models import Role, User
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


Staff = tuple[tuple[str, str, Role], ...]


def make(accounts: Staff) -> None:
    """Make the accounts, with the password that is no secret; those that are there stay as they are."""
    for email, name, _role in accounts:
        user, made = staffing.open_account(email=email, name=name, by="demo")
        if made:
            user.set_password(PASSWORD)
            user.save(update_fields=["password"])


def give_roles(accounts: Staff, trial: str = TRIAL) -> None:
    """Give each their role in a trial whose protocol is known."""
    for email, _name, role in accounts:
        staffing.give_role(user=of(email), post=staffing.Post(role, trial), by="demo")


def of(email: str) -> User:
    return User.objects.get(email=email)
