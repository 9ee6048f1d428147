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
from viz.words import say


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
                list(across.values()), list(down.values()), info.means, LIGHT.height, "mean", say("sweep_surface.mean"), opacity=0.85,
                connectgaps=True, hovertemplate=f"%{{z:.3g}}<extra>{say('sweep_surface.mean_of')}</extra>",
            )
        )  # fmt: skip
    axes = {"x": info.x.name, "y": info.y.name}
    figure.add_scatter3d(
        x=[across[a] for a, _, _ in info.points], y=[down[b] for _, b, _ in info.points], z=[v for _, _, v in info.points], mode="markers",
        name=say("sweep_surface.run"), meta="run", marker={"color": LIGHT.trainable, "size": 4}, customdata=[[a, b] for a, b, _ in info.points],
        hovertemplate=say("sweep_surface.hover", **axes, at_x="%{customdata[0]:g}", at_y="%{customdata[1]:g}", value="%{z:.3g}") + "<extra></extra>",
    )  # fmt: skip
    sides = [
        Axis(dial.name, *room(list(places.values()) or [0.0]), tuple((place, f"{value:g}") for value, place in places.items()))
        for dial, places in ((info.x, across), (info.y, down))
    ]
    figure.update_layout(
        template=template(),
        **titled(info.title, info.label),
        scene=space(sides[0], sides[1], Axis(info.z, *room([v for *_, v in info.points]))),
    )
    return bare(figure)


def describe_sweep_surface(info: SweepSurfaceInfo) -> str:
    """The picture in words."""
    if not info.points:
        return say("sweep_surface.empty", title=info.title)
    axes = {"x": info.x.name, "y": info.y.name}
    ends = {
        name: say(f"sweep_surface.{name}", **axes, value=f"{value:.3g}", at_x=f"{x:g}", at_y=f"{y:g}")
        for name, (x, y, value) in (("lowest", min(info.points, key=_height)), ("highest", max(info.points, key=_height)))
    }
    counts = {"runs": len(info.points), "count_x": len(info.xs), "count_y": len(info.ys)}
    return say("sweep_surface.says", title=info.title, z=info.z, **axes, **counts, **ends)


def sweep_surface_tables(info: SweepSurfaceInfo) -> tuple[Table, ...]:
    """Every measurement."""
    return (Table(info.title, (info.x.name, info.y.name, info.z), info.points),)


def _height(point: tuple[float, float, float]) -> float:
    return point[2]


def _places(values: tuple[float, ...], scale: str) -> dict[float, float]:
    """Where each value stands on its axis."""
    if scale == "linear":
        return {value: value for value in values}
    log = math.log2 if scale == "log2" else math.log10
    least = min((value for value in values if value > 0), default=1.0)
    return {value: log(value) if value > 0 else log(least) - 1 for value in values}
