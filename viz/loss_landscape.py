"""The loss on the plane through a model's start, LoRA's end and full fine-tuning's end, with the real paths over it.

info = get_loss_landscape_info(scene.arrays, "nano-0.5m", label)      # arrays of engine.recorded.find_scene("landscape-...")
draw_loss_landscape(info)                                             # the task's loss
draw_loss_landscape(info, ground="forgetting")                        # the loss on other text, on the same plane
Compare Li et al. 2018, 1712.09913, who span random planes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, bare, room, space, surface
from viz.table import Table
from viz.words import heads, say

LOOKS = {"lora": (LIGHT.trainable, "diamond"), "full": (LIGHT.frozen, "circle")}
GROUNDS = ("loss", "forgetting")


class Path(NamedTuple):
    """One run, projected on the plane."""

    method: str
    """lora or full."""
    x: tuple[float, ...]
    y: tuple[float, ...]
    away: tuple[float, ...]
    """Distance from the plane, L2 over all weights."""
    loss: tuple[float, ...]
    """Held-out loss where the run really was, nats."""
    below: tuple[float, ...]
    """Held-out loss on the plane below or above it, nats."""
    steps: tuple[int, ...]


class LossLandscapeInfo(NamedTuple):
    """Lengths are L2 over all weights; the start is at (0, 0)."""

    model: str
    x: NDArray[np.float64]
    """(q,): along LoRA's way."""
    y: NDArray[np.float64]
    """(p,): across it, towards full fine-tuning's end."""
    grounds: dict[str, NDArray[np.float64]]
    """"loss" and "forgetting", (p, q), nats."""
    paths: tuple[Path, ...]
    label: TruthLabel


def get_loss_landscape_info(arrays: Mapping[str, ArrayLike], model: str, label: TruthLabel) -> LossLandscapeInfo:
    """From x (q,), y (p,), loss and forgetting (p, q), and <method>.path (t, 3), <method>.losses (t, 3) for lora and full.

    Raises:
        ValueError: A ground does not fit x and y.
    """
    values = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    x, y = values["x"], values["y"]
    grounds = {name: values[name] for name in GROUNDS if name in values}
    for name, ground in grounds.items():
        if ground.shape != (len(y), len(x)):
            raise ValueError(f"{name} has shape {ground.shape}; x and y ask for {(len(y), len(x))}")
    paths = []
    for method in LOOKS:
        if f"{method}.path" in values:
            both = np.hstack([values[f"{method}.path"], values[f"{method}.losses"]]).T
            x_, y_, away, there, below = (tuple(map(float, column)) for column in both[:5])
            paths.append(Path(method, x_, y_, away, there, below, tuple(map(int, both[5]))))
    return LossLandscapeInfo(model, x, y, grounds, tuple(paths), label)


def draw_loss_landscape(info: LossLandscapeInfo, ground: str = "loss") -> go.Figure:
    """The terrain with each path over it. Over the task's loss a path is as high as the loss was where the run really was, and thin
    stalks lead down to the plane; on other text, whose loss was measured on the plane only, paths lie on the terrain.

    Frames walk the paths. Heights are cut at twice the start's loss above the lowest, so that far walls do not flatten the valley.
    """
    heights = info.grounds[ground]
    start = _at(info, heights, 0.0, 0.0)
    ceiling = float(np.nanmin(heights) + 2 * max(start - np.nanmin(heights), 1e-3)) if ground == "loss" else float(np.nanmax(heights))
    cut = np.minimum(heights, ceiling)
    lift = 0.012 * (ceiling - float(np.nanmin(cut)))
    figure = go.Figure()
    figure.add_trace(
        surface(
            info.x, info.y, cut, LIGHT.height, ground, say(f"loss_landscape.surface_{ground}"), opacity=0.93,
            hovertemplate=say("loss_landscape.hover", x="%{x:.2f}", y="%{y:.2f}", loss="%{z:.3f}") + "<extra></extra>",
            contours={"z": {"show": True, "usecolormap": False, "color": LIGHT.base, "width": 1, "size": max((ceiling - float(np.nanmin(cut))) / 12, 1e-6),
                            "start": float(np.nanmin(cut)), "end": ceiling}},
        )
    )  # fmt: skip
    hover = say("loss_landscape.hover_path", step="%{customdata[0]}", loss="%{customdata[1]:.3f}", away="%{customdata[2]:.2f}")
    for path in info.paths:
        name, (colour, symbol) = _name(path), LOOKS[path.method]
        plane = [min(_at(info, cut, a, b), ceiling) for a, b in zip(path.x, path.y, strict=True)]
        figure.add_scatter3d(
            x=path.x, y=path.y, z=path.loss if ground == "loss" else [v + lift for v in plane], mode="lines+markers", name=name, meta=path.method,
            line={"color": colour, "width": 4}, marker={"color": colour, "size": 2.5, "symbol": symbol},
            customdata=np.column_stack([path.steps, path.loss, path.away]),
            hovertemplate=f"{hover}<extra>{name}</extra>",
        )  # fmt: skip
        if ground == "loss":
            stalks = np.stack([np.column_stack([path.x, path.y, end]) for end in (path.loss, path.below, [np.nan] * len(path.x))], axis=1)
            x, y, z = stalks.reshape(-1, 3).T
            figure.add_scatter3d(
                x=x, y=y, z=z, mode="lines", name=say("loss_landscape.down", name=name), meta=path.method, line={"color": colour, "width": 3},
                opacity=0.7, hoverinfo="skip",
            )  # fmt: skip
    _walk(figure, info)
    low, high = float(np.nanmin(cut)), max([ceiling, *(loss for path in info.paths for loss in path.loss)])
    figure.update_layout(
        template=template(),
        **titled(say("loss_landscape.title", ground=say(f"loss_landscape.{ground}").capitalize(), model=info.model), info.label),
        scene=space(
            Axis(say("loss_landscape.x"), *room(info.x, 0.0)),
            Axis(say("loss_landscape.y"), *room(info.y, 0.0)),
            Axis(say("loss_landscape.z"), low, high + 0.05 * (high - low)),
        ),
    )
    return bare(figure)


