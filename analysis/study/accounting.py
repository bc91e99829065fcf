"""Whether runs, approvals, results and releases, and what the audit chain tells of them, are the same."""

from collections import Counter
from collections.abc import Iterator

from analysis.study.models import Approval, Release, Result, Run
from trialmgr.core import audit

VERBS = ("run.requested", "run.approved", "run.done", "result.release_proposed", "result.released")


def unaccounted() -> Iterator[str]:
    """A line for each difference, whichever of the two lacks it."""
    told = Counter((one.verb, one.object, _further(one)) for one in audit.told(VERBS))
    held = Counter(_held())
    for verb, run, _ in sorted((held - told).keys()):
        yield f"{run}: {verb} stands in the database, and no event tells it so"
    for verb, run, _ in sorted((told - held).keys()):
        yield f"{run}: the chain tells {verb}, the database does not"


def _held() -> Iterator[tuple[str, str, str]]:
    for code, by in Run.objects.values_list("code", "requested_by"):
        yield "run.requested", f"run:{code}", f"user:{by}"
    for code, by in Approval.objects.values_list("run__code", "by"):
        yield "run.approved", f"run:{code}", f"user:{by}"
    for code, digest in Result.objects.values_list("run__code", "sha256"):
        yield "run.done", f"run:{code}", f"result {digest}"
    for code, first, second in Release.objects.values_list("run__code", "proposed_by", "confirmed_by"):
        yield "result.release_proposed", f"run:{code}", f"user:{first}"
        if second is not None:
            yield "result.released", f"run:{code}", f"user:{second}"


def _further(one: audit.Told) -> str:
    """Who it was; of a result, which."""
    return one.reason if one.verb == "run.done" else one.actor
