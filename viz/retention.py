"""What was still known when questions came back, week by week, beside what the schedule expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class RetentionInfo(NamedTuple):
    """One point a week."""

    mondays: tuple[str, ...]
    """ISO dates."""
    reviews: tuple[int, ...]
    known: tuple[float, ...]
    """Share of the reviews that were not wrong, 0 to 1."""
    expected: tuple[float, ...]
    """Mean chance that FSRS gave before the answer, 0 to 1."""
    target: float
    """The chance at which a question is due, 0 to 1."""
    label: TruthLabel


def get_retention_info(weeks: Sequence[tuple[str, int, int, float]], target: float, label: TruthLabel) -> RetentionInfo:
    """From (Monday, reviews, known, sum of expected chances); weeks without reviews are left out."""
    met = [week for week in weeks if week[1]]
    return RetentionInfo(
        mondays=tuple(monday for monday, _, _, _ in met),
        reviews=tuple(reviews for _, reviews, _, _ in met),
        known=tuple(known / reviews for _, reviews, known, _ in met),
        expected=tuple(expected / reviews for _, reviews, _, expected in met),
        target=target,
        label=label,
    )


def draw_retention(info: RetentionInfo) -> go.Figure:
    """Known as a line with markers, expected dashed, the target as a thin rule."""
    figure = go.Figure()
    lines = (("known", info.known, LIGHT.trainable, "solid", "circle"), ("expected", info.expected, LIGHT.base, "dash", "square"))
    for line, values, colour, dash, symbol in lines:
        name = say(f"retention.{line}")
        figure.add_scatter(
            x=info.mondays,
            y=[100 * value for value in values],
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2.5},
            marker={"symbol": symbol, "size": 8},
            hovertemplate=say("retention.hover", monday="%{x}", share="%{y:.0f}%") + f"<extra>{name}</extra>",
        )
    figure.add_hline(y=100 * info.target, line={"color": LIGHT.frozen, "dash": "dot", "width": 1})
    figure.update_layout(template=template(), **titled(say("retention.title"), info.label))
    figure.update_xaxes(title=say("retention.x"), type="date")
    figure.update_yaxes(title=say("retention.y"), range=[0, 104])
    return figure


def describe_retention(info: RetentionInfo) -> str:
    """The chart in words."""
    if not info.reviews:
        return say("retention.empty")
    known = sum(n * share for n, share in zip(info.reviews, info.known, strict=True)) / sum(info.reviews)
    return say("retention.says", count=sum(info.reviews), known=f"{known:.0%}", target=f"{info.target:.0%}")


def retention_table(info: RetentionInfo) -> Table:
    """One row a week."""
    rows = tuple((m, n, round(100 * k, 1), round(100 * e, 1)) for m, n, k, e in zip(*info[:4], strict=True))
    return Table(say("retention.table"), heads("retention.columns"), rows)
