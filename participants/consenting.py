"""What a person may still be asked to agree to. A no may become a yes for a while; a yes ends by stopping."""

from collections.abc import Collection, Iterable
from datetime import date

from participants.models import STOPS, Consent, Person, StepKind
from trialmgr.protocol.schema import Protocol, Purpose, Round


def open_purposes(protocol: Protocol, standing: Iterable[Consent]) -> list[Purpose]:
    """The purposes of the form that the person has not agreed to; `standing` is what they said that still holds."""
    agreed = {one.purpose for one in standing if one.given}
    return [purpose for purpose in protocol.consent.purposes if purpose.code not in agreed]


def refusal(person: Person, protocol: Protocol) -> Consent | None:
    """The no to something needed that keeps a person out; steps and consents were read beforehand."""
    if person.last_step is None or person.last_step.kind != StepKind.ELIGIBLE:
        return None
    needed = needed_purposes(protocol)
    noes = [one for one in person.consents.all() if not one.given and one.ended_on is None and one.purpose in needed]
    return max(noes, key=lambda one: one.day, default=None)


def needed_purposes(protocol: Protocol) -> set[str]:
    return {purpose.code for purpose in protocol.consent.purposes if purpose.required}


def may_change_mind(entry: Round, *, today: date, person: Collection[str], household: Collection[str]) -> bool:
    """Whether a no may become a yes: recruitment is open, lots were not drawn, the person did not stop.

    `person` and `household` are the kinds of step that the person, and anybody in the household, took.
    """
    drawn = StepKind.RANDOMISED in household
    return entry.opens <= today <= entry.closes and not drawn and not set(STOPS) & set(person)