def describe_loss_landscape(info: LossLandscapeInfo, ground: str = "loss") -> str:
    """The picture over that ground in words."""
    if ground == "loss":
        return say("loss_landscape.says_loss", ways=" ".join(map(_way, info.paths)))
    heights = info.grounds[ground]
    start = _at(info, heights, 0.0, 0.0)
    ends = [say("loss_landscape.end", name=_name(path), loss=f"{_at(info, heights, path.x[-1], path.y[-1]):.2f}") for path in info.paths]
    spread = {"low": f"{np.nanmin(heights):.2f}", "high": f"{np.nanmax(heights):.2f}", "start": f"{start:.2f}"}
    return say("loss_landscape.says_forgetting", ground=say(f"loss_landscape.{ground}"), ends=", ".join(ends), **spread)


def loss_landscape_tables(info: LossLandscapeInfo, ground: str = "loss") -> tuple[Table, ...]:
    """Both paths, step by step, with the losses of that ground."""
    tables = []
    for path in info.paths:
        places = (path.steps, path.x, path.y, path.away)
        other = tuple(_at(info, info.grounds[ground], a, b) for a, b in zip(path.x, path.y, strict=True))
        losses = (path.loss, path.below) if ground == "loss" else (other,)
        header = (*heads("loss_landscape.columns"), *heads(f"loss_landscape.columns_{ground}"))
        tables.append(Table(say("loss_landscape.table", name=_name(path)), header, tuple(zip(*places, *losses, strict=True))))
    return tuple(tables)


def _name(path: Path) -> str:
    return say(f"loss_landscape.{path.method}")


def _way(path: Path) -> str:
    """One run's path in words."""
    losses = {"start": f"{path.loss[0]:.2f}", "end": f"{path.loss[-1]:.2f}"}
    far, away = f"{np.hypot(path.x[-1], path.y[-1]):.2f}", f"{max(path.away):.2f}"
    return say("loss_landscape.way", name=_name(path), far=far, away=away, **losses)


def _walk(figure: go.Figure, info: LossLandscapeInfo) -> None:
    """One frame a snapshot: both paths up to there. A stalk is two points and a gap."""
    count = max((len(path.steps) for path in info.paths), default=0)
    frames = []
    for n in range(1, count + 1):
        points = [3 * n if trace.hoverinfo == "skip" else n for trace in figure.data[1:]]
        data = [go.Scatter3d(**{axis: list(trace[axis])[:m] for axis in "xyz"}) for trace, m in zip(figure.data[1:], points, strict=True)]
        step = max(path.steps[min(n, len(path.steps)) - 1] for path in info.paths)
        frames.append(go.Frame(name=say("shared.step", step=step), data=data, traces=list(range(1, len(figure.data)))))
    figure.frames = frames


def _at(info: LossLandscapeInfo, heights: NDArray[np.float64], x: float, y: float) -> float:
    """Bilinear height of the terrain; outside the grid the nearest edge."""
    i = int(np.clip(np.searchsorted(info.y, y) - 1, 0, len(info.y) - 2))
    j = int(np.clip(np.searchsorted(info.x, x) - 1, 0, len(info.x) - 2))
    v = float(np.clip((y - info.y[i]) / (info.y[i + 1] - info.y[i]), 0, 1))
    u = float(np.clip((x - info.x[j]) / (info.x[j + 1] - info.x[j]), 0, 1))
    square = heights[i : i + 2, j : j + 2]
    return float((1 - v) * ((1 - u) * square[0, 0] + u * square[0, 1]) + v * ((1 - u) * square[1, 0] + u * square[1, 1]))
