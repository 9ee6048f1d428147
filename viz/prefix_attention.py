"""How much attention learned positions draw, a prompt's or a prefix's, layer by layer and position by position.

info = get_prefix_attention_info(attention, "prefix", label)    # attention: (layers, k), mean over heads and answer tokens, 0 to 1
Prefix tuning: Li and Liang 2021, 2101.00190.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, Box, bare, boxes, space, whole
from viz.table import Table


class PrefixAttentionInfo(NamedTuple):
    """Shares of each layer's attention."""

    shares: NDArray[np.float64]
    """(layers, k), 0 to 1; a row sums to what all the positions draw in that layer."""
    method: str
    """prompt or prefix."""
    label: TruthLabel


def get_prefix_attention_info(attention: ArrayLike, method: str, label: TruthLabel) -> PrefixAttentionInfo:
    """Raises ValueError where a share is below 0, or a layer's sum above 1."""
    shares = np.asarray(attention, dtype=np.float64)
    if shares.ndim != 2 or not shares.size or shares.min() < 0 or shares.sum(1).max() > 1 + 1e-3:
        raise ValueError(f"attention has shape {shares.shape}; rows of shares that sum to at most 1 are needed")
    return PrefixAttentionInfo(shares, method, label)


def draw_prefix_attention(info: PrefixAttentionInfo) -> go.Figure:
    """A tower a layer and position; the line at the back wall is each layer's mean, and tells its sum."""
    layers, k = info.shares.shape
    towers = [
        Box(layer - 0.4, n - 0.4, 0.8, 0.8, max(float(info.shares[layer, n]), 1e-4), LIGHT.trainable, f"layer {layer}, position {n + 1}: {info.shares[layer, n]:.1%}")
        for layer in range(layers)
        for n in range(k)
    ]  # fmt: skip
    sums = info.shares.sum(1)
    figure = go.Figure([boxes(towers, info.method)])
    figure.add_scatter3d(
        x=list(range(layers)), y=[k] * layers, z=sums / k, mode="lines+markers", name="mean", meta="mean", line={"color": LIGHT.frozen, "width": 5},
        marker={"color": LIGHT.frozen, "size": 4}, customdata=sums,
        hovertemplate="layer %{x}: %{customdata:.1%} in all<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        template=template(),
        **titled(f"Attention that the {info.method} draws", info.label),
        scene=space(
            whole("layer", -0.6, layers - 0.4, layers), Axis(f"position in the {info.method}", -0.6, k + 0.4),
            Axis("share of attention", 0, 1.08 * max(float(info.shares.max()), 1e-3)), aspect=(1.4, 0.8, 0.6),
        ),
    )  # fmt: skip
    return bare(figure)


def describe_prefix_attention(info: PrefixAttentionInfo) -> str:
    """The picture in words."""
    sums = info.shares.sum(1)
    return (
        f"Share of attention on a {info.method} of {info.shares.shape[1]} positions in {len(sums)} layers: {sums.mean():.1%} on average, most in layer "
        f"{int(sums.argmax())} with {sums.max():.1%}, least in layer {int(sums.argmin())} with {sums.min():.1%}."
    )


def prefix_attention_tables(info: PrefixAttentionInfo) -> tuple[Table, ...]:
    """One row a layer."""
    rows = tuple((layer, 100 * float(row.sum()), int(row.argmax()) + 1, 100 * float(row.max())) for layer, row in enumerate(info.shares))
    return (Table(f"Attention on the {info.method} by layer", ("layer", "all positions, %", "strongest position", "its share, %"), rows),)
