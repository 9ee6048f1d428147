"""Training losses of several runs over each other.

info = get_loss_lines_info([("LoRA", steps, losses), ("full", steps, losses)], label)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LINES, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say

_SYMBOLS = ("circle", "square", "diamond", "triangle-up")


class LossLine(NamedTuple):
    """One run; a loss that is not finite becomes a gap."""

    name: str
    steps: tuple[int, ...]
    losses: tuple[float | None, ...]
    """Nats a token, or what the runs' objective measures."""


class LossLinesInfo(NamedTuple):
    """Lines in the order given; runs without a step are left out."""

    lines: tuple[LossLine, ...]
    label: TruthLabel


def get_loss_lines_info(runs: Sequence[tuple[str, Sequence[int], Sequence[float]]], label: TruthLabel) -> LossLinesInfo:
    """From (name, steps, losses). Raises ValueError when a run has not as many of one as of the other."""
    for name, steps, losses in runs:
        if len(steps) != len(losses):
            raise ValueError(f"{name}: {len(steps)} steps and {len(losses)} losses; each step has one loss")
    kept = (LossLine(name, tuple(map(int, steps)), tuple(map(_finite, losses))) for name, steps, losses in runs if len(steps))
    return LossLinesInfo(tuple(kept), label)


def draw_loss_lines(info: LossLinesInfo) -> go.Figure:
    """A line a run, told apart by dash and marker as well as colour."""
    figure = go.Figure()
    for place, line in enumerate(info.lines):
        (colour, dash), symbol = LINES[place % len(LINES)], _SYMBOLS[place % len(_SYMBOLS)]
        figure.add_scatter(
            x=line.steps,
            y=line.losses,
            mode="lines+markers",
            name=line.name,
            line={"color": colour, "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 5},
            hovertemplate=say("loss_lines.hover", step="%{x}", loss="%{y:.3f}") + "<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(template=template(), **titled(say("loss_lines.title"), info.label), showlegend=True)
    figure.update_xaxes(title=say("loss_lines.x"), rangemode="tozero")
    figure.update_yaxes(title=say("loss_lines.y"), rangemode="tozero")
    return figure


def describe_loss_lines(info: LossLinesInfo) -> str:
    """The chart in words."""
    parts = []
    for line in info.lines:
        known = [(step, loss) for step, loss in zip(line.steps, line.losses, strict=True) if loss is not None]
        if known:
            (first, start), (last, end) = known[0], known[-1]
            parts.append(say("loss_lines.part", name=line.name, start=f"{start:.2f}", first=first, end=f"{end:.2f}", last=last))
    return say("loss_lines.says", parts="; ".join(parts)) if parts else say("loss_lines.empty")


def loss_lines_table(info: LossLinesInfo) -> Table:
    """One row a step of a run."""
    rows = tuple((line.name, step, loss) for line in info.lines for step, loss in zip(line.steps, line.losses, strict=True))
    return Table(say("loss_lines.table"), heads("loss_lines.columns"), rows)


def _finite(loss: float) -> float | None:
    return float(loss) if math.isfinite(loss) else None
