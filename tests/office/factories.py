"""What tests of the office start from: a trial, staff, households at each point of their way; all by the services."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from coaching.services import assign_coach
from participants import services
from participants.entering import Entry, Member, enter
from participants.marks import record_baselines
from participants.models import Check, Consent, Household, Person, Step, StepKind
from randomization import drawing
from randomization import services as draws
from randomization.freezing import freeze_list
from randomization.models import Draw
from trialmgr.core import clock
from trialmgr.core.documents import parse_document
from trialmgr.core.models import Membership, Role, User
from trialmgr.protocol.models import Trial
from trialmgr.protocol.reading import PRESETS, canonical, check, sha256
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol

NOW = datetime(2018, 3, 5, 9, tzinfo=UTC)
TODAY = date(2018, 3, 5)
SECRET = "a long password 1"
DIGITS = "0123456789abcdef" * 4
BEACON = f"2563100:{DIGITS}"
SOURCE = "Round 2563100 of drand"
OTHER_BEACON = "2563100:" + "f" * 64
CONSENTED = (StepKind.SIGNED_UP, StepKind.ELIGIBLE, StepKind.CONSENTED)
_numbers = count(1)


def make_user(role: Role | None = None, *, trial: str = "tilburg", site: str = "", second_factor: bool = True) -> User:
    """Staff with one role, and with what they need to get past the second factor."""
    number = next(_numbers)
    name = f"{role or 'nobody'}{number}"
    user = User.objects.create_user(f"{name}@stad.example", SECRET, name=name)
    if role:
        give(user, role, trial=trial, site=site)
    if second_factor:
        TOTP.activate(user, generate_totp_secret())
    return user


def give(user: User, role: Role, *, trial: str = "tilburg", site: str = "") -> Membership:
    return Membership.objects.create(user=user, role=role, trial=trial, site=site)


def visitor() -> Client:
    """Somebody who has not logged in, and reads English."""
    return Client(headers={"accept-language": "en"})


def log_in(user: User) -> Client:
    client = visitor()
    client.force_login(user)
    return client


def make_trial(code: str = "tilburg", *swaps: tuple[str, str]) -> str:
    """Store a preset, with pieces of its text replaced; give the trial's code. Checked once a run: that takes long."""
    text, digest = _checked(code, swaps)
    by = User.objects.first() or make_user()
    trial = Trial.objects.create(code=code, created_at=NOW)
    trial.versions.create(number=1, document=text, sha256=digest, created_at=NOW, created_by=by)
    return trial.code


