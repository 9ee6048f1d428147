"""One training step's memory through time: a terrain of stacked terms, under the height of the card.

info = get_memory_terrain_info("Llama-2-7B, LoRA", phases, terms, gib, usable_gib=79.1, card="A100 80GB", label=label)
The numbers come from `engine.planner.timeline`; this file only draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.memory_stack import COLOURS
from viz.space import LIGHTING, Axis, bare, space
from viz.table import Cell, Table
from viz.words import heads, named, say

LEAST = 0.002
"""Terms that never reach this share of the highest moment are left out of the picture, and named in the table."""


class MemoryTerrainInfo(NamedTuple):
    """Moments in their order; terms from the ground up."""

    title: str
    phases: tuple[str, ...]
    terms: tuple[str, ...]
    gib: NDArray[np.float64]
    """(moments, terms)."""
    usable_gib: float
    card: str
    label: TruthLabel


def get_memory_terrain_info(
    title: str, phases: Sequence[str], terms: Sequence[str], gib: ArrayLike, *, usable_gib: float, card: str, label: TruthLabel
) -> MemoryTerrainInfo:
    """Raises ValueError where `gib` is not (moments, terms)."""
    values = np.asarray(gib, dtype=np.float64)
    if values.shape != (len(phases), len(terms)) or not values.size:
        raise ValueError(f"gib has shape {values.shape}; there are {len(phases)} moments and {len(terms)} terms")
    return MemoryTerrainInfo(title, tuple(phases), tuple(terms), values, usable_gib, card, label)


def draw_memory_terrain(info: MemoryTerrainInfo) -> go.Figure:
    """A lane a term. Each stands on the sum of those before it, so the last lane's top is the total."""
    peak = float(info.gib.sum(1).max()) or 1.0
    # One moment has no length; the optimizer's step is drawn as a plateau, so that it can be seen.
    moments = [n for n in range(len(info.phases)) for _ in range(len(info.phases) // 14 or 1 if info.phases[n] == "step" else 1)]
    gib, phases = info.gib[moments], [info.phases[n] for n in moments]
    shown = [n for n in range(len(info.terms)) if info.gib[:, n].max() >= LEAST * peak]
    x = np.arange(len(phases), dtype=np.float32)
    below = np.zeros(len(x))
    figure = go.Figure()
    for lane, n in enumerate(shown):
        above = below + gib[:, n]
        name = named("terms", info.terms[n])
        colour = COLOURS.get(info.terms[n], LIGHT.base)
        figure.add_trace(
            go.Surface(
                x=x, y=np.array([lane, lane, lane + 0.8, lane + 0.8], np.float32), z=np.array([below, above, above, below], np.float32),
                surfacecolor=np.zeros((4, len(x)), np.float32), cmin=0, cmax=1, colorscale=[[0, colour], [1, colour]], showscale=False,
                lighting=LIGHTING, meta=info.terms[n], name=name, customdata=np.broadcast_to(gib[:, n], (4, len(x))),
                hovertemplate=say("memory_terrain.hover", name=name, gib="%{customdata:.2f}") + "<extra></extra>",
            )
        )  # fmt: skip
        below = above
    lanes, top = len(shown), max(peak, info.usable_gib) * 1.06
    if info.usable_gib <= 4 * peak:
        last, card = float(x[-1]), say("memory_terrain.card", card=info.card, gib=f"{info.usable_gib:.1f}")
        figure.add_scatter3d(
            x=[0, last, last, 0, 0], y=[0, 0, lanes, lanes, 0], z=[info.usable_gib] * 5, mode="lines", meta="card", name=say("memory_terrain.card_name"),
            line={"color": LIGHT.trainable, "width": 4, "dash": "dash"}, hovertemplate=f"{card}<extra></extra>",
        )  # fmt: skip
    else:
        top = 1.1 * peak
    middles = [
        (float(np.mean([n for n, name in enumerate(phases) if name == phase])), named("phases", phase)) for phase in dict.fromkeys(phases)
    ]
    figure.update_layout(
        template=template(),
        **titled(say("memory_terrain.title", title=info.title), info.label),
        scene=space(
            Axis(say("memory_terrain.x"), 0, max(1.0, float(x[-1])), tuple(middles)),
            Axis("", 0, lanes, tuple((lane + 0.4, named("terms", info.terms[n])) for lane, n in enumerate(shown))),
            Axis(say("memory_terrain.z"), 0, top),
            aspect=(1.35, 0.85, 0.75),
            eye=(0.85, -1.6, 0.85),
        ),
    )
    return bare(figure)


def describe_memory_terrain(info: MemoryTerrainInfo) -> str:
    """The picture in words."""
    total = info.gib.sum(1)
    worst = int(total.argmax())
    parts = sorted(((info.gib[worst, n], named("terms", name)) for n, name in enumerate(info.terms)), reverse=True)[:3]
    gib = {"start": f"{total[0]:.1f}", "peak": f"{total[worst]:.1f}", "usable": f"{info.usable_gib:.1f}"}
    return say(
        "memory_terrain.says", title=info.title, moments=len(info.phases), phase=named("phases", info.phases[worst]), card=info.card,
        parts=", ".join(f"{name} {value:.1f}" for value, name in parts), **gib,
    )  # fmt: skip


def memory_terrain_tables(info: MemoryTerrainInfo) -> tuple[Table, ...]:
    """The highest moment of each phase, all terms."""
    total = info.gib.sum(1)
    rows: list[tuple[Cell, ...]] = []
    for phase in dict.fromkeys(info.phases):
        at = max((n for n, name in enumerate(info.phases) if name == phase), key=lambda n: total[n])
        rows.append((named("phases", phase), round(float(total[at]), 3), *(round(float(v), 3) for v in info.gib[at])))
    header = (*heads("memory_terrain.columns"), *(named("terms", name) for name in info.terms))
    return (Table(say("memory_terrain.table"), header, tuple(rows)),)
