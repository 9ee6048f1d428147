"""Peak memory of one GPU as one bar of terms against the room of the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, named, say

COLOURS = {
    "weights": LIGHT.frozen,
    "quant_constants": LIGHT.quantized,
    "adapters": LIGHT.trainable,
    "gradients": LIGHT.factor[1][1],
    "optimizer": LIGHT.factor[3][1],
    "activations": LIGHT.base,
    "recomputation": LIGHT.height[1][1],
    "logits": LIGHT.rejected,
    "dequantization": LIGHT.error[1][1],
    "temporaries": LIGHT.height[2][1],
    "framework": LIGHT.grid,
    "slack": LIGHT.height[2][1],
}
PATTERNS = {"optimizer": "/", "gradients": "\\", "recomputation": ".", "logits": "x", "temporaries": "-", "slack": "|"}


class Term(NamedTuple):
    """One part of the sum, GiB."""

    name: str
    gib: float
    formula: str = ""


class MemoryStackInfo(NamedTuple):
    """Terms in order, the 90% interval of what is reserved, and the card's room; GiB."""

    title: str
    terms: tuple[Term, ...]
    low_gib: float
    high_gib: float
    usable_gib: float
    card: str
    label: TruthLabel


def get_memory_stack_info(
    title: str, terms_gib: Mapping[str, float], interval_gib: Sequence[float], usable_gib: float, card: str, label: TruthLabel,
    formulas: Mapping[str, str] | None = None, reserved_gib: float = 0.0,
) -> MemoryStackInfo:  # fmt: skip
    """Terms above nothing, and the allocator's slack as the last one."""
    words = formulas or {}
    found = [Term(name, value, words.get(name, "")) for name, value in terms_gib.items() if value > 0]
    slack = reserved_gib - sum(term.gib for term in found)
    if slack > 0.005:
        found.append(Term("slack", slack, say("memory_stack.slack")))
    return MemoryStackInfo(title, tuple(found), float(interval_gib[0]), float(interval_gib[1]), usable_gib, card, label)


def draw_memory_stack(info: MemoryStackInfo) -> go.Figure:
    """One horizontal bar; the interval is a line through its end, the card a dashed upright."""
    figure = go.Figure()
    row = say("memory_stack.memory")
    for term in info.terms:
        name = named("terms", term.name)
        figure.add_bar(
            x=[term.gib],
            y=[row],
            orientation="h",
            name=name,
            marker={
                "color": COLOURS.get(term.name, LIGHT.base),
                "pattern": {
                    "shape": PATTERNS.get(term.name, ""),
                    "size": 5,
                    "solidity": 0.25,
                    "fillmode": "overlay",
                    "fgcolor": LIGHT.background,
                },
            },
            hovertemplate=say("memory_stack.hover", name=name, gib=f"{term.gib:.3f}") + f"<br>{term.formula}<extra></extra>",
        )
    figure.add_scatter(
        x=[info.low_gib, info.high_gib], y=[row, row], mode="lines+markers", name=say("memory_stack.interval"),
        line={"color": LIGHT.text, "width": 2}, marker={"symbol": "line-ns-open", "size": 16, "color": LIGHT.text},
        hovertemplate=say("memory_stack.hover_interval", gib="%{x:.1f}") + "<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=info.usable_gib, line={"color": LIGHT.trainable, "width": 2, "dash": "dash"})
    figure.update_layout(
        template=template(),
        **titled(info.title, info.label),
        barmode="stack",
        legend={
            "orientation": "h",
            "y": -0.35,
            "traceorder": "normal",
            "font": {"size": 11},
            "entrywidth": 82,
        },  # two beside each other on a phone
        margin={"l": 16, "t": 88},  # the card's name has a line of its own under the title
    )
    top = max(info.high_gib, info.usable_gib, sum(t.gib for t in info.terms)) * 1.06
    figure.add_annotation(
        x=info.usable_gib, y=1.02, yref="paper", text=say("memory_stack.card", card=info.card, gib=f"{info.usable_gib:.1f}"), showarrow=False,
        yanchor="bottom", xanchor=("left", "center", "right")[min(2, int(3 * info.usable_gib / top))],
    )  # fmt: skip
    figure.update_xaxes(title=say("memory_stack.x"), range=[0, top])
    figure.update_yaxes(showticklabels=False)
    return figure


def describe_memory_stack(info: MemoryStackInfo) -> str:
    """The chart in words."""
    parts = ", ".join(f"{named('terms', t.name)} {t.gib:.2f}" for t in info.terms)
    gib = {"low": f"{info.low_gib:.1f}", "high": f"{info.high_gib:.1f}", "usable": f"{info.usable_gib:.1f}"}
    return say("memory_stack.says", parts=parts, card=info.card, **gib)


def memory_stack_tables(info: MemoryStackInfo) -> tuple[Table, ...]:
    """Every term with its formula."""
    rows = tuple((named("terms", t.name), round(t.gib, 4), t.formula) for t in info.terms)
    return (Table(say("memory_stack.table", label=info.label.text), heads("memory_stack.columns"), rows),)
