"""Features of a frozen model in space, and the separating plane of its head as training turns it.

info = get_head_plane_info(features, labels, names, weights, biases, steps, label)
The picture shows three principal components of the features; the plane drawn is the head's boundary cut with that space
(through the features' mean in all other directions).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.pca import components
from viz.space import Axis, bare, room, space
from viz.table import Table
from viz.words import heads, say

Floats = NDArray[np.float64]


class HeadPlaneInfo(NamedTuple):
    """n examples of two classes; t snapshots of the head."""

    names: tuple[str, str]
    places: Floats
    """(n, 3)."""
    labels: tuple[int, ...]
    """0 or 1."""
    normals: Floats
    """(t, 3): the head's direction (class 1 minus class 0) in the picture's space."""
    offsets: Floats
    """(t,): the plane is normal · place + offset = 0."""
    right: tuple[float, ...]
    """Share of examples on their side at each snapshot, in all dimensions, 0 to 1."""
    steps: tuple[int, ...]
    explained: tuple[float, ...]
    label: TruthLabel


def get_head_plane_info(
    features: ArrayLike, labels: Sequence[int], names: tuple[str, str], weights: ArrayLike, biases: ArrayLike, steps: Sequence[int], label: TruthLabel
) -> HeadPlaneInfo:  # fmt: skip
    """From features (n, d), labels 0 or 1, and the head's direction (t, d) and bias (t,), class 1 minus class 0.

    Raises:
        ValueError: Shapes do not fit, or there are not two classes.
    """
    values, w, b = (np.asarray(array, dtype=np.float64) for array in (features, weights, biases))
    if values.ndim != 2 or len(values) != len(labels) or w.shape != (len(steps), values.shape[1]) or b.shape != (len(steps),):
        raise ValueError(
            f"features {values.shape}, {len(labels)} labels, weights {w.shape}, biases {b.shape}, {len(steps)} steps do not fit"
        )
    if not set(labels) <= {0, 1}:
        raise ValueError(f"labels hold {sorted(set(labels))}; this picture shows two classes, 0 and 1")
    frame = components(values)
    scores = values @ w.T + b
    right = tuple(float(np.mean((scores[:, n] > 0) == np.asarray(labels, dtype=bool))) for n in range(len(steps)))
    offsets = w @ frame.mean + b
    return HeadPlaneInfo(
        names, frame.place(values), tuple(map(int, labels)), w @ frame.axes, offsets, right, tuple(map(int, steps)), frame.explained, label
    )  # fmt: skip


def draw_head_plane(info: HeadPlaneInfo) -> go.Figure:
    """Two clouds and a plane; a frame a snapshot. Classes differ in shape as well as colour."""
    figure = go.Figure()
    for kind, (colour, symbol) in enumerate(((LIGHT.rejected, "square"), (LIGHT.chosen, "circle"))):
        mine = info.places[[label == kind for label in info.labels]]
        figure.add_scatter3d(
            x=mine[:, 0], y=mine[:, 1], z=mine[:, 2], mode="markers", name=info.names[kind], meta=f"class-{kind}",
            marker={"color": colour, "size": 4, "symbol": symbol}, hovertemplate=f"{info.names[kind]}<extra></extra>",
        )  # fmt: skip
    figure.add_mesh3d(
        i=[0, 0, 0, 0], j=[1, 2, 3, 4], k=[2, 3, 4, 5], color=LIGHT.trainable, opacity=0.35, name=say("head_plane.head"), meta="plane",
        hoverinfo="skip",
    )  # fmt: skip
    ends = np.array([room(info.places[:, n]) for n in range(3)])
    figure.frames = [_frame(info, n, ends) for n in range(len(info.steps))]
    figure.data[2].update(**{axis: getattr(figure.frames[-1].data[0], axis) for axis in "xyz"})
    names = [say("head_plane.axis", number=n + 1, share=f"{share:.0%}") for n, share in enumerate(info.explained)]
    axes = [Axis(name, float(ends[n, 0]), float(ends[n, 1]), ()) for n, name in enumerate(names)]
    figure.update_layout(
        template=template(), **titled(say("head_plane.title", share=f"{sum(info.explained):.0%}"), info.label),
        scene=space(*axes, aspect=(1.1, 1.0, 0.9)),
    )  # fmt: skip
    return bare(figure)


def describe_head_plane(info: HeadPlaneInfo) -> str:
    """The picture in words."""
    counts = [info.labels.count(kind) for kind in (0, 1)]
    clouds = {"one": counts[0], "one_name": info.names[0], "other": counts[1], "other_name": info.names[1]}
    ends = {"first": f"{info.right[0]:.0%}", "start": info.steps[0], "last": f"{info.right[-1]:.0%}", "end": info.steps[-1]}
    return say("head_plane.says", share=f"{sum(info.explained):.0%}", **clouds, **ends)


def head_plane_tables(info: HeadPlaneInfo) -> tuple[Table, ...]:
    """One row a snapshot."""
    turned = [_degrees(info.normals[0], normal) for normal in info.normals]
    rows = tuple((s, 100 * r, a) for s, r, a in zip(info.steps, info.right, turned, strict=True))
    return (Table(say("head_plane.table"), heads("head_plane.columns"), rows),)


def _frame(info: HeadPlaneInfo, n: int, ends: Floats) -> go.Frame:
    corners = cut(info.normals[n], float(info.offsets[n]), ends)
    data = go.Mesh3d(**{axis: corners[:, place] for place, axis in enumerate("xyz")})
    return go.Frame(name=say("shared.step", step=info.steps[n]), data=[data], traces=[2])


def cut(normal: Floats, offset: float, ends: Floats) -> Floats:
    """Where the plane leaves the box: its corners in order, padded to six by repeating the last; the box's centre where it misses the box."""
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]
    box = np.array([[ends[axis][corner >> axis & 1] for axis in range(3)] for corner in range(8)])
    sides = box @ normal + offset
    found = [box[a] + (box[b] - box[a]) * sides[a] / (sides[a] - sides[b]) for a, b in edges if sides[a] * sides[b] < 0]
    if len(found) < 3:
        return np.repeat(ends.mean(axis=1)[None, :], 6, axis=0)
    points = np.array(found)
    middle = points.mean(axis=0)
    first = points[0] - middle
    other = np.cross(normal, first)
    order = np.argsort(
        [
            np.arctan2((p - middle) @ other / (np.linalg.norm(other) or 1), (p - middle) @ first / (np.linalg.norm(first) or 1))
            for p in points
        ]
    )
    ring = points[order]
    return np.vstack([ring, np.repeat(ring[-1:], 6 - len(ring), axis=0)])


def _degrees(one: Floats, other: Floats) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(one @ other / size, -1, 1)))) if size else 0.0
