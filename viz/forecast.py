"""How many questions come back on each of the next days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class ForecastInfo(NamedTuple):
    """One bar a day; what is overdue stands on the first."""

    days: tuple[str, ...]
    """ISO dates."""
    due: tuple[int, ...]
    """Questions that come back on the day."""
    label: TruthLabel


def get_forecast_info(days: Sequence[tuple[str, int]], label: TruthLabel) -> ForecastInfo:
    """From (ISO date, questions)."""
    return ForecastInfo(tuple(day for day, _ in days), tuple(int(due) for _, due in days), label)


def draw_forecast(info: ForecastInfo) -> go.Figure:
    """Bars by day."""
    figure = go.Figure()
    hover = say("forecast.hover", day="%{x}", count="%{y}") + "<extra></extra>"
    figure.add_bar(x=info.days, y=info.due, name=say("forecast.due"), marker={"color": LIGHT.frozen}, hovertemplate=hover)
    figure.update_layout(template=template(), **titled(say("forecast.title"), info.label), showlegend=False, margin={"t": 60})
    figure.update_xaxes(title=say("forecast.x"), type="date")
    figure.update_yaxes(title=say("forecast.y"), rangemode="tozero", dtick=max(1, max(info.due, default=0) // 5))
    return figure


def describe_forecast(info: ForecastInfo) -> str:
    """The chart in words."""
    if not sum(info.due):
        return say("forecast.empty")
    return say("forecast.says", count=sum(info.due), days=len(info.days), today=info.due[0])


def forecast_table(info: ForecastInfo) -> Table:
    """One row a day."""
    return Table(say("forecast.table"), heads("forecast.columns"), tuple(zip(info.days, info.due, strict=True)))
