"""A number measured over two dials, as a surface with every measurement on it: β and steps, task types and steps.

info = get_sweep_surface_info(rows, x=("task types", "log2"), y=("step", "linear"), z="score on unseen tasks (%)", title="...", label=label)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, bare, room, space, surface
from viz.table import Table


class Dial(NamedTuple):
    """One axis."""

    name: str
    scale: str
    """"linear", "log2" or "log10"; zero has a place of its own before the smallest value."""


class SweepSurfaceInfo(NamedTuple):
    """Means over seeds on a grid, and the single measurements."""

    title: str
    x: Dial
    y: Dial
    z: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    means: NDArray[np.float64]
    """(ys, xs); NaN where nothing was measured."""
    points: tuple[tuple[float, float, float], ...]
    label: TruthLabel


def get_sweep_surface_info(
    rows: Iterable[tuple[float, float, float]], *, x: tuple[str, str], y: tuple[str, str], z: str, title: str, label: TruthLabel
) -> SweepSurfaceInfo:
    """From (x, y, value), as many for a cell as there are seeds; what is not finite is left out."""
    points = tuple(sorted((float(a), float(b), float(v)) for a, b, v in rows if math.isfinite(v)))
    xs, ys = (tuple(sorted({point[axis] for point in points})) for axis in (0, 1))
    means = np.full((len(ys), len(xs)), np.nan)
    for i, b in enumerate(ys):
        for j, a in enumerate(xs):
            cell = [v for px, py, v in points if (px, py) == (a, b)]
            if cell:
                means[i, j] = sum(cell) / len(cell)
    return SweepSurfaceInfo(title, Dial(*x), Dial(*y), z, xs, ys, means, points, label)


def draw_sweep_surface(info: SweepSurfaceInfo) -> go.Figure:
    """The surface through the means; a dot a measurement, so that one sees how far seeds lie apart."""
    across, down = _places(info.xs, info.x.scale), _places(info.ys, info.y.scale)
    figure = go.Figure()
    if len(info.xs) > 1 and len(info.ys) > 1:
        figure.add_trace(
            surface(
                list(across.values()), list(down.values()), info.means, LIGHT.height, "mean", opacity=0.85, connectgaps=True,
                hovertemplate="%{z:.3g}<extra>mean of the seeds</extra>",
            )
        )  # fmt: skip
    figure.add_scatter3d(
        x=[across[a] for a, _, _ in info.points], y=[down[b] for _, b, _ in info.points], z=[v for _, _, v in info.points], mode="markers",
        name="one run", meta="run", marker={"color": LIGHT.trainable, "size": 4}, customdata=[[a, b] for a, b, _ in info.points],
        hovertemplate=f"{info.x.name} %{{customdata[0]:g}}, {info.y.name} %{{customdata[1]:g}}: %{{z:.3g}}<extra></extra>",
    )  # fmt: skip
    axes = [
        Axis(dial.name, *room(list(places.values()) or [0.0]), tuple((place, f"{value:g}") for value, place in places.items()))
        for dial, places in ((info.x, across), (info.y, down))
    ]
    figure.update_layout(
        template=template(),
        **titled(info.title, info.label),
        scene=space(axes[0], axes[1], Axis(info.z, *room([v for *_, v in info.points]))),
    )
    return bare(figure)


def describe_sweep_surface(info: SweepSurfaceInfo) -> str:
    """The picture in words."""
    if not info.points:
        return f"{info.title}: nothing is measured yet."
    low, high = min(info.points, key=lambda p: p[2]), max(info.points, key=lambda p: p[2])
    words = f"{info.title}: {len(info.points)} runs over {len(info.xs)} values of {info.x.name} and {len(info.ys)} of {info.y.name}."
    ends = [f"{name} {p[2]:.3g} at {info.x.name} {p[0]:g} and {info.y.name} {p[1]:g}" for name, p in (("lowest", low), ("highest", high))]
    return f"{words} {info.z}: {', '.join(ends)}."


def sweep_surface_tables(info: SweepSurfaceInfo) -> tuple[Table, ...]:
    """Every measurement."""
    return (Table(info.title, (info.x.name, info.y.name, info.z), info.points),)


def _places(values: tuple[float, ...], scale: str) -> dict[float, float]:
    """Where each value stands on its axis."""
    if scale == "linear":
        return {value: value for value in values}
    log = math.log2 if scale == "log2" else math.log10
    least = min((value for value in values if value > 0), default=1.0)
    return {value: log(value) if value > 0 else log(least) - 1 for value in values}
