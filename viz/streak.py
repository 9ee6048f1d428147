"""Days with practice: a square a day, the last weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class StreakInfo(NamedTuple):
    """Weeks as columns, Monday first; None for days to come."""

    mondays: tuple[str, ...]
    """ISO date of each column's Monday."""
    counts: tuple[tuple[int | None, ...], ...]
    """Seven rows, Monday to Sunday: questions answered."""
    days_in_a_row: int
    label: TruthLabel


def get_streak_info(days: Sequence[tuple[str, int]], today: str, days_in_a_row: int, label: TruthLabel, weeks: int = 13) -> StreakInfo:
    """From (ISO date, questions answered)."""
    counts, last = dict(days), date.fromisoformat(today)
    first = last - timedelta(days=last.weekday() + 7 * (weeks - 1))
    mondays = [first + timedelta(days=7 * week) for week in range(weeks)]

    def count(day: date) -> int | None:
        return None if day > last else counts.get(day.isoformat(), 0)

    rows = tuple(tuple(count(monday + timedelta(days=place)) for monday in mondays) for place in range(7))
    return StreakInfo(tuple(monday.isoformat() for monday in mondays), rows, days_in_a_row, label)


def draw_streak(info: StreakInfo) -> go.Figure:
    """A calendar of squares, darker for more questions; the number stands in the hover text and the table."""
    figure = go.Figure()
    figure.add_heatmap(
        x=info.mondays,
        y=heads("streak.weekdays"),
        z=info.counts,
        colorscale=[(0.0, LIGHT.grid), (0.001, LIGHT.factor[2][1]), (1.0, LIGHT.trainable)],
        zmin=0,
        zmax=max(20, *(count or 0 for row in info.counts for count in row)),
        xgap=3,
        ygap=3,
        colorbar={"title": say("streak.questions"), "thickness": 10},
        hovertemplate=say("streak.hover", monday="%{x}", weekday="%{y}", count="%{z}") + "<extra></extra>",
    )
    title = say("streak.title", days=info.days_in_a_row)
    figure.update_layout(template=template(), **titled(title, info.label), margin={"t": 60})
    figure.update_xaxes(title=say("streak.x"), type="date", showgrid=False)
    figure.update_yaxes(title=say("streak.y"), autorange="reversed", showgrid=False)
    return figure


def describe_streak(info: StreakInfo) -> str:
    """The chart in words."""
    answered = [count for row in info.counts for count in row if count]
    return say("streak.says", days=info.days_in_a_row, count=sum(answered), practised=len(answered), weeks=len(info.mondays))


def streak_table(info: StreakInfo) -> Table:
    """One row a day with practice, oldest first."""
    rows = [
        ((date.fromisoformat(monday) + timedelta(days=place)).isoformat(), info.counts[place][week])
        for week, monday in enumerate(info.mondays)
        for place in range(7)
        if info.counts[place][week]
    ]
    return Table(say("streak.table"), heads("streak.columns"), tuple(rows))
