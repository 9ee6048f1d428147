"""One training step's memory by phase: a bar of stacked terms for each, the peak marked, under the room of the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.memory_stack import COLOURS, PATTERNS
from viz.table import Cell, Table
from viz.words import heads, named, say

LEAST = 0.002
"""Terms that never reach this share of the highest bar are left to the table."""


class StepPhasesInfo(NamedTuple):
    """Phases in their order, each with its terms in GiB at its highest moment."""

    title: str
    phases: tuple[str, ...]
    terms: tuple[str, ...]
    gib: tuple[tuple[float, ...], ...]
    """(phases, terms)."""
    usable_gib: float
    card: str
    label: TruthLabel

    @property
    def totals_gib(self) -> tuple[float, ...]:
        return tuple(sum(row) for row in self.gib)

    @property
    def peak(self) -> int:
        return max(range(len(self.gib)), key=lambda n: self.totals_gib[n])


def get_step_phases_info(
    title: str, phases: Mapping[str, Mapping[str, float]], usable_gib: float, card: str, label: TruthLabel
) -> StepPhasesInfo:
    """`phases` holds term -> GiB for each phase. Raises ValueError where there is none."""
    if not phases:
        raise ValueError("phases is empty; a step has at least one")
    terms = tuple(dict.fromkeys(name for row in phases.values() for name, value in row.items() if value > 0))
    gib = tuple(tuple(float(row.get(name, 0.0)) for name in terms) for row in phases.values())
    return StepPhasesInfo(title, tuple(phases), terms, gib, usable_gib, card, label)


def draw_step_phases(info: StepPhasesInfo) -> go.Figure:
    """Upright bars, left to right as the step goes; the total stands on each, the highest is called the peak."""
    figure = go.Figure()
    top = max(info.totals_gib)
    for n, term in enumerate(info.terms):
        heights = [row[n] for row in info.gib]
        if max(heights) < LEAST * top:
            continue
        name = named("terms", term)
        figure.add_bar(
            x=info.phases, y=heights, name=name, meta=term,
            marker={"color": COLOURS.get(term, LIGHT.base), "pattern": {"shape": PATTERNS.get(term, ""), "size": 5, "solidity": 0.25}},
            hovertemplate=say("step_phases.hover", name=name, gib="%{y:.3f}") + "<extra>%{x}</extra>",
        )  # fmt: skip
    for n, (phase, total) in enumerate(zip(info.phases, info.totals_gib, strict=True)):
        gib = f"{total:.2f}"
        words = f"<b>{say('step_phases.peak', gib=gib)}</b>" if n == info.peak else gib
        figure.add_annotation(x=phase, y=total, text=words, showarrow=False, yanchor="bottom")
    if info.usable_gib <= 3 * top:
        figure.add_hline(y=info.usable_gib, line={"color": LIGHT.trainable, "width": 2, "dash": "dash"})
        figure.update_xaxes(title=say("step_phases.x", card=info.card, usable=f"{info.usable_gib:.1f}"))
        top = max(top, info.usable_gib)
    figure.update_layout(
        template=template(),
        **titled(info.title, info.label),
        barmode="stack",
        bargap=0.35,
        legend={"orientation": "h", "y": -0.25, "traceorder": "normal"},
    )
    figure.update_yaxes(title=say("step_phases.y"), range=[0, 1.12 * top or 1])
    return figure


def describe_step_phases(info: StepPhasesInfo) -> str:
    """The chart in words."""
    parts = ", ".join(f"{phase} {total:.2f}" for phase, total in zip(info.phases, info.totals_gib, strict=True))
    peak = info.phases[info.peak]
    return say("step_phases.says", parts=parts, peak=peak, card=info.card, usable=f"{info.usable_gib:.1f}")


def step_phases_tables(info: StepPhasesInfo) -> tuple[Table, ...]:
    """All terms of each phase."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (phase, round(total, 3), *(round(value, 3) for value in row))
        for phase, total, row in zip(info.phases, info.totals_gib, info.gib, strict=True)
    )
    header = (*heads("step_phases.columns"), *(named("terms", name) for name in info.terms))
    return (Table(say("step_phases.table"), header, rows),)
