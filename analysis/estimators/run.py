"""Running a plan: each analysis by itself, then the families."""

import hashlib
import platform
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from analysis.estimators.data_files import read_table
from analysis.estimators.multiplicity import adjust_families
from analysis.estimators.plan import AnalysisKeys, Plan
from analysis.estimators.plan_reading import read_plan
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, Progress, methods
from analysis.estimators.results import Joint, Report, Result, Results, finite
from analysis.estimators.tables import Table
from analysis.estimators.text import method_text
from trialmgr.core.errors import BadInput, Fault

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "pyarrow")
VERSION = "0.1.0"


def run_file(plan: str | Path, data: str | Path | None = None, progress: Progress = lambda _: None) -> Results:
    """Run the plan of one file on the data of another; BadInput when either cannot be read."""
    read = read_plan(plan)
    rows = None if data is None else read_table(data, read.names)
    return run_plan(read, rows, progress, hashlib.sha256(Path(plan).read_bytes()).hexdigest())


def run_plan(plan: Plan, table: Table | None, progress: Progress = lambda _: None, plan_sha256: str = "") -> Results:
    """Run every analysis in plan order; one that is refused does not stop the others."""
    if table is None:
        _need_no_data(plan)
    else:
        table = replace(table, derived=plan.columns)
    done: list[tuple[Result, Joint | None]] = []
    for place, analysis in enumerate(plan.analyses, start=1):
        progress(f"{place}/{len(plan.analyses)} {analysis.id}: {analysis.method}")
        done.append(run_analysis(plan, analysis, table, progress))
    results = adjust_families(plan, done, table)
    return Results(1, plan_sha256, table.sha256 if table else None, software(), tuple(results))


def _need_no_data(plan: Plan) -> None:
    reading = [item.id for item in plan.analyses if methods()[item.method].reads_rows(item)]
    if reading:
        raise BadInput(
            Fault(plan.path.name, f"the analysis {reading[0]!r} reads rows", "name the data file after the plan")
        )


def run_analysis(
    plan: Plan, analysis: AnalysisKeys, table: Table | None, progress: Progress = lambda _: None
) -> tuple[Result, Joint | None]:
    """One analysis; a refusal is a result without rows."""
    context = Context(analysis, plan.data, table, plan.path.parent, progress)
    context.in_family = plan.family_of(analysis.id) is not None
    report, refused = _attempt(lambda: methods()[analysis.method].run(context))
    if report is not None and not report.rows and not report.details:
        report, refused = None, "nothing is left to report; check the subset and the arms"
    report = report or Report(())
    result = Result(
        id=analysis.id,
        method=analysis.method,
        family=plan.family_of(analysis.id),
        planned=not analysis.exploratory,
        n_rows=None if table is None or not methods()[analysis.method].reads_rows(analysis) else len(table),
        n_used=context.n_used,
        dropped=tuple(context.dropped),
        rows=tuple(finite(row) for row in report.rows),
        details={**context.details, **report.details},
        method_text={},
        messages=(*context.messages, *report.messages),
        refused=refused,
    )
    return replace(result, method_text=method_text(context, result)), report.joint


def _attempt(work: Callable[[], Report]) -> tuple[Report | None, str | None]:
    """The report, or the reason in words. Numerical breakdown is a refusal too, never a trace."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return work(), None
    except Refused as refusal:
        return None, str(refusal)
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        return None, f"the numbers of this analysis could not be computed ({error}); check for columns that hardly vary"
    except Exception as error:  # the other analyses must still run
        return None, f"the analysis met an internal fault ({type(error).__name__}: {error}); report it with the plan"


@cache
def software() -> dict[str, str]:
    """Versions that the numbers depend on."""
    return {"trialmgr": VERSION, "python": platform.python_version()} | {
        name: metadata.version(name) for name in PACKAGES
    }
