"""What share of a model each method trains, on one logarithmic staircase.

info = get_staircase_info("Llama-2-7B", 6_738_415_616, [("prompt tuning, k = 20", "prompt", 81_920), ...], label)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table
from viz.words import heads, say


class Stair(NamedTuple):
    """One method with its settings."""

    name: str
    part: str
    """Words linked to it: one word, such as "lora"."""
    trainable: int
    share: float
    """Of all the model's own parameters, 0 to 1."""


class StaircaseInfo(NamedTuple):
    """Stairs from the lowest to the highest."""

    model: str
    total: int
    stairs: tuple[Stair, ...]
    label: TruthLabel


def get_staircase_info(model: str, total: int, methods: Sequence[tuple[str, str, int]], label: TruthLabel) -> StaircaseInfo:
    """From (name, part, trainable parameters). Raises ValueError where a count is not above zero: a logarithm has no place for it."""
    for name, _, count in methods:
        if count <= 0 or total <= 0:
            raise ValueError(f"{name}: {count} of {total} parameters; both must be above zero")
    stairs = tuple(sorted((Stair(name, part, count, count / total) for name, part, count in methods), key=lambda s: s.trainable))
    return StaircaseInfo(model, total, stairs, label)


def draw_staircase(info: StaircaseInfo) -> go.Figure:
    """One bar a method; each step to the right is ten times more."""
    figure = go.Figure()
    for stair in info.stairs:
        figure.add_bar(
            x=[100 * stair.share], y=[stair.name], orientation="h", name=stair.name, meta=stair.part,
            marker={"color": LIGHT.frozen if stair.part == "full" else LIGHT.trainable},
            text=[f" {percent(stair.share)} · {_short(stair.trainable)}"], textposition="outside", cliponaxis=False,
            hovertemplate=say("staircase.hover", name=stair.name, trained=f"{stair.trainable:,}", total=f"{info.total:,}") + "<extra></extra>",
        )  # fmt: skip
    low = min((100 * stair.share for stair in info.stairs), default=0.001)
    figure.update_layout(
        template=template(), **titled(say("staircase.title", model=info.model), info.label), showlegend=False, margin={"r": 104, "b": 56}
    )
    ticks = [10.0**power for power in range(-6, 3, 2) if 10.0**power >= low / 10]
    figure.update_xaxes(
        title=say("staircase.x"), type="log", range=[_floor(low), 2.02],
        tickvals=ticks, tickangle=0, ticktext=[f"{tick:.6f}".rstrip("0").rstrip(".") for tick in ticks],
    )  # fmt: skip
    return figure


def describe_staircase(info: StaircaseInfo) -> str:
    """The chart in words."""
    parts = "; ".join(f"{stair.name}: {stair.trainable:,}, {percent(stair.share)}" for stair in info.stairs)
    return say("staircase.says", total=f"{info.total:,}", model=info.model, parts=parts)


def staircase_tables(info: StaircaseInfo) -> tuple[Table, ...]:
    """One row a method."""
    rows = tuple((s.name, s.trainable, 100 * s.share) for s in info.stairs)
    return (Table(say("staircase.table", model=info.model), heads("staircase.columns"), rows),)


def percent(share: float) -> str:
    """Two figures, never in powers of ten: 0.0012%."""
    value = 100 * share
    if value >= 10:
        return f"{value:.0f}%"
    digits = 1
    while round(value, digits) < 10 ** (1 - digits) and digits < 8:
        digits += 1
    return f"{value:.{digits}f}%"


def _short(count: int) -> str:
    """Two or three figures and a letter: 6.7B, 160M, 41K; the table has every digit."""
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            return f"{count / unit:.{0 if count >= 10 * unit else 1}f}{letter}"
    return str(count)


def _floor(low: float) -> float:
    power = 3
    while 10.0**power > low:
        power -= 1
    return power - 0.1
