"""How many numbers: W, ΔW, B and A of one matrix, drawn to scale; each square unit is one number.

info = get_counting_info("Llama-2-7B", "q_proj", out=4096, in_=4096, rank=16, label=label)
LoRA: Hu et al. 2021, 2106.09685, section 4.1.
"""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class CountingInfo(NamedTuple):
    """One matrix of a real model and the rank of its adapter."""

    model: str
    matrix: str
    out: int
    """Rows of W and of B."""
    in_: int
    """Columns of W and of A."""
    rank: int
    label: TruthLabel

    @property
    def full(self) -> int:
        """Numbers in W, and in ΔW."""
        return self.out * self.in_

    @property
    def thin(self) -> int:
        """Numbers in B and A."""
        return self.rank * (self.out + self.in_)


def get_counting_info(model: str, matrix: str, *, out: int, in_: int, rank: int, label: TruthLabel) -> CountingInfo:
    """Raises ValueError for a size below 1, or a rank above the matrix."""
    if min(out, in_, rank) < 1 or rank > min(out, in_):
        raise ValueError(f"out={out}, in_={in_}, rank={rank}: each must be at least 1, and the rank at most the smaller side")
    return CountingInfo(model, matrix, out, in_, rank, label)


def draw_counting(info: CountingInfo) -> go.Figure:
    """W, then ΔW, then B and A in their places round an empty square. Traces are named, and linked to words, by these letters."""
    gap = 0.12 * info.in_
    left = [0.0, info.in_ + gap, 2 * (info.in_ + gap), 2 * (info.in_ + gap) + info.rank + 0.35 * gap]
    above = info.out + 0.35 * gap
    full, thin = (say("counting.numbers", count=f"{count:,}") for count in (info.full, info.thin))
    parts = (
        ("W", left[0], 0.0, info.in_, info.out, LIGHT.frozen, f"<b>W</b><br>{info.out:,} ×<br>{info.in_:,}"),
        ("ΔW", left[1], 0.0, info.in_, info.out, LIGHT.delta[1][1], f"<b>ΔW</b><br>{full}"),
        ("B", left[2], 0.0, info.rank, info.out, LIGHT.trainable, ""),
        ("A", left[3], above, info.in_, info.rank, LIGHT.trainable, f"<b>{say('counting.both')}</b><br>{thin}"),
    )
    figure = go.Figure()
    for name, x, y, wide, high, colour, _ in parts:
        figure.add_scatter(
            x=[x, x + wide, x + wide, x, x], y=[y, y, y + high, y + high, y], mode="lines", fill="toself", fillcolor=colour,
            line={"color": colour, "width": 1}, name=name, meta=name, hoveron="fills", hoverinfo="name",
        )  # fmt: skip
    x0, x1 = left[3], left[3] + info.in_
    dotted = {"color": LIGHT.base, "width": 1, "dash": "dot"}
    figure.add_scatter(
        x=[x0, x1, x1, x0, x0], y=[0, 0, info.out, info.out, 0], mode="lines", line=dotted, hoverinfo="skip", meta="frame",
        name=say("counting.product"),
    )  # fmt: skip
    for _, x, y, wide, high, _, text in parts:
        if text:
            figure.add_annotation(x=x + wide / 2, y=y + high, text=text, showarrow=False, yanchor="bottom", yshift=4)
    fewer = say("counting.fewer", times=f"{info.full / info.thin:,.0f}")
    figure.add_annotation(x=(x0 + x1) / 2, y=info.out / 2, text=fewer, showarrow=False)
    figure.update_layout(
        template=template(), **titled(f"{info.model} · {info.matrix}, r = {info.rank}", info.label), showlegend=False,
        margin={"l": 12, "r": 12, "t": 104, "b": 16},
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def describe_counting(info: CountingInfo) -> str:
    """The picture in words."""
    sizes = {"out": f"{info.out:,}", "in": f"{info.in_:,}", "full": f"{info.full:,}", "thin": f"{info.thin:,}"}
    times = f"{info.full / info.thin:,.0f}"
    return say("counting.says", matrix=info.matrix, model=info.model, rank=info.rank, times=times, **sizes)


def counting_tables(info: CountingInfo) -> tuple[Table, ...]:
    """Rows, columns and numbers of each."""
    sizes = (("W", info.out, info.in_), ("ΔW", info.out, info.in_), ("B", info.out, info.rank), ("A", info.rank, info.in_))
    rows = tuple((name, m, n, m * n, 100 * m * n / info.full) for name, m, n in sizes)
    return (Table(say("counting.table", matrix=info.matrix, model=info.model), heads("counting.columns"), rows),)
