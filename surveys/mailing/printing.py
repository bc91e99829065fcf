"""Printing letters: fresh links into one PDF for the person at the printer, and a note of how many, when and by whom.

The PDF exists before anything is noted, and the note before the PDF is handed over: what breaks off in between
leaves letters that still wait, or a printing that can be repeated, and never a letter that nobody knows of.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from participants.models import Contact
from surveys.mailing import paper, selectors, vault_client
from surveys.mailing.letters import language_of, occasions_of
from surveys.mailing.models import Again, Invitation, Printing, Status
from trialmgr.core import audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User

MOST = 200
"""Letters in one PDF: a stack of paper that one person can keep in order, made in a few seconds."""
COPY_TAKEN = "printing_copy_once"


class NothingToPrint(DomainError):
    """No letter waits, or none may be repeated."""


class Overtaken(DomainError):
    """Somebody else printed, or somebody stopped, while this PDF was being made; it is thrown away."""


def print_letters(*, trial: str, wave: str, by: User) -> bytes:
    """A PDF of the letters of a wave that wait, `MOST` at most; from then on they count as sent."""
    waiting = selectors.letters_to_print(by, trial=trial, wave=wave)
    rows = _read(trial, waiting, _("No letters of this questionnaire wait any more."))
    pdf = _typeset(rows)
    with transaction.atomic():
        keys = [row.pk for row in rows]
        held = waiting.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",))
        if len(held.values_list("pk")) < len(rows):
            raise Overtaken(_("Letters were printed just now, or a person stopped. Look again before you print."))
        new = Printing.objects.create(trial_id=trial, wave=wave, at=clock.now(), by=by, letters=len(rows))
        Invitation.objects.filter(pk__in=keys).update(status=Status.PRINTED, sent_on=clock.today(), printing=new)
        audit.record(
            "letters.printed", f"trial:{trial}", by=by, trial=trial, printing=new.pk, wave=wave, letters=len(rows)
        )
    return pdf


def print_again(*, trial: str, printing: Printing, seen: int, reason: str, by: User) -> bytes:
    """The letters of a printing once more, with new links, without who stopped since.

    `seen` is how many copies there were when it was asked: two persons who ask at a time get one copy.
    """
    if reason not in Again.values:
        raise DomainError(_("Choose why they are printed again."))
    repeatable = selectors.letters_to_repeat(by, trial=trial, first=printing)
    rows = _read(trial, repeatable, _("None of these letters can be printed again."))
    pdf = _typeset(rows, again=True)
    try:
        with transaction.atomic():
            new = Printing.objects.create(
                trial_id=trial,
                wave=printing.wave,
                at=clock.now(),
                by=by,
                letters=len(rows),
                first=printing,
                copy=seen + 1,
                reason=reason,
            )
            told = {"printing": new.pk, "of": printing.pk, "wave": printing.wave, "letters": len(rows)}
            audit.record("letters.printed_again", f"trial:{trial}", by=by, trial=trial, reason=reason, **told)
    except IntegrityError as error:
        if COPY_TAKEN not in str(error):
            raise
        raise Overtaken(_("These letters were printed again just now. Look again before you print.")) from None
    return pdf


def _read(trial: str, letters: QuerySet[Invitation], none: str) -> list[Invitation]:
    if selectors.is_held(trial):
        raise NothingToPrint(_("All mail of this trial is held back, and letters with it."))
    people = letters.select_related("person__contact")
    rows = list(people.order_by("person__contact__postcode", "person__contact__street", "pk")[:MOST])
    if not rows:
        raise NothingToPrint(none)
    return rows


def _typeset(rows: Sequence[Invitation], *, again: bool = False) -> bytes:
    """Ask links for these persons, put them on paper and forget them."""
    links = _links(rows)
    occasions = occasions_of(rows[0])
    letters = [
        paper.compose(
            _address(row.person.contact),
            url=f"{settings.SURVEY_URL}/s/{links[row.pk]}",
            occasion=occasions[language_of(row.person.contact.language)],
            day=clock.today(),
            last_day=row.last_day,
            again=again or row.repeats,
        )
        for row in rows
    ]
    return paper.typeset(letters, title=occasions["nl"].sender)


def _links(rows: Sequence[Invitation]) -> Mapping[int, str]:
    """A fresh link for each row; the vault seals those of one last day together."""
    found: dict[int, str] = {}
    for last_day, group in groupby(sorted(rows, key=_last_day), key=_last_day):
        same = list(group)
        pids = [row.person.pid for row in same]
        links = vault_client.seal(study=same[0].trial_id, wave=same[0].wave, last_day=last_day, pids=pids)
        found |= {row.pk: link for row, link in zip(same, links, strict=True)}
    return found


def _last_day(row: Invitation) -> date:
    return row.last_day


def _address(contact: Contact) -> tuple[str, ...]:
    """As a Dutch envelope has it: two spaces after the postcode, the town in capitals."""
    return str(contact), contact.street, f"{contact.postcode}  {contact.city.upper()}"
