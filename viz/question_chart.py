"""A chart that a quiz question is about: lines or bars, with the source of its numbers under the title."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.table import Table
from viz.words import say

_DASHES = ("solid", "dash", "dot")
_SYMBOLS = ("circle", "square", "diamond")
_COLOURS = (LIGHT.trainable, LIGHT.frozen, LIGHT.base)


class Series(NamedTuple):
    """One line or one set of bars; a y that is not finite becomes a gap."""

    name: str
    x: tuple[str | float, ...]
    y: tuple[float | None, ...]


class QuestionChartInfo(NamedTuple):
    """What is drawn."""

    style: Literal["line", "bar"]
    title: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    origin: str
    """Where the numbers come from; stands under the title."""
    log_x: bool = False
    log_y: bool = False


def get_question_chart_info(
    style: str,
    titles: tuple[str, str, str],
    series: Sequence[tuple[str, Sequence[str | float], Sequence[float]]],
    origin: str,
    log_x: bool = False,
    log_y: bool = False,
) -> QuestionChartInfo:
    """From (title, x title, y title) and (name, x, y). Raises ValueError for another style or for x and y of unequal length."""
    if style not in ("line", "bar"):
        raise ValueError(f"style={style!r} is not one of line, bar")
    for name, x, y in series:
        if len(x) != len(y):
            raise ValueError(f"series {name!r} has {len(x)} x and {len(y)} y; each point has both")
    kept = tuple(Series(name, tuple(x), tuple(v if math.isfinite(v) else None for v in y)) for name, x, y in series)
    return QuestionChartInfo("line" if style == "line" else "bar", *titles, kept, origin, log_x, log_y)


def draw_question_chart(info: QuestionChartInfo) -> go.Figure:
    """Lines told apart by dash and marker as well as colour; bars in one colour a series."""
    figure = go.Figure()
    for place, series in enumerate(info.series):
        colour = _COLOURS[place % 3]
        if info.style == "bar":
            figure.add_bar(x=series.x, y=series.y, name=series.name, marker={"color": colour})
        else:
            figure.add_scatter(
                x=series.x,
                y=series.y,
                name=series.name,
                mode="lines+markers",
                line={"color": colour, "dash": _DASHES[place % 3], "width": 2.5},
                marker={"symbol": _SYMBOLS[place % 3], "size": 8},
            )
    title = {"text": f"{info.title}<br><sub>{info.origin}</sub>"}
    figure.update_layout(template=template(), title=title, showlegend=len(info.series) > 1)
    figure.update_xaxes(title=info.x_title, type="log" if info.log_x else None)
    figure.update_yaxes(title=info.y_title, type="log" if info.log_y else None)
    return figure


def describe_question_chart(info: QuestionChartInfo) -> str:
    """The chart in words: what is on its axes, and every point, since the question asks about them."""
    points = "; ".join(
        f"{s.name}: " + ", ".join(f"{x}: {y:g}" for x, y in zip(s.x, s.y, strict=True) if y is not None) for s in info.series
    )
    return say("question_chart.says", title=info.title, x=info.x_title, y=info.y_title, points=points)


def question_chart_table(info: QuestionChartInfo) -> Table:
    """One row a point."""
    rows = tuple((s.name, x, y) for s in info.series for x, y in zip(s.x, s.y, strict=True))
    return Table(info.title, (say("question_chart.series"), info.x_title, info.y_title), rows)
