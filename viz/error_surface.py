"""What 4 bits cost over a real matrix: |error| of NF4, FP4 and INT4 side by side, at one scale.

info = get_error_surface_info(weights, "layer 15 · k_proj", label)   # weights: (m, n), n a multiple of 64
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.codes import CODES, quantize, relative_error
from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.space import Axis, bare, space, surface
from viz.table import Table
from viz.words import heads, say

SHOWN = 64


class CodeError(NamedTuple):
    """One code over the matrix."""

    code: str
    relative: float
    """Root mean square error over the root mean square of the weights, whole matrix."""
    worst: float
    """Largest absolute error, whole matrix."""
    shown: NDArray[np.float32]
    """(p, q): |error| of the rows and columns shown, exact."""


class ErrorSurfaceInfo(NamedTuple):
    """Codes in the order NF4, FP4, INT4."""

    matrix: str
    shape: tuple[int, int]
    codes: tuple[CodeError, ...]
    corner: tuple[int, int]
    """First row and column shown."""
    label: TruthLabel


def get_error_surface_info(weights: ArrayLike, matrix: str, label: TruthLabel, corner: tuple[int, int] = (0, 0)) -> ErrorSurfaceInfo:
    """Quantize the whole matrix with each code; 64 x 64 cells from `corner` on are shown. Raises ValueError where blocks are not filled."""
    values = np.asarray(weights, dtype=np.float32)
    if values.ndim != 2:
        raise ValueError(f"weights have shape {values.shape}; a matrix is needed")
    codes, (row, column) = [], corner
    for code in CODES:
        restored = quantize(values, code).restored
        error = np.abs(restored - values)
        codes.append(
            CodeError(code, relative_error(values, restored), float(error.max()), error[row : row + SHOWN, column : column + SHOWN])
        )
    return ErrorSurfaceInfo(matrix, (values.shape[0], values.shape[1]), tuple(codes), corner, label)


def draw_error_surface(info: ErrorSurfaceInfo) -> go.Figure:
    """Three terrains next to each other; height and colour are |error|, on the same axis."""
    p, q = info.codes[0].shown.shape
    row, column = info.corner
    top = max(float(code.shown.max()) for code in info.codes) or 1.0
    hover = say("error_surface.hover", row="%{y}", column="%{customdata}", error="%{z:.4f}")
    figure = go.Figure()
    notes = []
    for place, code in enumerate(info.codes):
        start = place * (q + 10)
        figure.add_trace(
            surface(
                start + np.arange(q), row + np.arange(p), code.shown, LIGHT.error, code.code, code.code, cmin=0, cmax=0.7 * top,
                customdata=np.broadcast_to(column + np.arange(q), (p, q)),
                hovertemplate=f"{hover}<extra>{code.code}</extra>",
            )
        )  # fmt: skip
        note = say("error_surface.note", error=f"{code.relative:.1%}")
        notes.append((f"<b>{code.code}</b><br>{note}", (start + q / 2, row - 0.12 * p, 0.0)))
    figure.update_layout(
        template=template(),
        **titled(say("error_surface.title", matrix=info.matrix), info.label),
        scene=space(
            Axis(say("error_surface.x"), -2, 3 * q + 22, ()), Axis(say("error_surface.y"), row - 0.15 * p, row + p),
            Axis(say("error_surface.z"), 0, 1.6 * top),
            aspect=(2.1, 0.75, 0.55), eye=(0.2, -1.5, 0.9), notes=notes,
        ),
    )  # fmt: skip
    return bare(figure)


def describe_error_surface(info: ErrorSurfaceInfo) -> str:
    """The picture in words."""
    (row, column), (p, q) = info.corner, info.codes[0].shown.shape
    parts = ", ".join(f"{code.code} {code.relative:.1%}" for code in info.codes)
    drawn = {"row": row, "last_row": row + p - 1, "column": column, "last_column": column + q - 1}
    return say("error_surface.says", matrix=info.matrix, m=info.shape[0], n=info.shape[1], parts=parts, **drawn)


def error_surface_tables(info: ErrorSurfaceInfo) -> tuple[Table, ...]:
    """One row a code."""
    rows = tuple((code.code, 100 * code.relative, code.worst) for code in info.codes)
    return (Table(say("error_surface.table", matrix=info.matrix), heads("error_surface.columns"), rows),)
