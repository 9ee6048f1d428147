"""What 3D charts share: a box with named axes, seen by one camera; towers; surfaces.

Every 3D chart gives ranges and proportions itself, so that the stage's still and plotly show the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, Scale

Floats = NDArray[np.float32]
_CORNERS = np.array(
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)], dtype=np.float32
)  # fmt: skip
_TRIANGLES = np.array(
    [(0, 1, 2), (0, 2, 3), (4, 6, 5), (4, 7, 6), (0, 5, 1), (0, 4, 5), (1, 6, 2), (1, 5, 6), (2, 7, 3), (2, 6, 7), (3, 4, 0), (3, 7, 4)],
    dtype=np.int32,
)  # fmt: skip
LIGHTING = {"ambient": 0.65, "diffuse": 0.6, "specular": 0.08, "roughness": 0.8, "fresnel": 0.02}


class Axis(NamedTuple):
    """One side of the box."""

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] | None = None
    """(place, words); None leaves them to plotly, () shows none."""


class Box(NamedTuple):
    """One tower: its footprint's lower corner, its sizes, its foot's height."""

    x: float
    y: float
    width: float
    depth: float
    height: float
    colour: str
    text: str = ""
    foot: float = 0.0


def space(
    x: Axis,
    y: Axis,
    z: Axis,
    *,
    aspect: tuple[float, float, float] = (1.2, 1.0, 0.7),
    eye: tuple[float, float, float] = (0.97, -1.65, 0.91),
    lift: float = -0.2,
    notes: Sequence[tuple[str, tuple[float, float, float]]] = (),
) -> dict[str, Any]:
    """`layout.scene`: three axes, proportions, a turntable camera, and notes as (words, place in data units)."""
    return {
        **{f"{name}axis": _axis(axis) for name, axis in (("x", x), ("y", y), ("z", z))},
        "aspectmode": "manual",
        "aspectratio": dict(zip("xyz", aspect, strict=True)),
        "camera": {
            "eye": dict(zip("xyz", eye, strict=True)),
            "center": {"x": 0, "y": 0, "z": lift},
            "up": {"x": 0, "y": 0, "z": 1},
        },
        "dragmode": "turntable",
        "annotations": [
            {"text": text, **dict(zip("xyz", place, strict=True)), "showarrow": False, "font": {"size": 12, "color": LIGHT.text}}
            for text, place in notes
        ],
    }


def bare(figure: go.Figure) -> go.Figure:
    """The margins of a 3D figure: only the title stands outside the scene."""
    return figure.update_layout(margin={"l": 0, "r": 0, "t": 56, "b": 0}, showlegend=False)


def boxes(towers: Sequence[Box], meta: str, name: str) -> go.Mesh3d:
    """Any number of towers as one mesh, so that a city of 210 costs one trace. Words are linked to `meta`; `name` is read."""
    feet = np.array([(t.x, t.y, t.foot) for t in towers], dtype=np.float32).reshape(-1, 1, 3)
    sizes = np.array([(t.width, t.depth, t.height) for t in towers], dtype=np.float32).reshape(-1, 1, 3)
    corners = (feet + _CORNERS * sizes).reshape(-1, 3)
    faces = (8 * np.arange(len(towers), dtype=np.int32)[:, None, None] + _TRIANGLES).reshape(-1, 3)
    return go.Mesh3d(
        **{name: corners[:, n] for n, name in enumerate("xyz")},
        **{name: faces[:, n] for n, name in enumerate("ijk")},
        facecolor=[tower.colour for tower in towers for _ in _TRIANGLES],
        text=[tower.text for tower in towers for _ in _CORNERS],
        hovertemplate="%{text}<extra></extra>",
        flatshading=True,
        lighting=LIGHTING,
        meta=meta,
        name=name,
    )


def surface(x: ArrayLike, y: ArrayLike, z: ArrayLike, scale: Scale, meta: str, name: str, **more: Any) -> go.Surface:
    """A surface over x (q places) and y (p places); z is (p, q). Words are linked to `meta`; `name` is read."""
    return go.Surface(
        x=np.asarray(x, dtype=np.float32),
        y=np.asarray(y, dtype=np.float32),
        z=np.asarray(z, dtype=np.float32),
        colorscale=[list(stop) for stop in scale],
        showscale=False,
        lighting=LIGHTING,
        meta=meta,
        name=name,
        **more,
    )


def room(values: ArrayLike, share: float = 0.06) -> tuple[float, float]:
    """The ends of an axis that holds these values with a little room; (0, 1) where none is finite."""
    known = np.asarray(values, dtype=np.float64).ravel()
    known = known[np.isfinite(known)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    more = share * (high - low) or abs(high) * share or 1.0
    return low - more, high + more


def whole(title: str, low: float, high: float, count: int) -> Axis:
    """An axis over 0 to count - 1, such as layers, with at most nine ticks and none between two of them."""
    every = -(-count // 9) or 1
    return Axis(title, low, high, tuple((float(n), str(n)) for n in range(0, count, every)))


def _axis(axis: Axis) -> dict[str, Any]:
    look: dict[str, Any] = {
        "title": {"text": axis.title, "font": {"size": 12, "color": LIGHT.text}},
        "range": [axis.low, axis.high],
        "showspikes": False,
        "showbackground": False,
        "gridcolor": LIGHT.grid,
        "zerolinecolor": LIGHT.grid,
        "linecolor": LIGHT.grid,
        "tickfont": {"size": 11, "color": LIGHT.text},
    }
    if axis.ticks is not None:
        look |= {"tickvals": [place for place, _ in axis.ticks], "ticktext": [text for _, text in axis.ticks]}
    return look
