"""Running a plan: each analysis by itself, then the families."""

import hashlib
import platform
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from analysis.estimators.data_files import read_table
from analysis.estimators.multiplicity import adjust_families
from analysis.estimators.plan import AnalysisKeys, Plan
from analysis.estimators.plan_reading import read_plan
from analysis.estimators.refusals import Refused, WrongInput
from analysis.estimators.registry import Context, Progress, methods
from analysis.estimators.results import Joint, Report, Result, Results, finite
from analysis.estimators.tables import Table
from analysis.estimators.text import method_text
from trialmgr.core.documents import Document, Key, read_document
from trialmgr.core.errors import BadInput, Fault

PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "pyarrow")
VERSION = "0.1.0"


def run_file(plan: str | Path, data: str | Path | None = None, progress: Progress = lambda _: None) -> Results:
    """Run the plan of one file on the data of another; BadInput when either cannot be read, or fits no analysis."""
    read = read_plan(plan)
    rows = None if data is None else read_table(data, read.names)
    if rows is not None and not len(rows):
        raise BadInput(Fault(f"{Path(data or '').name}:1", "has no rows below the names", "add the rows"))
    wrong: list[tuple[int, WrongInput]] = []
    results = run_plan(read, rows, progress, hashlib.sha256(Path(plan).read_bytes()).hexdigest(), wrong)
    if wrong and all(item.refused for item in results.analyses):
        raise BadInput(_faults(read_document(plan), Path(data or ""), wrong))
    return results


def _faults(plan: Document, data: Path, wrong: Sequence[tuple[int, WrongInput]]) -> list[Fault]:
    """What is to be mended in the plan or the data, each once."""
    faults = []
    for place, one in wrong:
        at = next((key for key in plan.lines if key and _value(plan.data, key) == one.name), ("analyses", place))
        faults.append(Fault(data.name if one.name is None else plan.where(at), one.what, one.remedy))
    return list(dict.fromkeys(faults))


def _value(data: Any, key: Key) -> Any:
    for step in key:
        data = data.get(step) if isinstance(data, dict) else data[int(step)]
    return data


def run_plan(
    plan: Plan,
    table: Table | None,
    progress: Progress = lambda _: None,
    plan_sha256: str = "",
    wrong: list[tuple[int, WrongInput]] | None = None,
) -> Results:
    """Run every analysis in plan order; one that is refused does not stop the others.

    Those that were refused because a file is to be mended are added to `wrong`, by place.
    """
    if table is None:
        _need_no_data(plan)
    else:
        table = replace(table, derived=plan.columns)
    done: list[tuple[Result, Joint | None]] = []
    for place, analysis in enumerate(plan.analyses, start=1):
        progress(f"{place}/{len(plan.analyses)} {analysis.id}: {analysis.method}")
        result, joint, refusal = run_analysis(plan, analysis, table, progress)
        done.append((result, joint))
        if wrong is not None and isinstance(refusal, WrongInput):
            wrong.append((place - 1, refusal))
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
) -> tuple[Result, Joint | None, Refused | None]:
    """One analysis; a refusal is a result without rows."""
    context = Context(analysis, plan.data, table, plan.path.parent, progress)
    context.in_family = plan.family_of(analysis.id) is not None
    report, refused = _attempt(lambda: methods()[analysis.method].run(context))
    if report is not None and not report.rows and not report.details:
        report, refused = None, Refused("nothing is left to report", "check the subset and the arms")
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
        refused=str(refused) if refused else None,
    )
    return replace(result, method_text=method_text(context, result)), report.joint, refused


def _attempt(work: Callable[[], Report]) -> tuple[Report | None, Refused | None]:
    """The report, or the reason in words. Numerical breakdown is a refusal too, never a trace."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return work(), None
    except Refused as refusal:
        return None, refusal
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        what = f"the numbers of this analysis could not be computed ({error})"
        return None, Refused(what, "check for columns that hardly vary")
    except Exception as error:  # the other analyses must still run
        what = f"the analysis met an internal fault ({type(error).__name__}: {error})"
        return None, Refused(what, "report it with the plan")


@cache
def software() -> dict[str, str]:
    """Versions that the numbers depend on."""
    return {"trialmgr": VERSION, "python": platform.python_version()} | {
        name: metadata.version(name) for name in PACKAGES
    }
