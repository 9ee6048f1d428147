"""Which batches and lengths fit a card: a map of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import say

WORDS = ("fits", "tight", "exceeds")
_FITS, _TIGHT, _EXCEEDS = LIGHT.chosen, LIGHT.factor[3][1], LIGHT.delta[0][1]
_SCALE = ((0.0, _FITS), (0.333, _FITS), (0.334, _TIGHT), (0.666, _TIGHT), (0.667, _EXCEEDS), (1.0, _EXCEEDS))


class FitMapInfo(NamedTuple):
    """`verdicts[batch][length]` is 0 fits, 1 tight, 2 exceeds; `reserved_gib` beside it."""

    batches: tuple[int, ...]
    lengths: tuple[int, ...]
    verdicts: tuple[tuple[int, ...], ...]
    reserved_gib: tuple[tuple[float, ...], ...]
    here: tuple[int, int]
    """The question's own batch and length."""
    card: str
    label: TruthLabel


def get_fit_map_info(
    batches: Sequence[int], lengths: Sequence[int], low: Sequence[Sequence[float]], middle: Sequence[Sequence[float]],
    high: Sequence[Sequence[float]], usable_gib: float, here: tuple[int, int], card: str, label: TruthLabel,
) -> FitMapInfo:  # fmt: skip
    """Verdicts from the interval, not from the point."""
    verdicts = tuple(
        tuple(0 if h <= usable_gib else 2 if lo > usable_gib else 1 for lo, h in zip(lows, highs, strict=True))
        for lows, highs in zip(low, high, strict=True)
    )
    reserved = tuple(tuple(float(v) for v in row) for row in middle)
    return FitMapInfo(tuple(batches), tuple(lengths), verdicts, reserved, here, card, label)


def draw_fit_map(info: FitMapInfo) -> go.Figure:
    """Green fits, amber is tight, red exceeds; each cell says its GiB."""
    figure = go.Figure()
    if info.batches:
        text = [[f"{v:.0f}" for v in row] for row in info.reserved_gib]
        said = [[say(f"fit_map.{WORDS[v]}") for v in row] for row in info.verdicts]
        hover = say("fit_map.hover", length="%{x}", batch="%{y}", gib="%{text}", verdict="%{customdata}")
        figure.add_heatmap(
            x=[str(v) for v in info.lengths], y=[str(v) for v in info.batches], z=info.verdicts, zmin=0, zmax=2, colorscale=_SCALE,
            showscale=False, text=text, texttemplate="%{text}", customdata=said, textfont={"color": LIGHT.background, "size": 11},
            hovertemplate=f"{hover}<extra></extra>", xgap=1, ygap=1,
        )  # fmt: skip
        figure.add_scatter(
            x=[str(info.here[1])], y=[str(info.here[0])], mode="markers", name=say("fit_map.here"), showlegend=False,
            marker={"symbol": "square-open", "size": 26, "color": LIGHT.text, "line": {"width": 3}}, hoverinfo="skip",
        )  # fmt: skip
    figure.update_layout(template=template(), **titled(say("fit_map.title", card=info.card), info.label))
    figure.update_xaxes(title=say("fit_map.x"), type="category")
    figure.update_yaxes(title=say("fit_map.y"), type="category")
    return figure


def describe_fit_map(info: FitMapInfo) -> str:
    """The chart in words."""
    parts = []
    for batch, row in zip(info.batches, info.verdicts, strict=True):
        fitting = [length for length, v in zip(info.lengths, row, strict=True) if v == 0]
        parts.append(say("fit_map.up_to" if fitting else "fit_map.nowhere", batch=batch, tokens=max(fitting, default=0)))
    return say("fit_map.says", card=info.card, parts="; ".join(parts))


def fit_map_tables(info: FitMapInfo) -> tuple[Table, ...]:
    """Reserved GiB, a row a batch."""
    rows = tuple((batch, *(round(v, 1) for v in row)) for batch, row in zip(info.batches, info.reserved_gib, strict=True))
    header = (say("fit_map.y"), *(say("fit_map.tokens", tokens=n) for n in info.lengths))
    return (Table(say("fit_map.table", card=info.card, label=info.label.text), header, rows),)
