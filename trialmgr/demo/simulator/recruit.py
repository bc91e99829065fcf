"""The office recruits: letters to everybody in a file, sign-ups, checks, consent, the first mail."""

import os
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef

from participants import drafts, importing, services
from participants.models import Household, Person, Step, StepKind
from trialmgr.core import clock
from trialmgr.core.access import WHOLE_OFFICE
from trialmgr.core.models import User
from trialmgr.demo.simulator import accounts, calendar, people
from trialmgr.demo.simulator.calendar import TRIAL
from trialmgr.protocol.reading import read_source
from trialmgr.protocol.schema import Protocol
from trialmgr.protocol.selectors import current_protocol
from trialmgr.protocol.services import load_version

HOMES = int(os.environ.get("TRIALMGR_DEMO_HOMES", "760"))
BATCH = 50
ANSWERS = (StepKind.SIGNED_UP, StepKind.DECLINED)


def run() -> None:
    """Safe to repeat: who was stopped half-way goes on with the households that did not answer their letter yet."""
    calendar.set_present(calendar.INVITED)
    accounts.make(accounts.OFFICE + accounts.FOR_OFFICE)
    leader, support = accounts.of("leider@demo.example"), accounts.of("ondersteuning@demo.example")
    load_version(document=read_source(TRIAL), by=leader)
    accounts.give_roles(accounts.OFFICE)
    accounts.give_roles(accounts.FOR_OFFICE, trial=WHOLE_OFFICE)
    protocol = current_protocol(TRIAL)
    if not Household.objects.filter(trial=TRIAL).exists():
        _invite(protocol, support)
    _sign_up(protocol, support)


def _invite(protocol: Protocol, by: User) -> None:
    sites = tuple(site.code for site in protocol.sites)
    content = people.export(HOMES, np.random.default_rng(calendar.SEED))
    found = importing.read_recipients(content, name="bijstand.csv", sites=sites, today=clock.today())
    entry = {"round_code": protocol.rounds[0].code, "day": calendar.INVITED}
    draft = drafts.keep_import(trial=TRIAL, found=found, by=by, **entry)
    drafts.confirm_import(trial=TRIAL, draft_id=draft.pk, by=by)


def _sign_up(protocol: Protocol, by: User) -> None:
    """Nine in ten sign up, in the seven weeks after the letter; by chances that each household has to itself."""
    answered = Step.objects.filter(kind__in=ANSWERS, person__household=OuterRef("pk"))
    waiting = Household.objects.filter(~Exists(answered), trial=TRIAL).order_by("pk")
    homes = list(waiting.prefetch_related("persons"))
    days = (calendar.LAST_SIGN_UP - calendar.FIRST_SIGN_UP).days
    for start in range(0, len(homes), BATCH):
        with transaction.atomic():
            for home in homes[start : start + BATCH]:
                rng = np.random.default_rng([calendar.SEED, home.pk])
                day = calendar.FIRST_SIGN_UP + timedelta(days=int(rng.integers(days)))
                with clock.at(calendar.morning(day)):
                    _answer_letter(protocol, home, by, rng)


def _answer_letter(protocol: Protocol, home: Household, by: User, rng: np.random.Generator) -> None:
    today = clock.today()
    if rng.random() < 0.07:
        services.decline_invitation(household_id=home.pk, day=today, by=by)
        return
    services.accept_invitation(household_id=home.pk, day=today, by=by)
    for person in home.persons.all():
        _check_and_consent(protocol, person, by, rng)


def _check_and_consent(protocol: Protocol, person: Person, by: User, rng: np.random.Generator) -> None:
    today = clock.today()
    answers = {check.code: check.must_be for check in protocol.eligibility}
    if rng.random() < 0.04:
        wrong = protocol.eligibility[rng.integers(len(protocol.eligibility))]
        answers[wrong.code] = not wrong.must_be
    if services.check_eligibility(person_id=person.pk, answers=answers, day=today, by=by):
        purposes = {one.code: one.required or bool(rng.random() < 0.8) for one in protocol.consent.purposes}
        services.record_consent(person_id=person.pk, purposes=purposes, channel="paper", day=today, by=by)
