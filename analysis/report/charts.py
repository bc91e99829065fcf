"""Charts as Altair specifications: one declaration serves screen and paper."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

WIDTH = 560
PADDING = {"left": 40, "right": 15, "top": 5, "bottom": 5}
"""Room for letters of the reader that are wider than those the drawing was measured with."""
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"]
Points = Sequence[Mapping[str, Any]]


def _dressed(chart: Any) -> dict[str, Any]:
    """The specification with the look that all charts share."""
    look = chart.configure(font="sans-serif", background="white", aria=False, padding=PADDING)
    look = look.configure_axis(labelFontSize=12, titleFontSize=12, labelLimit=0, gridColor="#e3e3e3")
    look = look.configure_legend(labelFontSize=12, titleFontSize=12, symbolSize=120)
    spec: dict[str, Any] = look.configure_range(category=COLOURS).to_dict()
    return spec


def forest(points: Points, unit: str, *, ratio: bool = False) -> dict[str, Any]:
    """Estimates with intervals under each other; `points` have label, arm, estimate, low, high."""
    import altair as alt

    names = [point["label"] for point in points]
    scale = alt.Scale(type="log", nice=False, padding=12) if ratio else alt.Scale(zero=False)
    y = alt.Y("label:N", sort=names, title=None)
    data = alt.Data(values=[dict(point) for point in points])
    arm = {"color": alt.Color("arm:N", legend=None)}
    lines = (
        alt.Chart(data)
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("low:Q", scale=scale, title=unit), x2="high:Q", y=y, **arm)
    )
    dots = (
        alt.Chart(data)
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x="estimate:Q", y=y, shape=alt.Shape("arm:N", legend=None), **arm)
    )
    nothing = alt.Chart(alt.Data(values=[{"none": 1.0 if ratio else 0.0}])).mark_rule(strokeDash=[4, 3], color="#555")
    return _dressed((nothing.encode(x="none:Q") + lines + dots).properties(width=WIDTH, height=alt.Step(24)))


def steps(points: Points, time: str, share: str) -> dict[str, Any]:
    """Curves that step down or up; `points` have time, share, arm."""
    return _lines(points, "time", "share", time, share, interpolate="step-after", markers=False)


def waves(points: Points, wave: str, value: str) -> dict[str, Any]:
    """Means of each arm over waves; `points` have wave, value, arm and, where known, low and high."""
    return _lines(points, "wave", "value", wave, value, interpolate="linear", markers=True)


def _lines(
    points: Points, x: str, y: str, x_title: str, y_title: str, *, interpolate: str, markers: bool
) -> dict[str, Any]:
    import altair as alt

    data = alt.Data(values=[dict(point) for point in points])
    across = (
        alt.X(f"{x}:O", title=x_title, sort=None, axis=alt.Axis(labelAngle=0))
        if markers
        else alt.X(f"{x}:Q", title=x_title)
    )
    up = alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(zero=False) if markers else alt.Scale(domain=[0, 1]))
    arm = {"color": alt.Color("arm:N", title=None, legend=alt.Legend(orient="bottom"))}
    mark = {"interpolate": interpolate, "strokeWidth": 2}
    chart: Any = (
        alt.Chart(data)
        .mark_line(**mark)
        .encode(
            x=across,
            y=up,
            strokeDash=alt.StrokeDash("arm:N", title=None, legend=None if markers else alt.Legend(orient="bottom")),
            **arm,
        )
    )
    if markers:
        dots = alt.Chart(data).mark_point(filled=True, size=60, opacity=1)
        chart = chart + dots.encode(x=across, y=up, shape=alt.Shape("arm:N", legend=None), **arm)
        chart = chart + alt.Chart(data).mark_rule().encode(x=across, y="low:Q", y2="high:Q", **arm)
    return _dressed(chart.properties(width=WIDTH, height=280))


def to_svg(spec: Mapping[str, Any], locale: Literal["nl-NL", "en-US"] = "nl-NL") -> str:
    """The drawing, without network and without scripts; numbers on the axes as the locale writes them."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(dict(spec), format_locale=locale)
    return svg
