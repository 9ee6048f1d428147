"""One block of 64 weights before and after NF4, and what one outlier does to the other 63.

info = get_nf4_block_info(block, label)   # block: 64 weights; the frames of the figure enlarge its largest weight
QLoRA: Dettmers et al. 2023, 2305.14314, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from viz.codes import BLOCK, CODES, quantize, relative_error
from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say

FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)


class BlockState(NamedTuple):
    """The block with its largest weight `factor` times as large."""

    factor: float
    weights: tuple[float, ...]
    restored: tuple[float, ...]
    absmax: float
    error_of_others: float
    """Root mean square error of the 63 other weights over their own root mean square."""
    levels_used: int
    """How many of the 16 levels the block uses."""


class Nf4BlockInfo(NamedTuple):
    """States in the order of their factors; the first is the block as it is."""

    states: tuple[BlockState, ...]
    outlier: int
    """Place of the largest weight in the block."""
    label: TruthLabel


def get_nf4_block_info(block: ArrayLike, label: TruthLabel, factors: Sequence[float] = FACTORS) -> Nf4BlockInfo:
    """Quantize the block once for each factor. Raises ValueError unless it holds 64 weights."""
    weights = np.asarray(block, dtype=np.float32).ravel()
    if len(weights) != BLOCK:
        raise ValueError(f"block holds {len(weights)} weights; NF4's blocks hold {BLOCK}")
    outlier = int(np.abs(weights).argmax())
    others = np.arange(BLOCK) != outlier
    states = []
    for factor in factors:
        changed = weights.copy()
        changed[outlier] *= factor
        found = quantize(changed)
        error = relative_error(changed[others], found.restored[others])
        numbers = (tuple(map(float, changed)), tuple(map(float, found.restored)), float(found.absmax[0]))
        states.append(BlockState(float(factor), *numbers, error, len(np.unique(found.indices))))
    return Nf4BlockInfo(tuple(states), outlier, label)


def draw_nf4_block(info: Nf4BlockInfo) -> go.Figure:
    """Before as circles, after as bars of the 16 heights that there are; one frame a factor. The outlier leaves the picture at the top."""
    first = info.states[0]
    places = list(range(BLOCK))
    most = 1.15 * first.absmax
    figure = go.Figure()
    figure.add_scatter(
        x=[], y=[], mode="lines", name=say("nf4_block.levels"), meta="levels", line={"color": LIGHT.grid, "width": 1}, hoverinfo="skip"
    )
    figure.add_bar(
        x=places,
        y=[],
        name=say("nf4_block.after_nf4"),
        meta="after",
        marker={"color": LIGHT.quantized},
        hovertemplate=f"%{{x}}: %{{y:.4f}}<extra>{say('nf4_block.after')}</extra>",
    )
    figure.add_scatter(
        x=places, y=[], mode="markers", name=say("nf4_block.before"), meta="before", marker={"color": LIGHT.frozen, "size": 7},
        hovertemplate=f"%{{x}}: %{{y:.4f}}<extra>{say('nf4_block.before')}</extra>",
    )  # fmt: skip
    figure.frames = [_frame(state) for state in info.states]
    for trace, drawn in zip(figure.data, figure.frames[0].data, strict=True):
        trace.update(x=drawn.x, y=drawn.y)
    figure.update_layout(template=template(), **titled(say("nf4_block.title"), info.label), annotations=figure.frames[0].layout.annotations)
    figure.update_xaxes(title=say("nf4_block.x"), range=[-1, BLOCK])
    figure.update_yaxes(title=say("nf4_block.y"), range=[-most, 1.25 * most])
    return figure


def _frame(state: BlockState) -> go.Frame:
    name = say("nf4_block.unchanged" if state.factor == 1 else "nf4_block.times", factor=f"{state.factor:g}")
    places = list(range(BLOCK))
    rules = [(x, level * state.absmax) for level in CODES["NF4"] for x in (-1.0, float(BLOCK), None)]
    levels = go.Scatter(x=[x for x, _ in rules], y=[None if x is None else float(y) for x, y in rules])
    words = say("nf4_block.note", used=state.levels_used, error=f"{state.error_of_others:.0%}")
    note = {"text": words, "x": 1, "y": 1.0, "xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "top", "showarrow": False}
    data = [levels, go.Bar(x=places, y=state.restored), go.Scatter(x=places, y=state.weights)]
    return go.Frame(name=name, data=data, traces=[0, 1, 2], layout={"annotations": [note]})


def describe_nf4_block(info: Nf4BlockInfo) -> str:
    """The picture in words."""
    first, last = info.states[0], info.states[-1]
    start = {"used": first.levels_used, "error": f"{first.error_of_others:.0%}"}
    end = {"factor": f"{last.factor:g}", "last_used": last.levels_used - 1, "last_error": f"{last.error_of_others:.0%}"}
    return say("nf4_block.says", **start, **end)


def nf4_block_tables(info: Nf4BlockInfo) -> tuple[Table, ...]:
    """The states, and the block as it is, weight by weight."""
    first = info.states[0]
    states = tuple((s.factor, s.absmax, s.levels_used, 100 * s.error_of_others) for s in info.states)
    weights = tuple((n, w, r, r - w) for n, (w, r) in enumerate(zip(first.weights, first.restored, strict=True)))
    return (
        Table(say("nf4_block.outlier"), heads("nf4_block.outlier_columns"), states),
        Table(say("nf4_block.table"), heads("nf4_block.columns"), weights),
    )
