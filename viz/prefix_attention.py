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
from viz.words import heads, say


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
        Box(layer - 0.4, n - 0.4, 0.8, 0.8, max(float(info.shares[layer, n]), 1e-4), LIGHT.trainable,
            say("prefix_attention.hover", layer=layer, position=n + 1, share=f"{info.shares[layer, n]:.1%}"))
        for layer in range(layers)
        for n in range(k)
    ]  # fmt: skip
    sums, method = info.shares.sum(1), _method(info)
    figure = go.Figure([boxes(towers, info.method, method)])
    figure.add_scatter3d(
        x=list(range(layers)), y=[k] * layers, z=sums / k, mode="lines+markers", name=say("prefix_attention.mean"), meta="mean",
        line={"color": LIGHT.frozen, "width": 5}, marker={"color": LIGHT.frozen, "size": 4}, customdata=sums,
        hovertemplate=say("prefix_attention.hover_sum", layer="%{x}", share="%{customdata:.1%}") + "<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        template=template(),
        **titled(say("prefix_attention.title", method=method), info.label),
        scene=space(
            whole(say("prefix_attention.x"), -0.6, layers - 0.4, layers), Axis(say("prefix_attention.y", method=method), -0.6, k + 0.4),
            Axis(say("prefix_attention.z"), 0, 1.08 * max(float(info.shares.max()), 1e-3)), aspect=(1.4, 0.8, 0.6),
        ),
    )  # fmt: skip
    return bare(figure)


def describe_prefix_attention(info: PrefixAttentionInfo) -> str:
    """The picture in words."""
    sums = info.shares.sum(1)
    sizes = {"positions": info.shares.shape[1], "layers": len(sums), "mean": f"{sums.mean():.1%}"}
    most = {"most_layer": int(sums.argmax()), "most": f"{sums.max():.1%}"}
    least = {"least_layer": int(sums.argmin()), "least": f"{sums.min():.1%}"}
    return say("prefix_attention.says", method=_method(info), **sizes, **most, **least)


def prefix_attention_tables(info: PrefixAttentionInfo) -> tuple[Table, ...]:
    """One row a layer."""
    rows = tuple((layer, 100 * float(row.sum()), int(row.argmax()) + 1, 100 * float(row.max())) for layer, row in enumerate(info.shares))
    return (Table(say("prefix_attention.table", method=_method(info)), heads("prefix_attention.columns"), rows),)


def _method(info: PrefixAttentionInfo) -> str:
    return say(f"prefix_attention.{info.method}")
