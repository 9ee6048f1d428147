"""ΔW = BA as it grew: the scene of `delta_scene` step by step, all steps at one scale.

figure = draw_delta_playback(get_delta_playback_info(steps, b, a, matrix=name, label=label))   # frames: one a snapshot
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.delta_scene import HEIGHT, DeltaSceneInfo, draw_delta_scene, fins, get_delta_scene_info
from viz.label import TruthLabel, short_name
from viz.table import Table
from viz.words import heads, say

Floats = NDArray[np.float32]
LIMIT = 64


class DeltaPlaybackInfo(NamedTuple):
    """Snapshots in the order of their steps; B and A at the rows and columns shown."""

    last: DeltaSceneInfo
    steps: tuple[int, ...]
    b: Floats
    """(t, p, r), alpha/r folded in."""
    a: Floats
    """(t, r, q)."""
    norms: tuple[float, ...]
    """‖ΔW‖ of the whole matrix at each step, Frobenius."""


def get_delta_playback_info(steps: ArrayLike, b: ArrayLike, a: ArrayLike, *, matrix: str, label: TruthLabel) -> DeltaPlaybackInfo:
    """From B (t, m, r) and A (t, r, n). Raises ValueError where their snapshots are not as many as the steps."""
    numbers, left, right = np.asarray(steps, dtype=int), np.asarray(b, dtype=np.float32), np.asarray(a, dtype=np.float32)
    if not len(numbers) == len(left) == len(right) or left.ndim != 3 or not len(left):
        raise ValueError(f"{len(numbers)} steps, {len(left)} snapshots of B and {len(right)} of A; each step needs both")
    u, s, vt = np.linalg.svd(left[-1] @ right[-1], full_matrices=False)
    rank = left.shape[2]
    last = get_delta_scene_info(
        u[:, :rank] * s[:rank], vt[:rank], matrix=matrix, label=label, b=left[-1], a=right[-1], limit=LIMIT
    )  # fmt: skip
    norms = tuple(float(np.linalg.norm(one @ other)) for one, other in zip(left, right, strict=True))
    return DeltaPlaybackInfo(last, tuple(map(int, numbers)), left[:, last.rows], right[:, :, last.columns], norms)


def draw_delta_playback(info: DeltaPlaybackInfo) -> go.Figure:
    """The last step's figure; a frame a step. Heights are in units of the largest value of all steps, each matrix its own."""
    figure = draw_delta_scene(info.last)
    products = [b @ a for b, a in zip(info.b, info.a, strict=True)]
    peaks = [float(np.abs(part).max()) or 1.0 for part in (info.b, info.a, np.array(products))]
    places = [next(n for n, trace in enumerate(figure.data) if trace.meta == role) for role in ("B", "A", "ΔW")]
    frames = []
    for step, b, a, product in zip(info.steps, info.b, info.a, products, strict=True):
        parts = (fins(b), fins(a.T).T, product)
        data = [go.Surface(z=(part * np.float32(HEIGHT / peak)).astype(np.float32)) for part, peak in zip(parts, peaks, strict=True)]
        frames.append(go.Frame(name=say("shared.step", step=step), data=data, traces=places))
    figure.frames = frames
    for note, peak in zip(figure.layout.scene.annotations, peaks, strict=True):
        note.text = note.text.split("<br>")[0] + "<br>" + say("delta_scene.height", peak=f"{peak:.2g}")
    return figure


def describe_delta_playback(info: DeltaPlaybackInfo) -> str:
    """The film in words."""
    m, n = info.last.shape
    half = next(step for step, norm in zip(info.steps, info.norms, strict=True) if norm >= info.norms[-1] / 2)
    ends = {"start": info.steps[0], "first": f"{info.norms[0]:.2g}", "last": f"{info.norms[-1]:.3g}"}
    return say("delta_playback.says", matrix=short_name(info.last.matrix), m=m, n=n, moments=len(info.steps), half=half, **ends)


def delta_playback_tables(info: DeltaPlaybackInfo) -> tuple[Table, ...]:
    """‖ΔW‖ by step."""
    caption = say("delta_playback.table", matrix=short_name(info.last.matrix))
    return (Table(caption, heads("delta_playback.columns"), tuple(zip(info.steps, info.norms, strict=True))),)
