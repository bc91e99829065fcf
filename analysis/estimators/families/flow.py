"""The flow of participants through the trial, in the numbers of a CONSORT diagram."""

import re
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from analysis.estimators.columns import Column
from analysis.estimators.expressions import ColumnRef, Name, label
from analysis.estimators.participant_flow import Entry, Flow, checked, counted, flow_of
from analysis.estimators.plan import AnalysisKeys, Keys
from analysis.estimators.refusals import Refused
from analysis.estimators.registry import Context, method
from analysis.estimators.results import Report, Row

ALL = "all"
ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


class LogKeys(Keys):
    person: ColumnRef = "person"
    date: ColumnRef | None = "date"
    event: ColumnRef = "event"
    detail: ColumnRef = "detail"


class FlowKeys(AnalysisKeys):
    log: LogKeys | None = None
    counts: dict[Name, Annotated[int, Field(ge=0)]] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "FlowKeys":
        if (self.log is None) == (self.counts is None):
            raise ValueError("needs one of `log` and `counts` -> give the columns of a log, or published counts")
        if self.counts is not None and "allocated" not in self.counts:
            raise ValueError("has `counts` without `allocated` -> add how many were allocated")
        return self


def reads_log(keys: Any) -> bool:
    return keys.log is not None


@method(
    "consort_flow",
    keys=FlowKeys,
    reads_rows=reads_log,
    nl="Geteld is hoeveel deelnemers bij elke stap van het onderzoek meededen.",
    en="How many participants took part in each step of the trial is counted.",
)
def consort_flow(context: Context) -> Report:
    """Persons at each step of the trial, from its log; or whom published counts leave."""
    keys = context.keys(FlowKeys)
    if keys.counts is not None:
        return Report(tuple(_of_counts(keys.counts)))
    flow = flow_of(_entries(context, keys))
    if not flow.randomised:
        raise Refused("nobody in the log was randomised", "check the column of events")
    for remark in flow.remarks:
        context.note(remark)
    _remark_gaps(context, flow)
    return Report(tuple(_rows(context, flow)))


def _of_counts(counts: dict[str, int]) -> list[Row]:
    """Each count as published, and who remains of the allocated."""
    remaining = 2 * counts["allocated"] - sum(counts.values())
    if remaining < 0:
        raise Refused("more persons left than were allocated", "check the counts")
    return [Row(ALL, name, n=n) for name, n in counts.items()] + [Row(ALL, "remaining", n=remaining)]


def _entries(context: Context, keys: FlowKeys) -> list[Entry]:
    log = keys.log
    assert log is not None
    inside = np.flatnonzero(context.subset())
    person, event, detail = (_texts(context.data.column(ref)) for ref in (log.person, log.event, log.detail))
    moments = None if log.date is None else _moments(context.data.column(log.date))
    entries = []
    for place in inside.tolist():
        who, what = person[place], event[place]
        if who is None or what is None:
            empty = label(log.person if who is None else log.event)
            raise Refused(f"data row {place + 1} has no {empty!r}", "fill it in, or take the row out")
        moment = 0.0 if moments is None else moments[place]
        if moment is None:
            raise Refused(f"data row {place + 1} has no date", "fill it in: the order of the log depends on it")
        entries.append(checked(Entry(place, who, moment, what, detail[place])))
    context.n_used = len(entries)
    return entries


def _texts(column: Column) -> list[str | None]:
    levels = column.levels()
    names = (*levels.names, None)
    return [names[code] for code in levels.codes.tolist()]


def _moments(column: Column) -> list[Any]:
    """Numbers, or dates that text puts in order."""
    if column.is_number:
        return [None if np.isnan(value) else value for value in column.numbers().tolist()]
    texts = _texts(column)
    wrong = next((place for place, text in enumerate(texts) if text is not None and not ISO.fullmatch(text)), None)
    if wrong is not None:
        raise Refused(
            f"the date {texts[wrong]!r} in data row {wrong + 1} is not written as year-month-day",
            "write 2018-03-01",
        )
    return list(texts)


def _rows(context: Context, flow: Flow) -> list[Row]:
    excluded = flow.reasons
    rows = [Row(ALL, "assessed", n=sum(excluded.values()) + len(flow.randomised))]
    rows.append(Row(ALL, "excluded", n=sum(excluded.values())))
    rows += [Row(ALL, "excluded", event=reason, n=n) for reason, n in sorted(excluded.items())]
    control = context.key("control")
    arms = sorted({str(person.arm) for person in flow.randomised}, key=lambda arm: (arm != control, arm))
    for arm in (None, *arms):
        for measure, wave, n in counted(flow, arm):
            number = int(wave) if wave is not None and wave.isdigit() else wave
            rows.append(Row(ALL if arm is None else arm, measure, wave=number, n=n))
    return rows


def _remark_gaps(context: Context, flow: Flow) -> None:
    """What the log leaves open is said, since every person is in one box of the diagram."""
    silent = sum(person.received is None for person in flow.randomised)
    if silent:
        context.note(f"{silent} randomised persons have no record of what they received: they count as not_received")
    loose = sum(person.arm is None and person.excluded is None for person in flow.people.values())
    if loose:
        context.note(f"{loose} persons are neither excluded nor randomised: they are not counted as assessed")
    both = sum(person.arm is not None and person.excluded is not None for person in flow.randomised)
    if both:
        context.note(f"{both} persons are excluded and randomised: they count as randomised")
