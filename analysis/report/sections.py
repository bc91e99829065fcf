"""The sections of the page, each from the results that belong in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.estimators.registry import methods
from analysis.estimators.results import Result, Row
from analysis.report import charts
from analysis.report.hiding import count_text, shown_flow, shown_pairs
from analysis.report.parts import BALANCE, FLOW, LEVELS, Figure, Run, Section, Table, place


def sections(run: Run) -> list[Section]:
    """Everything that the results hold, in the order in which a reader needs it."""
    builders = (_flow, _balance, _effects, _curves, _waves, _sensitivity, _other, _methods, _refused)
    return [section for build in builders if (section := build(run)) is not None]


def _section(run: Run, key: str, parts: list[Table | Figure], *texts: str) -> Section | None:
    return Section(key, run.voice(key), tuple(parts), texts) if parts or texts else None


def _flow(run: Run) -> Section | None:
    """The flow of a log, and of every analysis who was randomised and who is in it."""
    voice, parts = run.voice, list[Table | Figure]()
    for result in run.done:
        if result.method == FLOW:
            terms = list(dict.fromkeys(row.term for row in result.rows))
            cells = shown_flow(result.rows, run.threshold)
            names = list(dict.fromkeys((row.measure, row.event, row.wave) for row in result.rows))
            rows = tuple((_step(run, name), *(cells.get((term, *name), "–") for term in terms)) for name in names)
            parts.append(Table(result.id, (voice("step"), *terms), rows))
    arms = [result for result in run.done if result.details.get("arms")]
    if arms:
        rows = tuple(row for result in arms for row in _used(run, result))
        parts.append(Table(voice("rows"), tuple(map(voice, ("analysis", "arm", "randomised", "used"))), rows))
    lost = [
        (
            result.id,
            voice.lost(part.reason) + (f" ({part.column})" if part.column else ""),
            count_text(part.n, run.threshold),
        )
        for result in run.done
        for part in result.dropped
    ]
    if lost:
        head = tuple(map(voice, ("analysis", "note", "n")))
        parts.append(Table(voice("dropped"), head, tuple(lost)))
    return _section(run, "flow", parts)


def _used(run: Run, result: Result) -> Iterator[tuple[str, ...]]:
    arms = result.details["arms"]
    if not all("n" in part and "randomised" in part for part in arms.values()):
        return
    pairs = {arm: (part["n"], part["randomised"] - part["n"]) for arm, part in arms.items()}
    shown = shown_pairs(pairs, run.threshold)
    for arm, part in arms.items():
        yield result.id, arm, count_text(part["randomised"], run.threshold), shown[arm]


def _step(run: Run, name: tuple[str | None, str | None, int | str | None]) -> str:
    measure, event, wave = name
    text = run.voice.step(measure or "–")
    if event is not None:
        return f"{text}: {event}"
    return text if wave is None else f"{text}, {run.voice('wave').lower()} {wave}"


def _balance(run: Run) -> Section | None:
    parts = [_balance_table(run, result) for result in run.done if result.method == BALANCE]
    return _section(run, "balance", list(parts))


def _balance_table(run: Run, result: Result) -> Table:
    voice, control = run.voice, run.control(result)
    by = {(row.term, row.measure, row.outcome): row for row in result.rows}
    arms = list(dict.fromkeys(row.term for row in result.rows))
    head = [voice("covariate")] + [f"{arm}: {voice('mean_sd')}" for arm in arms]
    head += [f"{arm} {voice('versus')} {control}: {voice('smd')}" for arm in arms if arm != control]
    rows = []
    for name in dict.fromkeys(row.outcome for row in result.rows):
        cells = [str(name)]
        for arm in arms:
            mean, sd = by[arm, "mean", name], by[arm, "sd", name]
            text = f"{voice.number(mean.estimate)} ({voice.number(sd.estimate)}), n = {mean.n}"
            cells.append(voice("hidden") if run.hides(mean.n) else text)
        cells += [voice.number(by[arm, "smd", name].estimate) for arm in arms if arm != control]
        rows.append(tuple(cells))
    return Table(result.id, tuple(head), tuple(rows))


def _effects(run: Run) -> Section | None:
    found = list(run.effects())
    if not found:
        return None
    parts: list[Table | Figure] = []
    plain = [(result, row) for result, row in found if row.ratio is None]
    by_unit: dict[tuple[str, bool], list[tuple[Result, Row]]] = {}
    for result, row in plain:
        by_unit.setdefault((run.outcome(result, row), run.binary(result)), []).append((result, row))
    for (outcome, binary), rows in by_unit.items():
        unit = run.voice("unit_points") if binary else run.voice("unit_own")
        parts.append(_forest(run, f"{run.voice('forest')}: {outcome}", rows, unit, binary))
    ratios = [(result, row) for result, row in found if row.ratio is not None]
    if ratios:
        parts.append(_forest(run, run.voice("ratios"), ratios, run.voice("unit_ratio"), False))
    return _section(run, "effects", parts)


def _forest(run: Run, title: str, rows: list[tuple[Result, Row]], unit: str, binary: bool) -> Figure:
    scale = 100.0 if binary else 1.0
    points = []
    for result, row in rows:
        value, low, high = _numbers(row)
        if value is not None and low is not None and high is not None:
            name = ", ".join(text for text in (result.id, run.comparison(result, row), place(row, run.voice)) if text)
            numbers = {"estimate": value * scale, "low": low * scale, "high": high * scale}
            points.append({"label": name, "arm": row.term, **numbers})
    ratio = bool(rows) and rows[0][1].ratio is not None
    return Figure(title, charts.forest(points, unit, ratio=ratio), _effect_table(run, title, rows, binary))


def _numbers(row: Row) -> tuple[float | None, float | None, float | None]:
    """Estimate and limits as they are shown: ratios back-transformed."""
    return (
        (row.estimate, row.conf_low, row.conf_high) if row.ratio is None else (row.ratio, row.ratio_low, row.ratio_high)
    )


def _effect_table(run: Run, caption: str, rows: list[tuple[Result, Row]], binary: bool) -> Table:
    voice = run.voice
    keys = (
        "analysis",
        "compared",
        "definition",
        "n",
        "at_risk",
        "in_control",
        "estimate",
        "se",
        "df",
        "interval",
        "p",
        "p_adjusted",
        "planned",
    )
    cells = []
    for result, row in rows:
        value, low, high = _numbers(row)
        name = ", ".join(text for text in (result.id, place(row, run.voice)) if text)
        cells.append(
            (
                name,
                run.comparison(result, row),
                run.definition(result),
                *run.counted(result, row),
                run.control_mean(result, binary),
                voice.number(value, percent=binary),
                voice.number(row.std_error, percent=binary) + (" (log)" if row.ratio is not None else ""),
                "–" if row.df is None else voice.decimal(f"{row.df:.4g}"),
                voice.interval(low, high, percent=binary),
                voice.p_value(row.p_value),
                voice.p_value(row.p_adjusted),
                voice("yes") if result.planned else voice("no"),
            )
        )
    return Table(caption, tuple(map(voice, keys)), tuple(cells))


def _curves(run: Run) -> Section | None:
    parts = [
        figure
        for result in run.done
        if isinstance(result.details.get("curve"), Mapping)
        for figure in _curve_figures(run, result)
    ]
    return _section(run, "curves", list(parts))


def _curve_figures(run: Run, result: Result) -> Iterator[Figure]:
    curve = result.details["curve"]
    first = next(iter(curve["arms"].values()))
    if "survival" in first:
        yield _curve(run, result, result.id, {arm: part["survival"] for arm, part in curve["arms"].items()})
        return
    for event in first["incidence"]:
        name = f"{result.id}, {event}"
        yield _curve(run, result, name, {arm: part["incidence"][event] for arm, part in curve["arms"].items()})


def _curve(run: Run, result: Result, name: str, shares: Mapping[str, Any]) -> Figure:
    """The curve of each arm as far as enough people are followed, with the numbers at risk."""
    voice, curve = run.voice, result.details["curve"]
    times = curve["time"]
    risk = {arm: part["at_risk"] for arm, part in curve["arms"].items()}
    shown = {
        arm: [
            k
            for k, (value, n) in enumerate(zip(values, risk[arm], strict=True))
            if value is not None and (n is None or n >= max(run.threshold, 1))
        ]
        for arm, values in shares.items()
    }
    points = [{"time": times[k], "share": values[k], "arm": arm} for arm, values in shares.items() for k in shown[arm]]
    head = [voice("time")]
    for arm in shares:
        head += [f"{arm}: {voice('share').lower()}", f"{arm}: {voice('at_risk')}"]
    rows = []
    for k in range(0, len(times), max(1, len(times) // 8)):
        cells = [voice.number(times[k])]
        for arm, values in shares.items():
            seen = k in shown[arm]
            cells += [voice.number(values[k]) if seen else "–", str(risk[arm][k]) if seen else "–"]
        rows.append(tuple(cells))
    title = f"{name} ({run.definition(result)})"
    return Figure(title, charts.steps(points, voice("time"), voice("share")), Table(title, tuple(head), tuple(rows)))


def _waves(run: Run) -> Section | None:
    """Means of each arm over several outcomes, from descriptions and monthly panels."""
    parts: list[Table | Figure] = []
    for result in run.done:
        points = list(_wave_points(run, result))
        if len({point["wave"] for point in points}) < 2:
            continue
        arms = list(dict.fromkeys(point["arm"] for point in points))
        at = {(point["arm"], point["wave"]): point for point in points}
        rows = tuple(
            (wave, *(_wave_cell(run, at.get((arm, wave))) for arm in arms))
            for wave in dict.fromkeys(point["wave"] for point in points)
        )
        table = Table(result.id, (run.voice("wave"), *arms), rows)
        parts.append(Figure(result.id, charts.waves(points, run.voice("wave"), run.voice("value")), table))
    return _section(run, "waves", parts)


def _wave_points(run: Run, result: Result) -> Iterator[dict[str, Any]]:
    if result.method == "describe":
        for row in result.rows:
            if row.measure == "mean" and row.estimate is not None and row.subgroup is None and not run.hides(row.n):
                limits = {"low": row.conf_low, "high": row.conf_high} if row.conf_low is not None else {}
                yield {"wave": str(row.outcome), "arm": row.term, "value": row.estimate, "n": row.n, **limits}
    elif isinstance(result.details.get("means"), Mapping):
        for arm, values in result.details["means"].items():
            n = result.details.get("arms", {}).get(arm, {}).get("n")
            if not run.hides(n):
                for number, value in enumerate(values, start=1):
                    yield {"wave": str(number), "arm": arm, "value": value, "n": n}


def _wave_cell(run: Run, point: Mapping[str, Any] | None) -> str:
    if point is None:
        return "–"
    n = "" if point["n"] is None else f", n = {point['n']}"
    return f"{run.voice.number(point['value'])}{n}"


def _sensitivity(run: Run) -> Section | None:
    """One grid for each outcome that several analyses estimate in the same unit."""
    grids: dict[tuple[str, bool], list[tuple[Result, Row]]] = {}
    for result, row in run.effects():
        if row.ratio is None and row.measure in (None, "difference", "pooled", "effect"):
            grids.setdefault((run.outcome(result, row), run.binary(result)), []).append((result, row))
    parts: list[Table | Figure] = []
    for (outcome, binary), found in grids.items():
        if len({result.id for result, _ in found}) < 2:
            continue
        arms = list(dict.fromkeys(run.comparison(result, row) for result, row in found))
        cells: dict[tuple[str, str], str] = {}
        for result, row in found:
            name = ", ".join(text for text in (result.id, result.method, place(row, run.voice)) if text)
            value = run.voice.number(row.estimate, percent=binary)
            limits = run.voice.interval(row.conf_low, row.conf_high, percent=binary)
            cells[name, run.comparison(result, row)] = f"{value} ({limits}), n = {row.n}"
        names = dict.fromkeys(name for name, _ in cells)
        rows = tuple((name, *(cells.get((name, arm), "–") for arm in arms)) for name in names)
        parts.append(Table(outcome, (run.voice("analysis"), *arms), rows))
    return _section(run, "sensitivity", parts)


def _other(run: Run) -> Section | None:
    """Rows that no other section holds: tests, levels of the arms, designs."""
    voice = run.voice
    taken = {(result.id, row) for result, row in run.effects()}
    keys = ("arm", "measure", "n", "at_risk", "estimate", "interval", "statistic", "p", "note")
    parts: list[Table | Figure] = []
    for result in run.done:
        left = [row for row in result.rows if (result.id, row) not in taken]
        if result.method in (FLOW, BALANCE) or not left:
            continue
        parts.append(Table(result.id, tuple(map(voice, keys)), tuple(_plain(run, result, row) for row in left)))
    return _section(run, "other", parts)


def _plain(run: Run, result: Result, row: Row) -> tuple[str, ...]:
    voice = run.voice
    term = row.term if row.term in result.details.get("arms", {}) else voice.measure(row.term)
    what = ", ".join(text for text in (place(row, run.voice), row.outcome) if text) or "–"
    if run.small(result, row):
        return (term, what, *["–"] * 6, voice("hidden"))
    percent = run.binary(result) and row.measure in LEVELS & {"risk", "incidence"}
    return (
        term,
        what,
        *run.counted(result, row),
        voice.number(row.estimate, percent=percent),
        voice.interval(row.conf_low, row.conf_high, percent=percent),
        voice.number(row.statistic),
        voice.p_value(row.p_value),
        voice.said(row.note) if row.note else "–",
    )


def _methods(run: Run) -> Section | None:
    voice = run.voice
    rows = tuple(
        (
            result.id,
            result.method,
            run.definition(result),
            " ".join((result.method_text[voice.language], *map(voice.said, result.messages)))
            if not run.threshold
            else getattr(methods()[result.method], voice.language),
            voice("planned") if result.planned else voice("exploratory"),
        )
        for result in run.done
    )
    head = tuple(map(voice, ("analysis", "method", "definition", "note", "planned")))
    return _section(run, "methods", [Table(voice("methods"), head, rows)] if rows else [])


def _refused(run: Run) -> Section | None:
    rows = tuple((r.id, r.method, run.voice.said(r.refused)) for r in run.results.analyses if r.refused is not None)
    head = tuple(map(run.voice, ("analysis", "method", "note")))
    return _section(run, "refused", [Table(run.voice("refused"), head, rows)] if rows else [])
