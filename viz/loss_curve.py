"""Training loss, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class LossCurveInfo(NamedTuple):
    """One point a step that was finished; a loss that is not finite becomes a gap."""

    steps: tuple[int, ...]
    losses: tuple[float | None, ...]
    """Mean cross-entropy over the batch's answer tokens, nats."""
    total: int
    """Steps that the run will take; the axis reaches this far from the start."""
    label: TruthLabel


def get_loss_curve_info(steps: Sequence[int], losses: Sequence[float], total: int, label: TruthLabel) -> LossCurveInfo:
    """Pair steps with losses. Raises ValueError when there are not as many of one as of the other."""
    if len(steps) != len(losses):
        raise ValueError(f"{len(steps)} steps and {len(losses)} losses; each step has one loss")
    finite = tuple(float(x) if math.isfinite(x) else None for x in losses)
    return LossCurveInfo(tuple(int(s) for s in steps), finite, max([total, *map(int, steps)]), label)


def draw_loss_curve(info: LossCurveInfo) -> go.Figure:
    """A line in the trainable colour, from step 0 to the last planned one."""
    figure = go.Figure()
    figure.add_scatter(
        x=info.steps,
        y=info.losses,
        mode="lines+markers",
        name=say("loss_curve.name"),
        line={"color": LIGHT.trainable, "width": 2.5},
        marker={"size": 5},
        hovertemplate=say("loss_curve.hover", step="%{x}", loss="%{y:.3f}") + "<extra></extra>",
    )
    figure.update_layout(template=template(), **titled(say("loss_curve.title"), info.label), showlegend=False, margin={"b": 48})
    figure.update_xaxes(title=say("loss_curve.x"), range=[0, max(1, info.total) * 1.02])
    figure.update_yaxes(title=say("loss_curve.y"), rangemode="tozero")
    return figure


def describe_loss_curve(info: LossCurveInfo) -> str:
    """The chart in words."""
    known = [(s, x) for s, x in zip(info.steps, info.losses, strict=True) if x is not None]
    if not known:
        return say("loss_curve.empty")
    (first, start), (last, end) = known[0], known[-1]
    return say("loss_curve.says", start=f"{start:.2f}", first=first, end=f"{end:.2f}", last=last, total=info.total)


def loss_curve_table(info: LossCurveInfo) -> Table:
    """One row a step."""
    return Table(say("loss_curve.table"), heads("loss_curve.columns"), tuple(zip(info.steps, info.losses, strict=True)))
