"""What the stage shows: a figure, its words and its numbers, and the controls that work in the browser."""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lessons.text import label
from viz import delta_scene as delta
from viz.colours import LIGHT
from viz.label import short_name, truth_label
from viz.spectrum import Spectrum
from viz.table import Table


class RankControl(NamedTuple):
    """A slider that rebuilds ΔW from its top k directions in the browser."""

    info: delta.DeltaSceneInfo
    other: Spectrum | None = None
    """The spectrum that this one is compared with, marked over the bars."""
    beside: delta.DeltaSceneInfo | None = None
    """Full fine-tuning's ΔW of the same matrix, shown beside this one at the same scale when the learner asks."""


class Scene(NamedTuple):
    """One picture on the stage."""

    figure: go.Figure
    title: str
    """Names the downloads."""
    label: str
    """Truth label, such as "live · 22 Nov 2026 · seed 0"."""
    description: str
    """The picture in words, for those who do not see it."""
    tables: tuple[Table, ...]
    caption: str = ""
    rank: RankControl | None = None
    height_px: int = 480
    frame_word: str = ""
    """What the frames of the figure are, for the slider over them: steps, if nothing is said. A figure without frames has no slider."""
    frame_start: int = 0


def plain_stage(
    title: str,
    figure: go.Figure,
    description: str,
    tables: tuple[Table, ...],
    *,
    caption: str = "",
    height_px: int = 480,
    frame_word: str = "",
    frame_start: int = 0,
) -> Scene:
    """Any figure of viz with its words and tables; its truth label is the one that it was drawn with.

    plain_stage("Levels of NF4", draw_levels(info), describe_levels(info), levels_tables(info))
    """
    told = figure.layout.meta or {}
    truth = truth_label(told.get("kind", "illustration"), told.get("day", ""), told.get("seed")).text
    return Scene(figure, title, truth, description, tables, caption, None, height_px, frame_word, frame_start)


def delta_stage(
    info: delta.DeltaSceneInfo,
    *,
    caption: str = "",
    other: Spectrum | None = None,
    beside: delta.DeltaSceneInfo | None = None,
    height_px: int = 480,
) -> Scene:
    """The ΔW scene with its rank slider; `beside` is full fine-tuning's ΔW of the same matrix.

    Raises:
        ValueError: `beside` is of another shape.
    """
    if beside is not None and beside.shape != info.shape:
        raise ValueError(f"the matrix beside has shape {beside.shape}, this one {info.shape}; they must be the same matrix")
    return Scene(
        figure=delta.draw_delta_scene(info),
        title=label("scenes.delta", matrix=short_name(info.matrix)),
        label=info.label.text,
        description=delta.describe_delta_scene(info),
        tables=delta.delta_scene_tables(info),
        caption=f"{caption} {thinned(info)}".strip(),
        rank=RankControl(info, other, beside),
        height_px=height_px,
    )


def thinned(info: delta.DeltaSceneInfo) -> str:
    """How many rows and columns of a matrix are drawn; empty where all are."""
    (m, n), p, q = info.shape, len(info.rows), len(info.columns)
    return label("delta.thinned", p=p, q=q, m=f"{m:,}", n=f"{n:,}") if p < m or q < n else ""


def payload(scene: Scene, key: str) -> dict[str, Any]:
    """The scene as plain JSON values; matrices as base64 of little-endian float32."""
    return {
        "key": key,
        "figure": scene.figure.to_plotly_json() if scene.rank is None else _light(scene.figure),
        "title": scene.title,
        "file": re.sub(r"[\W_]+", "-", scene.title.replace("ΔW", "delta").lower()).strip("-") or "delta-lab",
        "label": scene.label,
        "description": scene.description,
        "caption": scene.caption,
        "height": scene.height_px,
        "frame_word": scene.frame_word or label("stage.step"),
        "frame_start": scene.frame_start,
        "tables": [table._asdict() for table in scene.tables],
        "rank": _rank(scene.rank) if scene.rank else None,
        "scales": {"delta": LIGHT.delta, "factor": LIGHT.factor},
    }


def _rank(control: RankControl) -> dict[str, Any]:
    info = control.info
    return {
        "shape": info.shape,
        "rows": info.rows.tolist(),
        "columns": info.columns.tolist(),
        "k": info.left.shape[1],
        "left": _encode(info.left),
        "right": _encode(info.right),
        "r": 0 if info.b is None else info.b.shape[1],
        "b": None if info.b is None else _encode(info.b),
        "a": None if info.a is None else _encode(info.a),
        "spectrum": info.spectrum,
        "energy": info.energy,
        "complete": bool(info.energy) and info.energy[-1] > 0.9995,
        "height": delta.HEIGHT,
        "mark": LIGHT.text,
        "strip": {"width": delta.STRIP, "left": -delta.GAP - delta.STRIP, "top": delta.GAP + delta.STRIP, "share": 0.74, "fine": 0.94},
        "beside": _beside(control.beside) if control.beside else None,
        "other": {
            "name": label("scenes.other", name=control.other.name, label=control.other.label.text),
            "spectrum": control.other.singular,
        }
        if control.other
        else None,
    }


def _beside(info: delta.DeltaSceneInfo) -> dict[str, Any]:
    whole = not info.energy or info.energy[-1] >= 0.9995
    share = label("scenes.beside_all") if whole else label("scenes.beside_share", share=f"{100 * info.energy[-1]:.0f}")
    words = label("scenes.beside", label=info.label.text, share=share)
    return {"k": info.left.shape[1], "left": _encode(info.left), "right": _encode(info.right), "words": words}


def _encode(values: NDArray[np.float32]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _light(figure: go.Figure) -> dict[str, Any]:
    """The figure without the heights, which the browser computes from the factors anyway."""
    plain = figure.to_plotly_json()
    for trace in plain["data"]:
        if trace["type"] == "surface":
            trace.pop("z", None)
    return plain
