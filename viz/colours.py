"""The colours of Delta Lab: each one means something, and means it on every page, in light and in dark.

Figures are drawn with the light palette. The stage repaints them in the browser with `recolouring()` when the page is
dark, so a figure never has to know the theme; a caller without a stage may draw with `template(DARK)` itself.
"""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go
import plotly.io as pio

pio.templates.default = None  # each figure brings `template()`; plotly's own look would be read and checked first, 65 ms in a new process

Scale = tuple[tuple[float, str], ...]


class Palette(NamedTuple):
    """One theme. All colours are "#RRGGBB"; scales run from 0 to 1."""

    background: str
    text: str
    grid: str
    frozen: str
    """Frozen weights."""
    trainable: str
    """What training may move, and the tuned answer."""
    quantized: str
    base: str
    """The base model's answer, and whatever is secondary."""
    chosen: str
    rejected: str
    delta: Scale
    """ΔW and gradients: red below zero, blue above, pale at zero."""
    factor: Scale
    """B and A: the trainable family, dark below zero, bright above, pale at zero."""
    error: Scale
    """What quantization costs: pale for none, the quantized colour for much."""
    height: Scale
    """A neutral terrain: dark valleys, pale ridges (the other way round on dark)."""


SCALES = ("delta", "factor", "error", "height")


LIGHT = Palette(
    background="#FFFFFF",
    text="#1B2330",
    grid="#D5DAE1",
    frozen="#3F6BA5",
    trainable="#C2570C",
    quantized="#7C3AED",
    base="#5F6B7A",
    chosen="#115E59",
    rejected="#DB2777",
    delta=((0.0, "#8F1D2C"), (0.25, "#D9604F"), (0.5, "#E7EBF1"), (0.75, "#4F8CC9"), (1.0, "#123F7C")),
    factor=((0.0, "#6B2A0B"), (0.25, "#B98A6E"), (0.5, "#F3E4D6"), (0.75, "#F0A35E"), (1.0, "#C4580D")),
    error=((0.0, "#F3F0FA"), (0.5, "#B79CF0"), (1.0, "#6D28D9")),
    height=((0.0, "#2B405A"), (0.35, "#5C7A99"), (0.7, "#8CA6BF"), (1.0, "#B5C6D6")),
)

DARK = Palette(
    background="#0F1420",
    text="#E6EAF0",
    grid="#2C3546",
    frozen="#5B8FD6",
    trainable="#F59E4B",
    quantized="#D8B4FE",
    base="#9AA5B1",
    chosen="#5EEAD4",
    rejected="#E0458B",
    delta=((0.0, "#FF8E85"), (0.25, "#C24A4E"), (0.5, "#242C3D"), (0.75, "#3B79BF"), (1.0, "#8CC4FF")),
    factor=((0.0, "#B5825F"), (0.25, "#75502F"), (0.5, "#2A2723"), (0.75, "#B0702F"), (1.0, "#F7A04D")),
    error=((0.0, "#241F33"), (0.5, "#7D5FB8"), (1.0, "#DCC0FB")),
    height=((0.0, "#D0DDEA"), (0.35, "#92AAC4"), (0.7, "#64809D"), (1.0, "#4A617B")),
)

LINES = ((LIGHT.trainable, "solid"), (LIGHT.frozen, "dash"), (LIGHT.quantized, "dot"), (LIGHT.base, "dashdot"))
"""Colour and dash of lines that only have to be told apart, in their order."""

FONT = "Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', Arial, sans-serif"


def template(palette: Palette = LIGHT) -> go.layout.Template:
    """The look that every figure shares: no boxes, hairline grids, text in the page's own font."""
    axis = {
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "zerolinecolor": palette.grid,
        "ticks": "",
        "automargin": True,
        "title": {"font": {"size": 12}},
        "tickfont": {"size": 11},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": palette.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [palette.trainable, palette.frozen, palette.base, palette.quantized],
            "title": {"x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 14}, "font": {"size": 15}},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"bgcolor": palette.background, "bordercolor": palette.grid, "font": {"family": FONT, "color": palette.text}},
            "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0.01, "yanchor": "bottom"},
            "margin": {"l": 56, "r": 16, "t": 68, "b": 84},
        }
    )


def recolouring() -> dict[str, str]:
    """Each colour of the light theme -> its partner in the dark one, for repainting a finished figure."""
    names = [name for name in Palette._fields if name not in SCALES]
    pairs: dict[str, str] = {getattr(LIGHT, name): getattr(DARK, name) for name in names}
    for name in SCALES:
        light, dark = getattr(LIGHT, name), getattr(DARK, name)
        pairs.update({a: b for (_, a), (_, b) in zip(light, dark, strict=True)})
    return pairs
