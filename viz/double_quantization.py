"""The second zoom level of QLoRA: the blocks' constants, and those constants quantized in turn.

info = get_double_quantization_info(weights, "layer 15 · k_proj", label)
QLoRA: Dettmers et al. 2023, 2305.14314, section 3, "Double Quantization".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from viz.codes import GROUP, bits_per_weight, double_quantize, quantize, relative_error
from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class DoubleQuantizationInfo(NamedTuple):
    """The constants of one group, before and after, and what both levels cost over the whole matrix."""

    matrix: str
    constants: tuple[float, ...]
    """absmax of the first 256 blocks."""
    restored: tuple[float, ...]
    blocks: int
    error_single: float
    """Of the weights, with 32-bit constants: root mean square over the weights' own."""
    error_double: float
    label: TruthLabel


def get_double_quantization_info(weights: ArrayLike, matrix: str, label: TruthLabel) -> DoubleQuantizationInfo:
    """Raises ValueError where blocks of 64 are not filled."""
    values = np.asarray(weights, dtype=np.float32)
    found = quantize(values)
    again = double_quantize(found.absmax)
    ratio = np.divide(again, found.absmax, out=np.ones_like(again), where=found.absmax > 0)
    doubled = (found.restored.reshape(len(again), -1) * ratio[:, None]).reshape(values.shape)
    return DoubleQuantizationInfo(
        matrix,
        tuple(map(float, found.absmax[:GROUP])),
        tuple(map(float, again[:GROUP])),
        len(again),
        relative_error(values, found.restored),
        relative_error(values, doubled),
        label,
    )


def draw_double_quantization(info: DoubleQuantizationInfo) -> go.Figure:
    """Above: the constants before and after. Below: the bits that each weight costs, with and without the second level."""
    places = list(range(len(info.constants)))
    hover = say("double_quantization.hover", block="%{x}", value="%{y:.4f}")
    figure = go.Figure()
    figure.add_scatter(
        x=places, y=info.constants, mode="markers", name=say("double_quantization.single"), meta="constants", marker={"color": LIGHT.frozen, "size": 7},
        hovertemplate=f"{hover}<extra>{say('double_quantization.bits_32')}</extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=places, y=info.restored, mode="markers", name=say("double_quantization.double"), meta="doubled",
        marker={"color": LIGHT.quantized, "size": 6, "symbol": "x-thin", "line": {"width": 1.5, "color": LIGHT.quantized}},
        hovertemplate=f"{hover}<extra>{say('double_quantization.bits_8')}</extra>",
    )  # fmt: skip
    names = [say("double_quantization.with_single"), say("double_quantization.with_double")]
    parts = (
        ("weights", [4.0, 4.0], LIGHT.frozen),
        ("constants", [bits_per_weight(False) - 4, bits_per_weight(True) - 4], LIGHT.quantized),
    )
    for part, bits, colour in parts:
        name = say(f"double_quantization.{part}")
        texts = [f"{b:.3f}" for b in bits] if part == "constants" else ["4"] * 2
        figure.add_bar(
            x=bits, y=names, orientation="h", xaxis="x2", yaxis="y2", marker={"color": colour}, showlegend=False, meta="bits", name=name,
            text=[say("double_quantization.bits", bits=text) for text in texts], textposition="auto",
            hovertemplate=say("double_quantization.cost", bits="%{x:.3f}") + f"<extra>{name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        template=template(), **titled(say("double_quantization.title", matrix=info.matrix), info.label), barmode="stack",
        xaxis={"title": say("double_quantization.x"), "anchor": "y"},
        yaxis={"title": say("double_quantization.y"), "domain": [0.46, 1]},
        xaxis2={"title": say("double_quantization.x_bits"), "anchor": "y2", "range": [0, 5.2]}, yaxis2={"domain": [0, 0.2], "anchor": "x2"},
    )  # fmt: skip
    return figure


def describe_double_quantization(info: DoubleQuantizationInfo) -> str:
    """The chart in words."""
    bits = {"single": f"{bits_per_weight(False) - 4:.3f}", "double": f"{bits_per_weight(True) - 4:.3f}", "group": GROUP}
    errors = {"error_single": f"{info.error_single:.2%}", "error_double": f"{info.error_double:.2%}"}
    return say("double_quantization.says", blocks=info.blocks, matrix=info.matrix, **bits, **errors)


def double_quantization_tables(info: DoubleQuantizationInfo) -> tuple[Table, ...]:
    """Cost and error, then the constants."""
    sums = (
        (say("double_quantization.single"), bits_per_weight(False), 100 * info.error_single),
        (say("double_quantization.sums_double"), bits_per_weight(True), 100 * info.error_double),
    )
    rows = tuple((n, a, b, b - a) for n, (a, b) in enumerate(zip(info.constants, info.restored, strict=True)))
    return (
        Table(say("double_quantization.sums"), heads("double_quantization.sums_columns"), sums),
        Table(say("double_quantization.table"), heads("double_quantization.columns"), rows),
    )
