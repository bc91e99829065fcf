"""What the office sends to and receives from the study, through the vault."""

import hashlib
import json
import logging
import secrets
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import transaction

from analysis.monitoring.models import ReleasedResult, SentRun
from participants.models import Exit, Person
from participants.selectors import persons_in_study
from randomization.selectors import allotted
from surveys.mailing import vault_client
from trialmgr.core import audit, clock

log = logging.getLogger("trialmgr.monitoring")


def send_wanted_outcomes() -> int:
    """Hand over the outcomes of every approved run that waits for them; give the number of runs."""
    sent = 0
    for wanted in vault_client.fetch("runs")["wanted"]:
        rows = list(outcome_rows(wanted["study"], clock.today()))
        if not rows:
            continue
        try:
            vault_client.load(run=wanted["run"], study=wanted["study"], rows=rows, extra={})
        except vault_client.VaultRefused as error:  # this run only; the others go on
            log.warning("outcomes of run %s were refused: %s", wanted["run"], str(error))
            continue
        _note_sent(wanted["run"], wanted["study"], len(rows))
        sent += 1
    return sent


@transaction.atomic
def _note_sent(run: str, trial: str, persons: int) -> None:
    """A run whose worker lost the rows is sent again; the event is written each time."""
    SentRun.objects.update_or_create(run=run, defaults={"trial_id": trial, "sent_at": clock.now(), "persons": persons})
    audit.record("run.outcomes_sent", f"run:{run}", by="send_wanted_outcomes", trial=trial, persons=persons)


def outcome_rows(trial: str, on: date) -> Iterator[dict[str, Any]]:
    """One row a drawn person who did not withdraw their data: group, stratum, block, household, exits in months.

    Households get numbers of this run only, in random order, so that two runs cannot be joined on them.
    """
    homes = {one.household_id: one for one in allotted(trial)}
    exits: dict[int, list[Exit]] = {}
    for left in Exit.objects.filter(household__trial=trial).order_by("day"):
        exits.setdefault(left.household_id, []).append(left)
    order = list(homes)
    secrets.SystemRandom().shuffle(order)
    numbers = {pk: place for place, pk in enumerate(order, 1)}
    persons: Iterator[Person] = persons_in_study(trial).iterator(chunk_size=5000)
    for person in persons:
        home = homes.get(person.household_id)
        if home is None:
            continue
        yield {
            "pid": person.pid,
            "arm": home.arm,
            "stratum": home.stratum,
            "block": home.draw,
            "household": numbers[person.household_id],
            "site": person.household.site,
            "months": months_between(home.day, on),
            "exits": [_exit(left, home.day) for left in exits.get(person.household_id, []) if left.day >= home.day],
        }


def _exit(left: Exit, drawn: date) -> list[Any]:
    """Months of 1 and up: what happens in the first month after the draw lies in month 1."""
    back = months_between(drawn, left.returned_on) + 1 if left.returned_on else None
    return [months_between(drawn, left.day) + 1, left.reason, back]


def months_between(start: date, end: date) -> int:
    """Whole months from one day to another."""
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def receive_results() -> int:
    """Keep what the research side released since; give the number of new results."""
    known = list(ReleasedResult.objects.values_list("run", flat=True))
    return sum(_keep(one) for one in vault_client.ask("results", {"known": known})["released"])


@transaction.atomic
def _keep(one: dict[str, str]) -> bool:
    """Keep one result; False when it is not as it was released, or was kept meanwhile."""
    if hashlib.sha256(one["document"].encode()).hexdigest() != one["sha256"]:
        log.error("the result of run %s differs from its digest and was not kept", one["run"])
        return False
    facts = {"trial_id": one["study"], "opened_early": one.get("opened_early", "")}
    facts |= {name: one[name] for name in ("document", "sha256")}
    _row, made = ReleasedResult.objects.get_or_create(run=one["run"], defaults=facts | {"received_at": clock.now()})
    if made:
        where = {"trial": one["study"], "sha256": one["sha256"], "reason": _why_early(facts["opened_early"])}
        audit.record("result.received", f"run:{one['run']}", by="receive_results", **where)
    return made


def _why_early(opened_early: str) -> str:
    """Who opened a result before the end of the embargo and on what ground, for those who read this side's chain."""
    told = json.loads(opened_early) if opened_early else None
    return f"{', '.join(told['by'])}: {told['ground']}" if told else ""
