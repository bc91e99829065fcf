"""What was tried in a draw and refused is evidence too: it stands in the audit log, with the reason as a code."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from randomization.errors import DrawRefused, NumbersDiffer
from randomization.models import Draw
from trialmgr.core import audit
from trialmgr.core.errors import DomainError

Facts = ParamSpec("Facts")
Result = TypeVar("Result")


def recorded(step: Callable[Facts, Result]) -> Callable[Facts, Result]:
    """Record a step that is refused in a transaction of its own, for that of the step is undone."""

    @wraps(step)
    def guarded(*args: Facts.args, **facts: Facts.kwargs) -> Result:
        try:
            return step(*args, **facts)
        except DomainError as refusal:
            with transaction.atomic():
                _record(step.__name__, refusal, **facts)
            raise

    return guarded


def _record(step: str, refusal: DomainError, *, by: Any, **facts: Any) -> None:
    verb = "draw.beacon_refused" if isinstance(refusal, NumbersDiffer) else "draw.step_refused"
    code = refusal.code if isinstance(refusal, DrawRefused) else "other"
    if "draw_id" in facts:
        target = f"draw:{facts['draw_id']}"
        trial = Draw.objects.values_list("trial", flat=True).get(pk=facts["draw_id"])
    else:
        target, trial = f"round:{facts['round_code']}", facts["trial"]
    audit.record(verb, target, by=by, trial=trial, step=step, code=code)
