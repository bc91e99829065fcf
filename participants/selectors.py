"""Questions about households and persons that other parts may ask."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet, Sum

from participants.models import STOPS, Consent, Contact, Exit, Household, NewestStep, Person, Step, StepCount, StepKind
from participants.names import words_of
from trialmgr.core.access import sites_of
from trialmgr.core.models import User
from trialmgr.protocol.selectors import current_protocol

PART = 5000
"""How many rows a long answer is read at a time."""
DECIDED = (StepKind.CONSENTED, StepKind.EXCLUDED)
ENDED = (StepKind.STOPPED_SURVEYS, StepKind.WITHDREW_DATA)


def households_visible_to(user: User, permission: str, *, trial: str) -> QuerySet[Household]:
    """The households of a trial at the sites where the user holds the permission."""
    households = Household.objects.filter(trial=trial)
    sites = sites_of(user, permission, trial=trial)
    return households if sites is None else households.filter(site__in=sites)


def with_people(households: QuerySet[Household]) -> QuerySet[Household]:
    """The households with members, names, steps, consents and exits, in a fixed number of queries."""
    persons = Person.objects.select_related("contact").order_by("pk")
    steps = Step.objects.order_by("recorded_at", "pk")
    return households.prefetch_related(
        Prefetch("persons", persons),
        Prefetch("persons__steps", steps),
        Prefetch("persons__consents", Consent.objects.order_by("purpose", "day", "pk")),
        Prefetch("exits", Exit.objects.order_by("day")),
    )


def search(households: QuerySet[Household], text: str) -> QuerySet[Household]:
    """Households with a member for whom every word begins a name, stands in the client number or begins the code."""
    words = words_of(text)
    if not words:
        return households.none() if text.strip() else households
    found = Contact.objects.filter(words__has_words=words).values("person__household")
    return households.filter(pk__in=found.distinct())  # found first, by the index, and then looked up


def at_stage(households: QuerySet[Household], stage: str) -> QuerySet[Household]:
    """Households of which the newest step of a member is this one."""
    return households.filter(pk__in=NewestStep.objects.filter(kind=stage).values("household"))


def without_consent(households: QuerySet[Household], needed: Collection[str]) -> QuerySet[Household]:
    """Households with a member who said no to one of these purposes, and did not stop."""
    stopped = Step.objects.filter(person=OuterRef("person"), kind__in=STOPS)
    noes = Consent.objects.filter(~Exists(stopped), given=False, ended_on=None, purpose__in=needed)
    return households.filter(pk__in=noes.values("person__household"))


def off_benefit(households: QuerySet[Household]) -> QuerySet[Household]:
    """Households that left the benefit and did not return."""
    return households.filter(pk__in=Exit.objects.filter(returned_on=None).values("household"))


def counts_by_step(trial: str) -> dict[str, int]:
    """Persons who took each step; a person counts once in every step they took."""
    rows = StepCount.objects.filter(trial=trial).values_list("kind").annotate(n=Sum("persons"))
    return dict.fromkeys(StepKind.values, 0) | dict(rows.order_by("kind"))


def exclusion_counts(trial: str) -> dict[str, int]:
    rows = StepCount.objects.filter(trial=trial, kind=StepKind.EXCLUDED)
    return dict(rows.order_by("reason").values_list("reason", "persons"))


@dataclass(frozen=True, slots=True)
class Unit:
    """A household that may be drawn: members consented and filled in the baseline, nobody stopped or was drawn."""

    household_id: int
    code: str
    round: str
    stratum: str


def waiting_for_a_draw(trial: str) -> QuerySet[Household]:
    """Households whose members all consented (or were excluded), of whom nobody stopped or was drawn.

    Couples share a benefit: when one is still undecided, the household is not among them.
    """
    persons = Person.objects.filter(household=OuterRef("pk"))
    steps = Step.objects.filter(person__household=OuterRef("pk"))
    decided = Exists(Step.objects.filter(person=OuterRef("pk"), kind__in=DECIDED))
    return Household.objects.filter(
        Exists(steps.filter(kind=StepKind.CONSENTED)),
        ~Exists(steps.filter(kind__in=[*ENDED, StepKind.STOPPED_TREATMENT, StepKind.RANDOMISED])),
        ~Exists(persons.filter(~decided)),
        trial=trial,
    )


def waiting_by_round(trial: str) -> dict[str, int]:
    """How many households of each round wait for a draw; who of them filled in the baseline no page may know."""
    counted = waiting_for_a_draw(trial).values("round").annotate(n=Count("pk"))
    return dict(counted.order_by("round").values_list("round", "n"))


def units_to_draw(trial: str, *, round_code: str, on: date) -> list[Unit]:
    """Households of a round that wait for a draw, and whose members who consented filled in the baseline.

    Who did may be read by the worker's login only, so this runs in a task.
    """
    protocol = current_protocol(trial)
    agreed = Exists(Step.objects.filter(person=OuterRef("pk"), kind=StepKind.CONSENTED))
    unanswered = Person.objects.filter(agreed, household=OuterRef("pk"), baseline=None)
    ready = waiting_for_a_draw(trial).filter(~Exists(unanswered), round=round_code)
    return [
        Unit(home.pk, home.code, home.round, protocol.allocation.stratum_of(traits_of(home, on)))
        for home in ready.order_by("code")
    ]


def consented(trial: str, codes: Iterable[str], *, on: date) -> dict[str, Unit]:
    """Those of the households with these codes of whom somebody consented, with the stratum they have on a day."""
    stratum_of = current_protocol(trial).allocation.stratum_of
    agreed = Exists(Step.objects.filter(person__household=OuterRef("pk"), kind=StepKind.CONSENTED))
    homes = Household.objects.filter(agreed, pk__any_of=list(household_ids(trial, codes).values()))
    return {home.code: Unit(home.pk, home.code, home.round, stratum_of(traits_of(home, on))) for home in homes}


def person_in_trial(trial: str, person_id: int) -> Person:
    """Raises Person.DoesNotExist for a person of another trial."""
    return Person.objects.select_related("household").get(pk=person_id, trial=trial)


def standing_consents(person_id: int) -> QuerySet[Consent]:
    """What a person said of each purpose and still holds, be it yes or no."""
    return Consent.objects.filter(person=person_id, ended_on=None)


def person_ids(trial: str, pids: Collection[str]) -> list[int]:
    return list(Person.objects.filter(trial=trial, pid__any_of=list(pids)).values_list("pk", flat=True))


def step_days(trial: str, kind: StepKind) -> dict[int, date]:
    """The day on which each person took a step."""
    return dict(Step.objects.filter(person__trial=trial, kind=kind).values_list("person_id", "day"))


def household_ids(trial: str, codes: Iterable[str]) -> dict[str, int]:
    """The key of each household by its code."""
    return dict(Household.objects.filter(trial=trial, code__any_of=list(codes)).values_list("code", "pk"))


def traits_of(household: Household, on: date) -> dict[str, str | int]:
    """What the strata of a protocol may be made of, as known on a day."""
    since = household.benefit_since
    months = (on.year - since.year) * 12 + on.month - since.month - (on.day < since.day) if since else 0
    return {"site": household.site, "household_type": household.household_type, "benefit_months": max(months, 0)}


def homes_with_traits(households: QuerySet[Any], *, on: date) -> Iterator[tuple[int, dict[str, str | int]]]:
    """The key of each of these households, with what was known of it on a day; streamed."""
    for home in Household.objects.filter(pk__in=households).order_by("pk").iterator(chunk_size=PART):
        yield home.pk, traits_of(home, on)


def ages_of(households: QuerySet[Any], *, on: date) -> Iterator[tuple[int, int]]:
    """The age on a day of each person of these households who was drawn, by household; streamed."""
    drawn = Person.objects.filter(household__in=households, steps__kind=StepKind.RANDOMISED).order_by("pk")
    rows = drawn.exclude(contact=None).values_list("household_id", "contact__born_on")
    for home, born_on in rows.iterator(chunk_size=PART):
        yield home, on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def pids_open_for_surveys(trial: str) -> QuerySet[Person]:
    """Persons who consented and did not stop with questionnaires or withdraw."""
    steps = Step.objects.filter(person=OuterRef("pk"))
    return Person.objects.filter(
        Exists(steps.filter(kind=StepKind.CONSENTED)), ~Exists(steps.filter(kind__in=ENDED)), trial=trial
    )


def persons_in_study(trial: str) -> QuerySet[Person]:
    """Persons who were drawn and did not withdraw their data."""
    steps = Step.objects.filter(person=OuterRef("pk"))
    drawn = Exists(steps.filter(kind=StepKind.RANDOMISED))
    withdrew = Exists(steps.filter(kind=StepKind.WITHDREW_DATA))
    return Person.objects.filter(drawn, ~withdrew, trial=trial).select_related("household").order_by("pk")


def persons_withdrawn(trial: str) -> QuerySet[Person]:
    """Persons who withdrew their data."""
    return Person.objects.filter(trial=trial, steps__kind=StepKind.WITHDREW_DATA).order_by("pk")


def persons_guided(trial: str) -> QuerySet[Person]:
    """Persons who were drawn and still live under the rules of their group."""
    steps = Step.objects.filter(person=OuterRef("pk"))
    drawn = Exists(steps.filter(kind=StepKind.RANDOMISED))
    stopped = Exists(steps.filter(kind__in=[StepKind.STOPPED_TREATMENT, StepKind.WITHDREW_DATA]))
    return Person.objects.filter(drawn, ~stopped, trial=trial)
