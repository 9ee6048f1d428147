"""How methods learn, over seeds: the mean of each and the band between its least and its most.

info = get_learning_spread_info([("LoRA", "lora", [[(0, 0.0), (6, 0.5)], ...]), ...], "held-out score (%)", label)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from viz.colours import LIGHT, template
from viz.label import TruthLabel, titled
from viz.table import Table

_LOOKS = (
    (LIGHT.trainable, "194,87,12", "solid", "circle"), (LIGHT.frozen, "63,107,165", "dash", "diamond"),
    (LIGHT.quantized, "124,58,237", "dot", "square"), (LIGHT.base, "95,107,122", "dashdot", "x"),
)  # fmt: skip


class Curve(NamedTuple):
    """One method: step by step over its seeds."""

    name: str
    part: str
    steps: tuple[int, ...]
    mean: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]
    seeds: int


class LearningSpreadInfo(NamedTuple):
    """Curves in the order given."""

    curves: tuple[Curve, ...]
    unit: str
    label: TruthLabel


def get_learning_spread_info(
    methods: Iterable[tuple[str, str, Sequence[Sequence[tuple[int, float]]]]], unit: str, label: TruthLabel
) -> LearningSpreadInfo:
    """From (name, part, one list of (step, value) a seed). Only steps that all seeds of a method reached are kept."""
    curves = []
    for name, part, runs in methods:
        found = [dict(run) for run in runs]
        steps = sorted(set.intersection(*(set(run) for run in found))) if found else []
        columns = [[run[step] for run in found] for step in steps]
        numbers = (tuple(sum(c) / len(c) for c in columns), tuple(min(c) for c in columns), tuple(max(c) for c in columns))
        curves.append(Curve(name, part, tuple(steps), *numbers, len(found)))
    return LearningSpreadInfo(tuple(curves), unit, label)


def draw_learning_spread(info: LearningSpreadInfo) -> go.Figure:
    """Lines told apart by dash and marker as well as colour; the band is one trace with its line, so that a word lights both."""
    figure = go.Figure()
    for place, curve in enumerate(info.curves):
        colour, plain, dash, symbol = _LOOKS[place % len(_LOOKS)]
        figure.add_scatter(
            x=[*curve.steps, *curve.steps[::-1]], y=[*curve.most, *curve.least[::-1]], fill="toself", fillcolor=f"rgba({plain},0.16)",
            mode="none", name=curve.name, meta=curve.part, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=curve.steps, y=curve.mean, mode="lines+markers", name=f"{curve.name}, {curve.seeds} seeds", meta=curve.part,
            line={"color": colour, "dash": dash, "width": 2.5}, marker={"symbol": symbol, "size": 7},
            customdata=list(zip(curve.least, curve.most, strict=True)),
            hovertemplate="step %{x}: %{y:.3g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})<extra>" + curve.name + "</extra>",
        )  # fmt: skip
    figure.update_layout(template=template(), **titled("How methods learn, over seeds", info.label))
    figure.update_xaxes(title="step", rangemode="tozero")
    figure.update_yaxes(title=info.unit)
    return figure


def describe_learning_spread(info: LearningSpreadInfo) -> str:
    """The chart in words."""
    parts = [f"{c.name} ends at {c.mean[-1]:.3g} ({c.least[-1]:.3g} to {c.most[-1]:.3g}, {c.seeds} seeds)" for c in info.curves if c.steps]
    return f"{info.unit} by step. {'; '.join(parts)}." if parts else "No run has ended yet."


def learning_spread_tables(info: LearningSpreadInfo) -> tuple[Table, ...]:
    """One table a method."""
    header = ("step", "mean", "least", "most")
    return tuple(Table(f"{c.name}, {info.unit}", header, tuple(zip(c.steps, c.mean, c.least, c.most, strict=True))) for c in info.curves)
