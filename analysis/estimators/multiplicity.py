"""Families of analyses: p-values and intervals adjusted for their number."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.estimators.families.comparisons import fill_adjusted
from analysis.estimators.padjust import adjust
from analysis.estimators.plan import Family, Plan
from analysis.estimators.redraws import family_romano_wolf
from analysis.estimators.results import Joint, Result, Row
from analysis.estimators.tables import Table

Done = list[tuple[Result, Joint | None]]


@dataclass(frozen=True)
class Member:
    """One arm row of a family: its analysis and its place there."""

    analysis: int
    place: int
    row: Row


def adjust_families(plan: Plan, done: Done, table: Table | None) -> list[Result]:
    """The results, with the arm rows of each family adjusted together."""
    results = [result for result, _ in done]
    for family in plan.families:
        members = _members(family, results)
        if not members:
            continue
        if family.adjust in ("dunnett", "dunnett_stepdown"):
            _by_joint(plan, family, members, done, results)
        elif family.adjust == "romano_wolf":
            _by_draws(plan, family, members, results, table)
        else:
            _put_p(results, members, adjust(np.array([member.row.p_value for member in members], float), family.adjust))
    return results


def _members(family: Family, results: list[Result]) -> list[Member]:
    """Arm rows with a p-value; of several measures the `difference` (or the `effect`)."""
    found = []
    for at, result in enumerate(results):
        if result.id not in family.analyses:
            continue
        arms = result.details.get("arms", {})
        rows = [(i, row) for i, row in enumerate(result.rows) if row.term in arms and row.p_value is not None]
        measures = {row.measure for _, row in rows}
        wanted = "difference" if "difference" in measures else "effect" if "effect" in measures else None
        found += [Member(at, i, row) for i, row in rows if len(measures) == 1 or row.measure == wanted]
    return found


def _put(results: list[Result], members: list[Member], rows: list[Row]) -> None:
    for member, row in zip(members, rows, strict=True):
        result = results[member.analysis]
        changed = (*result.rows[: member.place], row, *result.rows[member.place + 1 :])
        results[member.analysis] = replace(result, rows=changed)


def _put_p(results: list[Result], members: list[Member], adjusted: np.ndarray) -> None:
    _put(results, members, [replace(m.row, p_adjusted=float(p)) for m, p in zip(members, adjusted, strict=True)])


def _say(results: list[Result], members: list[Member], message: str) -> None:
    for at in sorted({member.analysis for member in members}):
        results[at] = replace(results[at], messages=(*results[at].messages, message))


def _by_joint(plan: Plan, family: Family, members: list[Member], done: Done, results: list[Result]) -> None:
    joint = _together(members, done)
    if joint is None:
        why = f"the family {family.name!r} is not adjusted: its analyses have no known correlation; use holm"
        _say(results, members, why)
        return
    covariance, df = joint
    keys = plan.analyses[members[0].analysis]
    step = "down" if family.adjust == "dunnett_stepdown" else "single"
    rows, _ = fill_adjusted(keys, [member.row for member in members], covariance, df, step=step)
    _put(results, members, rows)


def _together(members: list[Member], done: Done) -> tuple[np.ndarray, float | None] | None:
    """Covariance of all members, by the covariance of one analysis or the scores of several; and the least df."""
    parts = {member.analysis: done[member.analysis][1] for member in members}
    dfs = [joint.df for joint in parts.values() if joint is not None and joint.df is not None]
    df = min(dfs) if dfs else None
    first = parts[members[0].analysis]
    if len(parts) == 1 and first is not None:
        places = [member.place for member in members]
        if set(places) <= set(first.rows):
            at = [first.rows.index(place) for place in places]
            return first.covariance[np.ix_(at, at)], df
    scores = []
    for member in members:
        joint = parts[member.analysis]
        if joint is None or joint.scores is None or member.place not in joint.rows:
            return None
        scores.append(joint.scores[joint.rows.index(member.place)])
    stacked = np.vstack(scores)
    return stacked @ stacked.T, df


def _by_draws(plan: Plan, family: Family, members: list[Member], results: list[Result], table: Table | None) -> None:
    assert table is not None
    adjusted, why = family_romano_wolf(plan, family, [(m.analysis, m.row) for m in members], table)
    if why is not None:
        _say(results, members, f"the family {family.name!r} is not adjusted: {why}")
        return
    _put_p(results, members, adjusted)
