"""The scene of the course: B, A and their product ΔW = BA, laid out in space as one writes a matrix product.

B stands left of ΔW with its rows aligned to ΔW's rows; A stands behind it with its columns aligned to ΔW's columns. So
the cell (i, j) of ΔW lies where row i of B meets column j of A. Height is value; each of the three has its own scale,
which is written beside it. LoRA: Hu et al. 2021, 2106.09685, section 4.1.

Letters: m rows (out features), n columns (in features), k directions kept, p x q cells shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, Scale, template
from viz.label import TruthLabel, short_name, titled
from viz.table import Table
from viz.words import heads, say

Floats = NDArray[np.float32]
LIMIT = 96
HEIGHT = 0.15
"""Height in the scene of each matrix's own largest value; ΔW's longer side is 1."""
SATURATED = 0.5
"""Share of that height at which the colour is full; without it a few spikes would leave all else pale."""
GAP, STRIP = 0.14, 0.30
SPAN = 1.32
"""Length of the longer side of the whole scene, in the units of the camera."""
CAMERA = {"eye": {"x": 0.46, "y": -1.28, "z": 1.3}, "center": {"x": 0.03, "y": 0.04, "z": -0.19}, "up": {"x": 0, "y": 0, "z": 1}}


class DeltaSceneInfo(NamedTuple):
    """What the scene shows: numbers only."""

    matrix: str
    label: TruthLabel
    shape: tuple[int, int]
    """(m, n) of the whole matrix."""
    rows: NDArray[np.int64]
    """Row numbers shown, p of them: every s-th row from row 0."""
    columns: NDArray[np.int64]
    left: Floats
    """(p, k): the strongest directions U√S at the rows shown; a column is a direction."""
    right: Floats
    """(k, q): √S Vᵀ at the columns shown."""
    b: Floats | None
    """(p, r): B as trained, the scale alpha/r folded in; None for full fine-tuning."""
    a: Floats | None
    """(r, q): A as trained."""
    product: Floats
    """(p, q): ΔW from all k directions, exact at the cells shown."""
    spectrum: tuple[float, ...]
    """Singular values of the whole matrix, descending, at most k of them."""
    energy: tuple[float, ...]
    """Share of ‖ΔW‖² in the top 1, 2, ... k directions, 0 to 1."""


def delta_scene(info: DeltaSceneInfo) -> go.Figure:
    """The figure at all k directions; see `get_delta_scene_info` for the numbers."""
    return draw_delta_scene(info)


def get_delta_scene_info(
    left: ArrayLike,
    right: ArrayLike,
    *,
    matrix: str,
    label: TruthLabel,
    b: ArrayLike | None = None,
    a: ArrayLike | None = None,
    norm: float | None = None,
    limit: int = LIMIT,
) -> DeltaSceneInfo:
    """Sample ΔW and its factors to at most `limit` x `limit` cells: every s-th row and column, values exact.

    Args:
        left: U*S, (m, k), columns in order of falling singular value.
        right: Vᵀ, (k, n), rows of unit length.
        matrix: Its name, such as "layer 15 · q_proj".
        label: Where the numbers come from.
        b: B as trained, (m, r), alpha/r folded in.
        a: A as trained, (r, n).
        norm: Frobenius norm of the whole ΔW; taken from the k directions when left out.
        limit: Most rows and columns shown.

    Raises:
        ValueError: Shapes do not fit each other.
    """
    whole_left, whole_right = _floats(left, "left"), _floats(right, "right")
    if whole_left.shape[1] != whole_right.shape[0]:
        raise ValueError(f"left has {whole_left.shape[1]} directions and right has {whole_right.shape[0]}; they must be equal")
    m, n = whole_left.shape[0], whole_right.shape[1]
    rows, columns = _every(m, limit), _every(n, limit)
    singular = np.linalg.norm(whole_left.astype(np.float64), axis=0)
    total = float(np.sum(singular**2)) if norm is None else float(norm) ** 2
    root = np.sqrt(np.where(singular > 0, singular, 1.0)).astype(np.float32)
    return DeltaSceneInfo(
        matrix=matrix,
        label=label,
        shape=(m, n),
        rows=rows,
        columns=columns,
        left=whole_left[rows] / root,
        right=whole_right[:, columns] * root[:, None],
        b=None if b is None else _floats(b, "b")[rows],
        a=None if a is None else _floats(a, "a")[:, columns],
        product=whole_left[rows] @ whole_right[:, columns],
        spectrum=tuple(float(s) for s in singular),
        energy=tuple(float(e) for e in np.minimum(np.cumsum(singular**2) / total, 1.0)) if total > 0 else (0.0,) * len(singular),
    )


def draw_delta_scene(info: DeltaSceneInfo) -> go.Figure:
    """The figure only. Traces named "B", "A" and "ΔW" carry the same word as `meta`, so that a stage can find them."""
    wide, deep = _sides(info.shape)
    left, right = (info.left, info.right) if info.b is None or info.a is None else (info.b, info.a)
    names = ("B", "A", "ΔW = BA") if info.b is not None else ("U√S", "√S Vᵀ", "ΔW")
    across, down = np.linspace(0, wide, len(info.columns)), -np.linspace(0, deep, len(info.rows))
    strip_x, strip_y = -GAP - STRIP + _ribbons(left.shape[1]), GAP + STRIP - _ribbons(right.shape[0])
    m, n = info.shape
    parts = (
        ("B", strip_x, down, fins(left), LIGHT.factor, f"{names[0]}  {m} × {left.shape[1]}", (-GAP - STRIP * 0.85, -deep - 0.12, -HEIGHT)),
        (
            "A",
            across,
            strip_y,
            fins(right.T).T,
            LIGHT.factor,
            f"{names[1]}  {right.shape[0]} × {n}",
            (wide / 2, GAP + STRIP, HEIGHT * 2.6),
        ),
        ("ΔW", across, down, info.product, LIGHT.delta, f"{names[2]}  {m} × {n}", (wide * 0.72, -deep - 0.12, 0.0)),
    )
    traces: list[Any] = []
    notes = []
    for role, x, y, values, scale, text, place in parts:
        peak = _peak(values)
        traces += [_surface(role, x, y, values, scale, peak), _frame(x, y)]
        height = say("delta_scene.height", peak=f"{peak:.2g}")
        notes.append(_note(f"<b>{text}</b><br>{height}", place))
    layout = go.Layout(  # all at once: updating a figure's layout takes twice as long
        template=template(),
        **titled(f"{names[2]} · {short_name(info.matrix)}", info.label),
        margin={"l": 0, "r": 0, "t": 56, "b": 0},
        showlegend=False,
        scene=_scene(notes, wide, deep),
    )
    return go.Figure(traces, layout)


def describe_delta_scene(info: DeltaSceneInfo) -> str:
    """The picture in words, for those who do not see it."""
    if not info.product.size:
        return say("delta_scene.empty", matrix=info.matrix)
    m, n = info.shape
    k = len(info.spectrum)
    i, j = np.unravel_index(int(np.nanargmax(np.abs(info.product))), info.product.shape) if np.isfinite(info.product).any() else (0, 0)
    what = say("delta_scene.strongest" if info.b is None else "delta_scene.trained", k=k)
    sizes = {"m": m, "n": n, "k": k, "rows": len(info.rows), "columns": len(info.columns)}
    largest = {"largest": f"{info.product[i, j]:+.3g}", "row": info.rows[i], "column": info.columns[j]}
    energy = info.energy or (0.0,)
    shares = {"first": f"{100 * energy[0]:.0f}", "all": f"{100 * energy[-1]:.0f}"}
    return say("delta_scene.says", matrix=short_name(info.matrix), what=what, **sizes, **largest, **shares)


def delta_scene_tables(info: DeltaSceneInfo, top: int = 12) -> tuple[Table, ...]:
    """The largest cells shown, and the spectrum with the energy that it holds."""
    values = np.nan_to_num(np.abs(info.product)).ravel()
    order = np.argsort(values)[::-1][:top]
    places = [np.unravel_index(int(flat), info.product.shape) for flat in order]
    cells = tuple((int(info.rows[i]), int(info.columns[j]), float(info.product[i, j])) for i, j in places)
    energy = tuple((k + 1, s, 100 * e) for k, (s, e) in enumerate(zip(info.spectrum, info.energy, strict=True)))
    return (
        Table(say("delta_scene.cells", count=len(cells)), heads("delta_scene.cell_columns"), cells),
        Table(say("delta_scene.spectrum"), heads("delta_scene.spectrum_columns"), energy),
    )


def _floats(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float32)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be a matrix with at least one row and one column")
    return array


def _every(count: int, limit: int) -> NDArray[np.int64]:
    """Every s-th index, at most `limit`; a lone row is doubled, since a surface needs two."""
    kept = np.arange(0, count, -(-count // limit), dtype=np.int64)
    return np.repeat(kept, 2) if len(kept) == 1 else kept


def _sides(shape: tuple[int, int]) -> tuple[float, float]:
    """Width and depth of ΔW in the scene: true proportions, but no side under 0.45 of the other."""
    m, n = shape
    return max(0.45, min(1.0, n / m)), max(0.45, min(1.0, m / n))


def _ribbons(count: int) -> NDArray[np.float64]:
    """Three places a direction, begin, end and gap, across the width of a strip."""
    step = STRIP / count
    share = 0.74 if count <= 24 else 0.94
    return np.concatenate([[i * step, (i + share) * step, (i + share) * step] for i in range(count)])


def fins(factor: Floats) -> Floats:
    """(p, k) -> (p, 3k): each column drawn as a ribbon of its own with a gap of NaN after it."""
    return np.stack([factor, factor, np.full_like(factor, np.nan)], axis=2).reshape(factor.shape[0], -1)


def _peak(values: Floats) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _surface(role: str, x: NDArray[Any], y: NDArray[Any], values: Floats, scale: Scale, peak: float) -> go.Surface:
    return go.Surface(
        name=role,
        meta=role,
        x=x.astype(np.float32),
        y=y.astype(np.float32),
        z=(values * np.float32(HEIGHT / peak)).astype(np.float32),
        cmin=-HEIGHT * SATURATED,
        cmax=HEIGHT * SATURATED,
        colorscale=[list(stop) for stop in scale],
        showscale=False,
        hoverinfo="none",
        lighting={"ambient": 0.62, "diffuse": 0.65, "specular": 0.12, "roughness": 0.7, "fresnel": 0.05},
        lightposition={"x": -800, "y": -1200, "z": 1600},
    )


def _frame(x: NDArray[Any], y: NDArray[Any]) -> go.Scatter3d:
    """The ground of a matrix: its outline at height zero."""
    x0, x1, y0, y1 = (float(v) for v in (x[0], x[-1], y[0], y[-1]))
    line = {"color": LIGHT.base, "width": 2}
    return go.Scatter3d(
        x=[x0, x1, x1, x0, x0], y=[y0, y0, y1, y1, y0], z=[0.0] * 5, mode="lines", line=line, hoverinfo="skip", meta="frame"
    )


def _note(text: str, place: tuple[float, float, float]) -> dict[str, Any]:
    x, y, z = place
    return {
        "text": text,
        "x": x,
        "y": y,
        "z": z,
        "xanchor": "left" if x < 0 else "center",
        "align": "left",
        "showarrow": False,
        "font": {"size": 12, "color": LIGHT.text},
    }


def _scene(notes: list[dict[str, Any]], wide: float, deep: float) -> dict[str, Any]:
    side = GAP + STRIP
    # Notes outside the ranges would not be drawn, so these reach a little further than the matrices.
    ranges = {"x": [-side - 0.02, wide + 0.02], "y": [-deep - 0.2, side + 0.02], "z": [-HEIGHT * 1.1, HEIGHT * 2.8]}
    scale = SPAN / (side + max(wide, deep))
    # Not `visible: False`: for such an axis plotly makes the ticks and their letters all the same, a third of a first drawing's time.
    parts = ("showspikes", "showgrid", "showline", "zeroline", "showticklabels", "showbackground")
    hidden = {**dict.fromkeys(parts, False), "tickmode": "array", "tickvals": [], "title": {"text": ""}}
    return {
        **{f"{axis}axis": {**hidden, "range": ends} for axis, ends in ranges.items()},
        "aspectmode": "manual",
        "aspectratio": {axis: scale * (high - low) for axis, (low, high) in ranges.items()},
        "camera": CAMERA,
        "annotations": notes,
        "dragmode": "turntable",
        "domain": {"x": [0, 1], "y": [0, 1]},
    }
