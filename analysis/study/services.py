"""Asking for a run, approving it, opening its result. The run itself is `analysis.study.worker`, beside the vault."""

import logging
import secrets

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from analysis.study.models import ENDABLE, Approval, Ending, Registration, Release, Run, Status
from trialmgr.core import anchors, audit, clock
from trialmgr.core.errors import DomainError
from trialmgr.core.models import User
from trialmgr.protocol.reading import canonical, sha256
from trialmgr.protocol.schema import Protocol

APPROVALS = 2
log = logging.getLogger("trialmgr.study")


class NotNow(DomainError):
    """The run is not in the state that this step needs."""


@transaction.atomic
def register(*, protocol: Protocol, by: User | None = None) -> Registration:
    """Register a protocol's plan for later runs. Safe to repeat: the same text gives the same registration.

    The first plan of a trial comes before anybody has an account here; each later one names who registers it.
    Registrations of a trial wait for each other, so that their numbers follow.
    """
    _hold_registrations(protocol.code)
    digest = sha256(protocol)
    of_trial = Registration.objects.filter(trial=protocol.code)
    known = of_trial.filter(sha256=digest).first()
    if known is not None:
        return known
    number = of_trial.count() + 1
    if number > 1 and by is None:
        raise DomainError(_("This trial has a registered plan: say who registers another."), field="by")
    made = Registration.objects.create(
        trial=protocol.code, number=number, document=canonical(protocol), sha256=digest, registered_at=clock.now()
    )
    audit.record(
        "study.registered",
        f"trial:{protocol.code}",
        by=by or "register_study",
        trial=protocol.code,
        number=number,
        sha256=digest,
    )
    return made


def _hold_registrations(trial: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('registration of ' || %s, 0))", [trial])


def sweep_release() -> str:
    """Shut the login of approved runs when it was left open; give why it was shut, or ''.

    The study worker does so too; this works when that machine is down.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT study.sweep_release()")
        why = str(cursor.fetchone()[0])
    if why:
        log.warning("the release login was shut: %s", why)
    return why


@transaction.atomic
def request_run(*, trial: str, purpose: str, by: User) -> Run:
    """Ask for a run of the newest registered plan."""
    if not purpose.strip():
        raise DomainError(_("Say what this run is for."), field="purpose")
    registration = Registration.objects.filter(trial=trial).order_by("-number").first()
    if registration is None:
        raise DomainError(_("No plan is registered for this trial."))
    run = Run.objects.create(
        code=secrets.token_hex(16),
        trial=trial,
        registration=registration,
        purpose=purpose.strip(),
        requested_by=by,
        requested_at=clock.now(),
    )
    audit.record(
        "run.requested", f"run:{run.code}", by=by, trial=trial, reason=purpose.strip(), plan=registration.sha256
    )
    return run


@transaction.atomic
def approve_run(*, run_id: int, by: User) -> Run:
    """Give one's approval; with the second one the run may begin."""
    run = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run_id)
    if run.status != Status.REQUESTED:
        raise NotNow(_("This run does not wait for approval."))
    if run.requested_by_id == by.pk:
        raise DomainError(_("You asked for this run, so two others approve it."))
    if run.approvals.filter(by=by).exists():
        raise DomainError(_("You approved this run already; somebody else gives the second approval."))
    Approval.objects.create(run=run, by=by, at=clock.now())
    if run.approvals.count() >= APPROVALS:
        run.status = Status.APPROVED
        run.save(update_fields=["status"])
    audit.record("run.approved", f"run:{run.code}", by=by, trial=run.trial, status=run.status)
    transaction.on_commit(anchors.write, robust=True)
    return run


@transaction.atomic
def refuse_run(*, run_id: int, reason: str, by: User) -> Run:
    """Say no to a run that somebody else asked for. One no is enough; it is final."""
    run = _endable(run_id)
    if run.requested_by_id == by.pk:
        raise DomainError(_("You asked for this run, so you withdraw it."))
    return _end(run, Status.REFUSED, reason, by)


@transaction.atomic
def withdraw_run(*, run_id: int, reason: str, by: User) -> Run:
    """Take back one's own request."""
    run = _endable(run_id)
    if run.requested_by_id != by.pk:
        raise DomainError(_("Only who asked for a run withdraws it."))
    return _end(run, Status.WITHDRAWN, reason, by)


def _endable(run_id: int) -> Run:
    run = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run_id)
    if run.status not in ENDABLE:
        raise NotNow(_("This run has begun or has ended already."))
    return run


def _end(run: Run, status: Status, reason: str, by: User) -> Run:
    if not reason.strip():
        raise DomainError(_("Give the reason."), field="reason")
    Ending.objects.create(run=run, reason=reason.strip(), by=by, at=clock.now())
    run.status = status
    run.save(update_fields=["status"])
    audit.record(f"run.{status}", f"run:{run.code}", by=by, trial=run.trial, reason=reason.strip())
    return run


@transaction.atomic
def propose_release(*, run_id: int, ground: str, by: User) -> Release:
    """Propose to open a result before the embargo ends, with the ground that is recorded for good."""
    run = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run_id)
    if run.status != Status.DONE:
        raise NotNow(_("There is no result to open yet."))
    if not ground.strip():
        raise DomainError(_("Give the ground: who decided this, and when."), field="ground")
    try:
        with transaction.atomic():
            release = Release.objects.create(run=run, ground=ground.strip(), proposed_by=by, proposed_at=clock.now())
    except IntegrityError:
        raise NotNow(_("Opening this result was proposed already.")) from None
    audit.record("result.release_proposed", f"run:{run.code}", by=by, trial=run.trial, reason=ground.strip())
    return release


@transaction.atomic
def confirm_release(*, run_id: int, by: User) -> Release:
    """The second person's yes: from now on the result is open."""
    release = Release.objects.select_for_update(of=("self",), no_key=True).get(pk=run_id)
    if release.confirmed_at is not None:
        return release
    if release.proposed_by_id == by.pk:
        raise DomainError(_("You proposed it, so somebody else confirms it."))
    release.confirmed_by, release.confirmed_at = by, clock.now()
    release.save(update_fields=["confirmed_by", "confirmed_at"])
    audit.record("result.released", f"run:{release.run.code}", by=by, trial=release.run.trial, reason=release.ground)
    transaction.on_commit(anchors.write, robust=True)
    return release