@lru_cache
def _checked(code: str, swaps: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    text = (PRESETS / f"{code}.yaml").read_text("utf-8")
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    checked = check(parse_document(text, f"{code}.yaml"))
    assert checked.protocol, checked.faults
    return canonical(checked.protocol), sha256(checked.protocol)


def make_member(**over: object) -> Member:
    number = next(_numbers)
    known = Member(
        client_number=f"C{number:06}",
        first_name=f"Noor{number}",
        surname="Bakker",
        born_on=date(1980, 5, 17),
        email=f"noor{number}@post.example",
    )
    return replace(known, **over)


def make_household(trial: str = "tilburg", *, members: int | list[Member] = 1, **over: object) -> Household:
    """A household that signed up, with so many members or these."""
    protocol = current_protocol(trial)
    wished = {name: over.pop(name) for name in ("site", "household_type") if name in over}
    entry = _entry(protocol, members=members, **wished)
    facts = vars(entry) | {"round_code": protocol.rounds[0].code, "day": TODAY, "by": someone()}
    return services.sign_up(trial=trial, **(facts | over))


def make_homes(number: int, kinds: tuple[StepKind, ...], trial: str = "tilburg", **over: Any) -> list[Household]:
    """So many households, all of whose members took these steps, in a handful of statements.

    What stands in the tables is what the services would have left there (test_factories.py); the audit log is silent.
    """
    protocol, by = current_protocol(trial), someone()
    homes = enter(trial, protocol.rounds[0].code, [_entry(protocol, **over) for _ in range(number)])
    persons = list(Person.objects.filter(household__in=homes).order_by("pk"))
    noted = {"day": TODAY, "recorded_by": by}
    Step.objects.bulk_create(
        Step(person=person, kind=kind, recorded_at=clock.now(), **noted) for kind in kinds for person in persons
    )
    if StepKind.ELIGIBLE in kinds:
        right = right_answers(protocol).items()
        Check.objects.bulk_create(
            Check(person=person, code=code, answer=answer, **noted) for person in persons for code, answer in right
        )
    if StepKind.CONSENTED in kinds:
        form = {"version": protocol.consent.version, "channel": "paper", "given": True}
        Consent.objects.bulk_create(
            Consent(person=person, purpose=purpose.code, **form, **noted)
            for person in persons
            for purpose in protocol.consent.purposes
        )
    return homes


def _entry(protocol: Protocol, *, members: int | list[Member] = 1, site: str = "", household_type: str = "") -> Entry:
    people = [make_member() for _ in range(members)] if isinstance(members, int) else members
    return Entry(
        site=site or protocol.sites[0].code,
        household_type=household_type or ("single" if len(people) < 2 else "couple"),
        benefit_since=date(2014, 3, 1),
        members=tuple(people),
    )


def make_eligible(trial: str = "tilburg", **over: Any) -> Household:
    return make_homes(1, (StepKind.SIGNED_UP, StepKind.ELIGIBLE), trial, **over)[0]


def make_consented(trial: str = "tilburg", **over: Any) -> Household:
    return make_homes(1, CONSENTED, trial, **over)[0]


def make_persons(number: int) -> list[Person]:
    """So many persons who consented, each in a household of their own."""
    return list(Person.objects.filter(household__in=make_homes(number, CONSENTED)).order_by("pk"))


def make_ready(trial: str = "tilburg", **over: Any) -> Household:
    """A household that may be drawn: consented, and its baseline is known."""
    return make_all_ready(1, trial, **over)[0]


def make_all_ready(number: int, trial: str = "tilburg", **over: Any) -> list[Household]:
    homes = make_homes(number, CONSENTED, trial, **over)
    record_baselines(pids=Person.objects.filter(household__in=homes).values_list("pid", flat=True))
    return homes


def make_drawn(number: int = 1, trial: str = "tilburg", **over: object) -> list[Household]:
    """So many households, drawn in one public draw."""
    homes = make_all_ready(number, trial, **over)
    make_draw(trial)
    return homes


def make_draw(trial: str = "tilburg", *, until: str = "drawn") -> Draw:
    """A draw of everybody who is ready, taken to a state: requested, committed, entered, confirmed or drawn.

    The list is closed on the day before, and the event is today; one that was only asked for has its event tomorrow.
    """
    first, second = make_user(Role.STATISTICIAN, trial=trial), make_user(Role.LEADER, trial=trial)
    with clock.at(clock.now() - timedelta(days=until != "requested")):
        row = make_request(trial, by=first)
        if until != "requested":
            assert freeze_list(draw_id=row.pk)
    beacon = f"{row.event}:{DIGITS}"
    if until in {"entered", "confirmed", "drawn"}:
        draws.enter_beacon(draw_id=row.pk, beacon=beacon, by=first)
    if until in {"confirmed", "drawn"}:
        draws.confirm_beacon(draw_id=row.pk, beacon=beacon, by=second)
    if until == "drawn":
        assert drawing.draw_lots(draw_id=row.pk)
    row.refresh_from_db()
    return row


def make_request(trial: str = "tilburg", **over: Any) -> Draw:
    """Somebody asks for a draw of the first round, with an event of its own that comes tomorrow."""
    facts = {
        "round_code": current_protocol(trial).rounds[0].code,
        "event": str(2563100 + Draw.objects.filter(trial=trial).count()),
        "event_on": clock.today() + timedelta(days=1),
        "source": SOURCE,
        "by": someone(),
    }
    return draws.request_draw(trial=trial, **(facts | over))


def right_answers(protocol: Protocol | None = None) -> dict[str, bool]:
    return {check.code: check.must_be for check in (protocol or current_protocol("tilburg")).eligibility}


def agree(person: Person, **over: object) -> bool:
    purposes = {purpose.code: True for purpose in current_protocol(person.trial_id).consent.purposes}
    facts = {"purposes": purposes, "channel": "paper", "day": TODAY, "by": someone()}
    return services.record_consent(person_id=person.pk, **(facts | over))


def someone() -> User:
    return User.objects.order_by("pk")[0]


TWO_SITES = (
    "sites:\n",
    "sites:\n  - {code: goirle, name: {nl: Goirle, en: Goirle}, municipality: Goirle}\n",
)


def make_guided(coach: User | None = None, **over: object) -> tuple[User, Household]:
    """A coach with one drawn household in the caseload."""
    coach = coach or make_user(Role.COACH)
    home = make_drawn(**over)[0]
    assign_coach(household_id=home.pk, coach=coach, day=TODAY, by=someone())
    return coach, home


def make_half_guided() -> tuple[User, Person, Person]:
    """A coach with a couple of whom one was drawn and the other excluded: the coach, the one, the other."""
    coach, home = make_user(Role.COACH), make_household(members=2)
    drawn, excluded = home.persons.order_by("pk")
    right = right_answers()
    for person, answers in ((drawn, right), (excluded, {code: not answer for code, answer in right.items()})):
        services.check_eligibility(person_id=person.pk, answers=answers, day=TODAY, by=someone())
    agree(drawn)
    record_baselines(pids=[drawn.pid])
    make_draw()
    assign_coach(household_id=home.pk, coach=coach, day=TODAY, by=someone())
    return coach, drawn, excluded
