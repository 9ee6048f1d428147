"""Chosen and rejected answers over preference training, as ribbons; the margin between them.

info = get_preference_ribbons_info(steps, chosen, rejected, margin, label, beta=0.1)
DPO: Rafailov et al. 2023, 2305.18290, equations 5 to 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from viz.colours import LIGHT, Scale, template
from viz.label import TruthLabel, titled
from viz.space import Axis, bare, room, space, surface
from viz.table import Table
from viz.words import heads, say


class PreferenceRibbonsInfo(NamedTuple):
    """Means over the pairs of a step or of the held-out pairs, nats an answer."""

    steps: tuple[int, ...]
    chosen: tuple[float, ...]
    """log π(chosen) − log π_ref(chosen)."""
    rejected: tuple[float, ...]
    margin: tuple[float, ...]
    """β times (chosen − rejected): the implicit reward margin."""
    beta: float
    label: TruthLabel


def get_preference_ribbons_info(
    steps: Sequence[int], chosen: Sequence[float], rejected: Sequence[float], beta: float, label: TruthLabel
) -> PreferenceRibbonsInfo:
    """Log-ratios to the reference; the margin is computed. Raises ValueError where the lists are not as long as the steps."""
    if not len(steps) == len(chosen) == len(rejected):
        raise ValueError(f"{len(steps)} steps, {len(chosen)} chosen and {len(rejected)} rejected; each step has one of each")
    margin = tuple(beta * (c - r) for c, r in zip(chosen, rejected, strict=True))
    return PreferenceRibbonsInfo(tuple(map(int, steps)), tuple(map(float, chosen)), tuple(map(float, rejected)), margin, beta, label)


def draw_preference_ribbons(info: PreferenceRibbonsInfo) -> go.Figure:
    """Two ribbons side by side over the steps; the sheet that leads from one to the other is their gap, the reference the line at zero."""
    figure = go.Figure()
    lanes = (("chosen", info.chosen, LIGHT.chosen, 0.0), ("rejected", info.rejected, LIGHT.rejected, 0.65))
    for role, values, colour, lane in lanes:
        name = say(f"preference_ribbons.{role}")
        flat: Scale = ((0.0, colour), (1.0, colour))
        figure.add_trace(
            surface(
                info.steps, [lane, lane + 0.35], [values, values], flat, role, name,
                hovertemplate=say("preference_ribbons.hover", step="%{x}", value="%{z:.2f}") + f"<extra>{name}</extra>",
            )
        )  # fmt: skip
    hover = say("preference_ribbons.hover_margin", step="%{x}", margin="%{customdata:.2f}")
    gap: Scale = ((0.0, LIGHT.base), (1.0, LIGHT.base))
    figure.add_trace(
        surface(
            info.steps, [0.35, 0.65], [info.chosen, info.rejected], gap, "margin", say("preference_ribbons.margin"), opacity=0.35,
            customdata=[info.margin, info.margin],
            hovertemplate=f"{hover}<extra>{say('preference_ribbons.gap')}</extra>",
        )
    )  # fmt: skip
    last = info.steps[-1] if info.steps else 1
    figure.add_scatter3d(
        x=[0, last, last, 0, 0], y=[0, 0, 1, 1, 0], z=[0.0] * 5, mode="lines", meta="reference", name=say("preference_ribbons.reference"),
        line={"color": LIGHT.base, "width": 3, "dash": "dash"}, hovertemplate=f"{say('preference_ribbons.hover_reference')}<extra></extra>",
    )  # fmt: skip
    every = np.array([*info.chosen, *info.rejected, 0.0])
    low, high = room(every)
    end = say("preference_ribbons.note", margin=f"{info.margin[-1]:+.2f}") if info.margin else ""
    figure.update_layout(
        template=template(),
        **titled(say("preference_ribbons.title", beta=f"{info.beta:g}"), info.label),
        scene=space(
            Axis(say("preference_ribbons.x"), info.steps[0] if info.steps else 0, max(1, last)),
            Axis("", 0, 1, ((0.175, say("preference_ribbons.chosen")), (0.825, say("preference_ribbons.rejected")))),
            Axis(say("preference_ribbons.z"), low, high),
            aspect=(1.5, 0.5, 0.75),
            notes=((end, (float(last), 0.5, float(every.max()))),) if end else (),
        ),
    )
    return bare(figure)


def describe_preference_ribbons(info: PreferenceRibbonsInfo) -> str:
    """The picture in words."""
    if not info.steps:
        return say("preference_ribbons.empty")
    best = int(np.argmax(info.chosen))
    chosen = {"chosen": f"{info.chosen[0]:+.1f}", "last_chosen": f"{info.chosen[-1]:+.1f}", "best": f"{info.chosen[best]:+.1f}"}
    rejected = {"rejected": f"{info.rejected[0]:+.1f}", "last_rejected": f"{info.rejected[-1]:+.1f}"}
    margin = {"beta": f"{info.beta:g}", "margin": f"{info.margin[-1]:+.2f}"}
    return say("preference_ribbons.says", step=info.steps[best], **chosen, **rejected, **margin)


def preference_ribbons_tables(info: PreferenceRibbonsInfo) -> tuple[Table, ...]:
    """One row a step."""
    rows = tuple(zip(info.steps, info.chosen, info.rejected, info.margin, strict=True))
    return (Table(say("preference_ribbons.table"), heads("preference_ribbons.columns"), rows),)
