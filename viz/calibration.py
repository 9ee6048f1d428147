"""Does "sure" mean right? Share right by confidence, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say

_LOOKS = {
    "guess": (LIGHT.base, "dot", "square"),
    "think": (LIGHT.frozen, "dash", "diamond"),
    "sure": (LIGHT.trainable, "solid", "circle"),
}


class Share(NamedTuple):
    """Answers of one month that were given with one confidence."""

    month: str
    """"2026-11"."""
    confidence: str
    """"guess", "think" or "sure"."""
    answers: int
    right: int


class CalibrationInfo(NamedTuple):
    """Shares in the order of months."""

    shares: tuple[Share, ...]
    label: TruthLabel


def get_calibration_info(shares: Sequence[tuple[str, str, int, int]], label: TruthLabel) -> CalibrationInfo:
    """From (month, confidence, answers, right); months without answers are left out."""
    return CalibrationInfo(tuple(sorted(Share(*share) for share in shares if share[2])), label)


def draw_calibration(info: CalibrationInfo) -> go.Figure:
    """One line a confidence; whoever is well calibrated has "sure" near the top and "guessing" near chance."""
    figure = go.Figure()
    for confidence, (colour, dash, symbol) in _LOOKS.items():
        name = say(f"calibration.{confidence}")
        mine = [share for share in info.shares if share.confidence == confidence]
        if mine:
            figure.add_scatter(
                x=[share.month for share in mine],
                y=[100 * share.right / share.answers for share in mine],
                customdata=[share.answers for share in mine],
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2.5},
                marker={"symbol": symbol, "size": 9},
                hovertemplate=say("calibration.hover", month="%{x}", share="%{y:.0f}%", answers="%{customdata}") + f"<extra>{name}</extra>",
            )
    figure.update_layout(template=template(), **titled(say("calibration.title"), info.label))
    figure.update_xaxes(title=say("calibration.x"), type="category")
    figure.update_yaxes(title=say("calibration.y"), range=[0, 104])
    return figure


def describe_calibration(info: CalibrationInfo) -> str:
    """The chart in words, all months together."""
    parts = []
    for confidence in _LOOKS:
        answers = sum(share.answers for share in info.shares if share.confidence == confidence)
        right = sum(share.right for share in info.shares if share.confidence == confidence)
        if answers:
            name, share = say(f"calibration.{confidence}"), f"{right / answers:.0%}"
            parts.append(say("calibration.says", name=name, share=share, answers=answers))
    return "; ".join(parts).capitalize() + "." if parts else say("calibration.empty")


def calibration_table(info: CalibrationInfo) -> Table:
    """One row a month and confidence."""
    rows = tuple(
        (s.month, say(f"calibration.{s.confidence}"), s.answers, s.right, round(100 * s.right / s.answers, 1)) for s in info.shares
    )
    return Table(say("calibration.table"), heads("calibration.columns"), rows)
