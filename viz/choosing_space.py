"""Quality, memory and storage of all methods in one space: means with the spread of their seeds, and the Pareto front.

info = get_choosing_space_info([("LoRA", "lora", [(0.94, 1.2, 9.8), ...]), ...], label)   # (quality 0-1, GiB, MB) a seed
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, bare, room, space
from viz.table import Table
from viz.words import heads, say

Triple = tuple[float, float, float]
SYMBOLS = ("circle", "diamond", "square", "cross", "x", "circle-open", "diamond-open", "square-open")
RING = 14


class Choice(NamedTuple):
    """One method over its seeds: quality 0 to 1, memory GiB, storage MB."""

    name: str
    part: str
    """Words linked to it, one word such as "lora"."""
    mean: Triple
    spread: Triple
    """Standard deviation over seeds; zeros for one seed."""
    seeds: int
    pareto: bool
    """No other method is at least as good in all three and better in one."""


class ChoosingSpaceInfo(NamedTuple):
    """Choices in the order given."""

    choices: tuple[Choice, ...]
    label: TruthLabel


def get_choosing_space_info(methods: Iterable[tuple[str, str, Sequence[Triple]]], label: TruthLabel) -> ChoosingSpaceInfo:
    """Raises ValueError for a method without a seed, or memory or storage that is not above zero (their axes are logarithmic)."""
    found = []
    for name, part, rows in methods:
        if not rows or any(memory <= 0 or storage <= 0 for _, memory, storage in rows):
            raise ValueError(f"{name}: {list(rows)[:3]}; at least one seed is needed, with memory and storage above zero")
        values = np.asarray(rows, dtype=np.float64)
        spread = values.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(3)
        found.append((name, part, _triple(values.mean(axis=0)), _triple(spread), len(rows)))
    means = [mean for _, _, mean, _, _ in found]
    return ChoosingSpaceInfo(tuple(Choice(*row, not any(_beats(other, row[2]) for other in means)) for row in found), label)


def draw_choosing_space(info: ChoosingSpaceInfo) -> go.Figure:
    """Up is better, left and front is cheaper. Ellipsoids reach one standard deviation; the front's methods are joined and filled."""
    figure = go.Figure()
    for place, choice in enumerate(info.choices):
        x, y, z = _spot(choice.mean)
        colour = LIGHT.trainable if choice.pareto else LIGHT.base
        if any(choice.spread):
            figure.add_trace(_ellipsoid(choice, colour))
        words = say("choosing_space.hover", name=choice.name, seeds=choice.seeds, **_written(choice))
        figure.add_scatter3d(
            x=[x], y=[y], z=[z], mode="markers+text", name=choice.name, meta=choice.part, text=[choice.name], textposition="top center",
            textfont={"color": LIGHT.text, "size": 12}, marker={"color": colour, "size": 7, "symbol": SYMBOLS[place % len(SYMBOLS)]},
            customdata=[words], hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
    front = sorted((_spot(choice.mean) for choice in info.choices if choice.pareto), key=lambda spot: spot[2])
    if len(front) > 1:
        figure.add_scatter3d(
            **dict(zip("xyz", zip(*front, strict=True), strict=True)), mode="lines", name=say("choosing_space.front"), meta="front",
            line={"color": LIGHT.trainable, "width": 4, "dash": "dash"}, hoverinfo="skip",
        )  # fmt: skip
    spots = np.array([_spot(choice.mean) for choice in info.choices] or [(0.0, 0.0, 0.0)])
    figure.update_layout(
        template=template(),
        **titled(say("choosing_space.title"), info.label),
        scene=space(
            _log_axis(say("choosing_space.memory"), spots[:, 0]), _log_axis(say("choosing_space.storage"), spots[:, 1]),
            Axis(say("choosing_space.quality"), -4, 108), aspect=(1.1, 1.0, 0.8),
        ),
    )  # fmt: skip
    return bare(figure)


def describe_choosing_space(info: ChoosingSpaceInfo) -> str:
    """The picture in words."""
    parts = "; ".join(say("choosing_space.part", name=c.name, points=f"{100 * c.spread[0]:.0f}", **_written(c)) for c in info.choices)
    front = ", ".join(c.name for c in info.choices if c.pareto)
    return say("choosing_space.says", parts=parts, front=front)


def choosing_space_tables(info: ChoosingSpaceInfo) -> tuple[Table, ...]:
    """One row a method."""
    rows = tuple(
        (
            c.name,
            100 * c.mean[0],
            100 * c.spread[0],
            c.mean[1],
            c.spread[1],
            c.mean[2],
            c.seeds,
            say(f"choosing_space.{'yes' if c.pareto else 'no'}"),
        )
        for c in info.choices
    )
    return (Table(say("choosing_space.table"), heads("choosing_space.columns"), rows),)


def _written(choice: Choice) -> dict[str, str]:
    quality, memory, storage = choice.mean
    return {"quality": f"{quality:.0%}", "memory": f"{memory:.2f}", "storage": f"{storage:.3g}"}


def _beats(one: Triple, other: Triple) -> bool:
    """More quality is better, less memory and storage are."""
    mine, theirs = (one[0], -one[1], -one[2]), (other[0], -other[1], -other[2])
    return all(a >= b for a, b in zip(mine, theirs, strict=True)) and mine != theirs


def _spot(triple: Triple) -> Triple:
    quality, memory, storage = triple
    return math.log10(memory), math.log10(storage), 100 * quality


def _triple(values: NDArray[np.float64]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _ellipsoid(choice: Choice, colour: str) -> go.Surface:
    """One standard deviation each way; along the logarithmic axes the ends are those of mean ± deviation."""
    (_, memory, storage), (dq, dm, ds) = choice.mean, choice.spread
    x, y, z = _spot(choice.mean)
    sizes = (max(math.log10((memory + dm) / memory), 0.004), max(math.log10((storage + ds) / storage), 0.004), max(100 * dq, 0.3))
    around, up = np.meshgrid(np.linspace(0, 2 * np.pi, RING), np.linspace(0, np.pi, RING // 2 + 1))
    ball = (np.cos(around) * np.sin(up), np.sin(around) * np.sin(up), np.cos(up))
    places = [(centre + size * part).astype(np.float32) for centre, size, part in zip((x, y, z), sizes, ball, strict=True)]
    return go.Surface(
        **dict(zip("xyz", places, strict=True)), colorscale=[[0, colour], [1, colour]], surfacecolor=np.zeros_like(places[0]), cmin=0, cmax=1,
        showscale=False, opacity=0.3, meta=choice.part, name=choice.name, hoverinfo="skip",
    )  # fmt: skip


def _log_axis(title: str, logs: NDArray[np.float64]) -> Axis:
    low, high = room(logs, 0.15)
    low, high = min(low, high - 0.5), high
    powers = range(math.ceil(low), math.floor(high) + 1)
    ticks = tuple((float(p), f"{10.0**p:g}") for p in powers)
    return Axis(title, low, high, ticks or ((float(logs.mean()), f"{10 ** float(logs.mean()):.2g}"),))
