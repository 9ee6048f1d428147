"""How a reward model learns to tell two answers apart: the gap between their rewards above, the share of pairs ranked rightly below.

info = get_pair_margin_info([1, 2, ...], margin, accuracy, label)
Bradley–Terry: Christiano et al. 2017, 1706.03741, section 2.2.3; Ouyang et al. 2022, 2203.02155, equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class PairMarginInfo(NamedTuple):
    """Means over the pairs of each step's batch."""

    steps: tuple[int, ...]
    margin: tuple[float, ...]
    """r(better) − r(worse), points of reward."""
    accuracy: tuple[float, ...]
    """Share of pairs whose better answer gets more, 0 to 1."""
    label: TruthLabel


def get_pair_margin_info(steps: Sequence[int], margin: Sequence[float], accuracy: Sequence[float], label: TruthLabel) -> PairMarginInfo:
    """Raises ValueError where the lists are not as long as the steps."""
    if not len(steps) == len(margin) == len(accuracy):
        raise ValueError(f"{len(steps)} steps, {len(margin)} margins and {len(accuracy)} shares; each step has one of each")
    return PairMarginInfo(tuple(map(int, steps)), tuple(map(float, margin)), tuple(map(float, accuracy)), label)


def draw_pair_margin(info: PairMarginInfo) -> go.Figure:
    """Two panels over one axis of steps; zero margin, where the model cannot tell, is a line of its own."""
    figure = go.Figure()
    figure.add_scatter(
        x=info.steps, y=info.margin, mode="lines+markers", name=say("pair_margin.margin"), meta="margin",
        line={"color": LIGHT.chosen, "width": 2.5}, marker={"symbol": "circle", "size": 7},
        hovertemplate=say("pair_margin.hover_margin", step="%{x}", margin="%{y:.2f}") + "<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=info.steps, y=[100 * share for share in info.accuracy], yaxis="y2", mode="lines+markers", name=say("pair_margin.right"),
        meta="accuracy", line={"color": LIGHT.base, "width": 2.5, "dash": "dash"}, marker={"symbol": "square", "size": 7},
        hovertemplate=say("pair_margin.hover_right", step="%{x}", share="%{y:.0f}%") + "<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        template=template(), **titled(say("pair_margin.title"), info.label),
        yaxis={"title": say("pair_margin.y"), "domain": [0.45, 1], "zerolinecolor": LIGHT.base},
        yaxis2={"title": say("pair_margin.y_right"), "range": [-4, 104], "domain": [0, 0.34], "gridcolor": LIGHT.grid},
    )  # fmt: skip
    figure.update_xaxes(title=say("pair_margin.x"), rangemode="tozero", anchor="y2")
    return figure


def describe_pair_margin(info: PairMarginInfo) -> str:
    """The chart in words."""
    if not info.steps:
        return say("pair_margin.empty")
    margins = {"margin": f"{info.margin[0]:.2f}", "last_margin": f"{info.margin[-1]:.2f}"}
    shares = {"share": f"{info.accuracy[0]:.0%}", "last_share": f"{info.accuracy[-1]:.0%}"}
    return say("pair_margin.says", start=info.steps[0], end=info.steps[-1], **margins, **shares)


def pair_margin_tables(info: PairMarginInfo) -> tuple[Table, ...]:
    """One row a step."""
    rows = tuple((s, m, 100 * a) for s, m, a in zip(info.steps, info.margin, info.accuracy, strict=True))
    return (Table(say("pair_margin.table"), heads("pair_margin.columns"), rows),)
