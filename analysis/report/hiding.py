"""The small-cell rule on the counts of the page."""

from collections.abc import Iterable, Mapping

import numpy as np

from analysis.estimators.results import Row
from analysis.estimators.small_cells import counts_of, primary, secondary

HIDDEN = "·"
COMPLEMENTS = {"received": "not_received", "answered": "not_answered"}
FlowKey = tuple[str, str | None, str | None, int | str | None]


def count_text(n: int, threshold: int) -> str:
    return f"< {threshold}" if 0 < n < threshold else str(n)


def shown_pairs(pairs: Mapping[str, tuple[int, int]], threshold: int) -> dict[str, str]:
    """The first count of each row, hidden where it or what it leaves of the total would tell a small count."""
    if not threshold:
        return {name: str(pair[0]) for name, pair in pairs.items()}
    table = counts_of(tuple(pairs), ("in", "out"), np.array(list(pairs.values()), dtype=np.float64))
    small = primary(table, threshold, True)
    hidden = small | secondary(table, small)
    return {name: HIDDEN if hidden[place].any() else str(pair[0]) for place, (name, pair) in enumerate(pairs.items())}


def shown_flow(rows: Iterable[Row], threshold: int) -> dict[FlowKey, str]:
    """The text of each count of a flow; with a threshold no small count and nothing that gives one away."""
    rows = list(rows)
    counts = {(row.term, row.measure, row.event, row.wave): row.n or 0 for row in rows}
    shown = {key: str(n) for key, n in counts.items()}
    if not threshold:
        return shown
    allocated = {key[0]: n for key, n in counts.items() if key[1] == "allocated"}
    for measure, other in [*COMPLEMENTS.items(), ("withdrew", None), ("analysed", None)]:
        for wave in dict.fromkeys(key[3] for key in counts if key[1] == measure):
            _hide_pair(counts, shown, allocated, (measure, other, wave), threshold)
    _hide_reasons(counts, shown, threshold)
    return {key: text if text == HIDDEN else count_text(int(text), threshold) for key, text in shown.items()}


def _hide_pair(
    counts: Mapping[FlowKey, int],
    shown: dict[FlowKey, str],
    allocated: Mapping[str, int],
    names: tuple[str, str | None, int | str | None],
    threshold: int,
) -> None:
    """Hide a count of the arms, with its complement and the sum over arms, where small counts follow from it."""
    measure, other, wave = names
    arms = [term for term in allocated if (term, measure, None, wave) in counts and term != "all"]
    if not arms:
        return
    inside = [counts[arm, measure, None, wave] for arm in arms]
    body = np.array([[n, allocated[arm] - n] for arm, n in zip(arms, inside, strict=True)], dtype=np.float64)
    table = counts_of(tuple(arms), ("in", "out"), body)
    small = primary(table, threshold, True)
    hidden = small | secondary(table, small)
    for place, term in enumerate((*arms, "all")):
        if hidden[place, :2].any():
            for name in (measure, other):
                if (term, name, None, wave) in shown:
                    shown[term, name, None, wave] = HIDDEN
    if measure == "answered" and hidden[:, :2].any():
        for place, term in enumerate((*arms, "all")):
            if hidden[place, :2].any() and (term, "analysed", None, wave) in shown:
                shown[term, "analysed", None, wave] = HIDDEN


def _hide_reasons(counts: Mapping[FlowKey, int], shown: dict[FlowKey, str], threshold: int) -> None:
    """Small reasons are hidden, and with a single one the next smallest, so that the total gives none away."""
    reasons = sorted((n, key) for key, n in counts.items() if key[1] == "excluded" and key[2] is not None)
    small = [key for n, key in reasons if 0 < n < threshold]
    if not small:
        return
    rest = [key for _, key in reasons if key not in small]
    hide = small + (rest[:1] if len(small) == 1 or sum(counts[key] for key in small) < threshold else [])
    for key in hide:
        shown[key] = HIDDEN
