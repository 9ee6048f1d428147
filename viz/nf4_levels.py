"""The 16 levels of NF4 under the normal density that they are cut for, over the real weights that they have to hold.

info = get_nf4_levels_info(weights, label)   # weights: any array, its size a multiple of 64
QLoRA: Dettmers et al. 2023, 2305.14314, section 3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from viz.codes import BLOCK, CODES, quantize
from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class Levels(NamedTuple):
    """One 4-bit code, and how many of the weights went to each level."""

    code: str
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    """Of all weights, 0 to 1."""


class Nf4LevelsInfo(NamedTuple):
    """Codes in the order NF4, FP4, INT4; the weights as a histogram of their place within their block's [-1, 1]."""

    codes: tuple[Levels, ...]
    edges: tuple[float, ...]
    density: tuple[float, ...]
    """Of the weights divided by their block's absmax; one fewer than edges, area 1."""
    sigma: float
    """Standard deviation of those, for the normal curve."""
    label: TruthLabel


def get_nf4_levels_info(weights: ArrayLike, label: TruthLabel) -> Nf4LevelsInfo:
    """Quantize the weights with each code and count. Raises ValueError where blocks of 64 are not filled."""
    values = np.asarray(weights, dtype=np.float32)
    found = {code: quantize(values, code) for code in CODES}
    absmax = np.where(found["NF4"].absmax > 0, found["NF4"].absmax, 1)
    scaled = values.reshape(-1, BLOCK) / absmax[:, None]
    density, edges = np.histogram(scaled, bins=60, range=(-1, 1), density=True)
    codes = tuple(
        Levels(
            code,
            tuple(float(level) for level in CODES[code]),
            tuple(float(n) for n in np.bincount(blocks.indices.ravel(), minlength=len(CODES[code])) / values.size),
        )
        for code, blocks in found.items()
    )
    return Nf4LevelsInfo(codes, tuple(map(float, edges)), tuple(map(float, density)), float(scaled.std()), label)


def draw_nf4_levels(info: Nf4LevelsInfo) -> go.Figure:
    """Above: weights and normal curve. Below: each code as a comb of levels; a taller tooth holds more weights."""
    figure = go.Figure()
    middles = [(a + b) / 2 for a, b in zip(info.edges, info.edges[1:], strict=False)]
    figure.add_bar(
        x=middles, y=info.density, width=info.edges[1] - info.edges[0], name=say("nf4_levels.weights"), meta="weights",
        marker={"color": LIGHT.frozen}, opacity=0.55,
        hovertemplate=say("nf4_levels.hover", place="%{x:.2f}", density="%{y:.2f}") + "<extra></extra>",
    )  # fmt: skip
    x = np.linspace(-1, 1, 121)
    curve = np.exp(-(x**2) / (2 * info.sigma**2)) / (info.sigma * math.sqrt(2 * math.pi)) if info.sigma else np.zeros_like(x)
    normal = {"name": say("nf4_levels.normal"), "meta": "normal"}
    figure.add_scatter(x=x, y=curve, **normal, mode="lines", line={"color": LIGHT.base, "width": 2})
    hover = say("nf4_levels.hover_level", level="%{x:.3f}", share="%{customdata:.1%}")
    for place, comb in enumerate(info.codes):
        foot = 2 - place
        most = max(comb.shares) or 1.0
        teeth_x = [v for level in comb.levels for v in (level, level, None)]
        teeth_y = [v for share in comb.shares for v in (foot, foot + 0.12 + 0.6 * share / most, None)]
        figure.add_scatter(
            x=teeth_x, y=teeth_y, yaxis="y2", name=comb.code, meta=comb.code, mode="lines",
            line={"color": LIGHT.quantized if comb.code == "NF4" else LIGHT.base, "width": 4 if comb.code == "NF4" else 3},
            customdata=[v for level, share in zip(comb.levels, comb.shares, strict=True) for v in (share, share, None)],
            hovertemplate=f"{hover}<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip
    figure.update_layout(
        template=template(), **titled(say("nf4_levels.title"), info.label), bargap=0,
        yaxis={"title": say("nf4_levels.y"), "domain": [0.5, 1], "rangemode": "tozero"},
        yaxis2={
            "domain": [0, 0.42], "range": [-0.05, 2.9], "tickvals": [2.1, 1.1, 0.1][: len(info.codes)], "showgrid": False,
            "ticktext": [comb.code for comb in info.codes],
        },
    )  # fmt: skip
    figure.update_xaxes(title=say("nf4_levels.x"), range=[-1.03, 1.03], anchor="y2")
    return figure


def describe_nf4_levels(info: Nf4LevelsInfo) -> str:
    """The chart in words."""
    nf4 = info.codes[0]
    used = "; ".join(say("nf4_levels.used", code=c.code, most=f"{max(c.shares):.0%}", least=f"{min(c.shares):.1%}") for c in info.codes)
    return say("nf4_levels.says", count=len(nf4.levels), low=f"{nf4.levels[0]:g}", high=f"{nf4.levels[-1]:g}", used=used)


def nf4_levels_tables(info: Nf4LevelsInfo) -> tuple[Table, ...]:
    """Each code's levels and the share of the weights that each took."""
    return tuple(
        Table(say("nf4_levels.table", code=c.code), heads("nf4_levels.columns"),
              tuple((n, level, 100 * share) for n, (level, share) in enumerate(zip(c.levels, c.shares, strict=True))))
        for c in info.codes
    )  # fmt: skip
