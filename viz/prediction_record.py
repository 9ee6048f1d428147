"""How near a learner's predictions came, one after the other, with the mean of the last few."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say

WINDOW = 5


class Prediction(NamedTuple):
    """One that was scored."""

    day: str
    """ISO date."""
    lesson: str
    """Title of its page."""
    points_off: float
    """Distance from the truth, 0 to 100."""


class PredictionRecordInfo(NamedTuple):
    """In the order in which they were made."""

    predictions: tuple[Prediction, ...]
    means: tuple[float, ...]
    """Mean distance of the last five up to each one."""
    label: TruthLabel


def get_prediction_record_info(made: Sequence[Prediction], label: TruthLabel) -> PredictionRecordInfo:
    """Add the running mean."""
    off = [one.points_off for one in made]
    means = tuple(fmean(off[max(0, end - WINDOW) : end]) for end in range(1, len(off) + 1))
    return PredictionRecordInfo(tuple(made), means, label)


def draw_prediction_record(info: PredictionRecordInfo) -> go.Figure:
    """A mark for each prediction, a line for the running mean; lower is nearer."""
    places = list(range(1, len(info.predictions) + 1))
    figure = go.Figure()
    figure.add_scatter(
        x=places,
        y=[one.points_off for one in info.predictions],
        mode="markers",
        name=say("prediction_record.each"),
        marker={"color": LIGHT.base, "size": 9, "symbol": "circle-open"},
        text=[f"{one.lesson}, {one.day}" for one in info.predictions],
        hovertemplate=say("prediction_record.hover", prediction="%{text}", points="%{y:.0f}") + "<extra></extra>",
    )
    figure.add_scatter(
        x=places,
        y=info.means,
        mode="lines",
        name=say("prediction_record.mean", window=WINDOW),
        line={"color": LIGHT.trainable, "width": 2.5},
        hovertemplate=say("prediction_record.hover_mean", points="%{y:.0f}") + "<extra></extra>",
    )
    figure.update_layout(template=template(), **titled(say("prediction_record.title"), info.label), margin={"b": 48})
    figure.update_xaxes(title=say("prediction_record.x"), dtick=1 if len(places) < 20 else None)
    figure.update_yaxes(title=say("prediction_record.y"), range=[0, 100])
    return figure


def describe_prediction_record(info: PredictionRecordInfo) -> str:
    """The chart in words."""
    if not info.predictions:
        return say("prediction_record.empty")
    count = len(info.predictions)
    return say("prediction_record.says", count=count, window=min(WINDOW, count), points=f"{info.means[-1]:.0f}")


def prediction_record_table(info: PredictionRecordInfo) -> Table:
    """One row a prediction."""
    rows = tuple((one.day, one.lesson, round(one.points_off, 1)) for one in info.predictions)
    return Table(say("prediction_record.table"), heads("prediction_record.columns"), rows)
